/**
 * Which of the measures that follow from histograms a job posted itself: a stored post holds
 * what was posted and what was derived side by side, and what was posted is never replaced.
 */
import { RECOMPUTED_METRICS } from '../../contract/jobs';
import type { CopyRow } from '../postgres/copy-binary';
import type { Database } from '../database';
import { Parameters } from '../postgres/parameters';

/** As bits, of the names of a post's layer metrics before any is derived. */
export function toPostedMeasures(posted: { readonly has: (name: string) => boolean }): number {
  return RECOMPUTED_METRICS.reduce(
    (bits, name, index) => bits | (posted.has(name) ? 1 << index : 0),
    0,
  );
}

/** By `postKey`; null for a post that was stored before this was noted. */
export type PostedMeasures = ReadonlyMap<string, ReadonlySet<string> | null>;

export function postKey({ step, layerOffset }: { step: number; layerOffset: number }): string {
  return `${step}/${layerOffset}`;
}

/** Of the posts of steps `fromStep`…`toStep`; by primary key. */
export async function findPostedMeasures(
  db: Database,
  runKey: string,
  attempt: number,
  { fromStep, toStep }: { readonly fromStep: number; readonly toStep: number },
): Promise<PostedMeasures> {
  const p = new Parameters();
  const sql = `SELECT step, layer_offset, posted_measures FROM frame
    WHERE run = ${p.uuid(runKey)} AND attempt = ${p.integer('int', attempt)}
      AND step BETWEEN ${p.integer('bigint', fromStep)} AND ${p.integer('bigint', toStep)}`;
  const found = new Map<string, ReadonlySet<string> | null>();
  const onRow = (row: CopyRow): void => {
    const key = postKey({ step: row.int8(0), layerOffset: row.int4(1) });
    found.set(key, row.isNull(2) ? null : namesOf(row.int2(2)));
  };
  await db.readAll([{ sql, values: p.values, onRow }]);
  return found;
}

function namesOf(bits: number): ReadonlySet<string> {
  return new Set(RECOMPUTED_METRICS.filter((_, index) => (bits & (1 << index)) !== 0));
}
