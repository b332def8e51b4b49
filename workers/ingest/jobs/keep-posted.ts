/**
 * Takes out of what is about to be replaced what a job had posted itself. Of posts that were
 * stored before this was noted, whatever is stored may be such: only what they lack is added.
 */
import { bitsOf, MISSING_FLOAT32_BITS } from '../../../lib/contract/missing-value';
import type { Database } from '../../../lib/store/database';
import { findPostedMeasures, postKey } from '../../../lib/store/writing/posted-measures';
import type { Replacement } from '../../../lib/store/writing/replace-metrics';
import type { RunOutline } from '../../../lib/store/runs/run-context';
import { findStepReports, type StepReport } from '../../../lib/store/reading/step-reports';

export interface KeptPosted {
  readonly replacements: Replacement[];
  /** Cells that stay as they are. */
  readonly keptCells: number;
}

/** `replacements`: of one attempt, steps ascending and few, since all that is stored of them may be read. */
export async function keepPosted(
  db: Database,
  run: Pick<RunOutline, 'runKey' | 'layerCount'>,
  attempt: number,
  replacements: readonly Replacement[],
): Promise<KeptPosted> {
  const [first, last] = [replacements.at(0), replacements.at(-1)];
  if (first === undefined || last === undefined) return { replacements: [], keptCells: 0 };
  const range = { fromStep: first.step, toStep: last.step };
  const posted = await findPostedMeasures(db, run.runKey, attempt, range);
  const isUnknown = (post: Replacement): boolean => (posted.get(postKey(post)) ?? null) === null;
  const stored = new Map<number, StepReport>();
  if (replacements.some(isUnknown)) {
    const reports = await findStepReports(db, {
      runKey: run.runKey,
      segment: { attempt, ...range },
      scalars: [],
      layerMetrics: [...new Set(replacements.flatMap((post) => [...post.layerMetrics.keys()]))],
    });
    for (const report of reports) stored.set(report.step, report);
  }
  let keptCells = 0;
  const rest = replacements.map((post) => {
    const own = posted.get(postKey(post)) ?? null;
    const layerMetrics = new Map(post.layerMetrics);
    for (const name of post.layerMetrics.keys()) {
      const isKept = own === null ? isStored(stored.get(post.step), post, name) : own.has(name);
      if (!isKept) continue;
      layerMetrics.delete(name);
      keptCells += post.layerCount;
    }
    return { ...post, layerMetrics };
  });
  return { replacements: rest.filter(({ layerMetrics }) => layerMetrics.size > 0), keptCells };
}

/** Whether any of the post's layers has a value. */
function isStored(
  report: StepReport | undefined,
  { layerOffset, layerCount }: Replacement,
  name: string,
): boolean {
  const column = report?.layerMetrics.get(name);
  if (column === undefined) return false;
  return bitsOf(column)
    .subarray(layerOffset, layerOffset + layerCount)
    .some((bits) => bits !== MISSING_FLOAT32_BITS);
}
