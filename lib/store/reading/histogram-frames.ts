/** Reads of stored histograms as they were posted: all layers of one post at once. */
import type { Database } from '../database';
import { unpackColumn } from '../packed-counts';
import { segmentFilter } from './segment-filter';
import type { Segment } from '../runs/trajectory';

export interface StoredHistogramFrame {
  readonly step: number;
  readonly layerOffset: number;
  readonly layerCount: number;
  readonly kindId: number;
  /** [B + 1]; one array for all frames on the same edges. */
  readonly edges: Float32Array;
  /** [L', B] */
  readonly counts: Uint32Array;
  /** [L', 4] underflow, overflow, exact zeros, non-finite. */
  readonly outside: Uint32Array;
}

const isKind = (kindIds: readonly number[]): string =>
  `kind = ANY(ARRAY[${kindIds.map((id) => Math.trunc(id)).join(',')}]::smallint[])`;

/** The steps of a segment that hold a histogram of one of the kinds, ascending, at most `limit`. Along the primary key. */
export async function findStepsWithHistograms(
  db: Database,
  runKey: string,
  segment: Segment,
  kindIds: readonly number[],
  limit: number,
): Promise<number[]> {
  const steps: number[] = [];
  await db.copyRows(
    `SELECT DISTINCT step FROM histogram_frame
     WHERE ${segmentFilter(runKey, segment)} AND ${isKind(kindIds)}
     ORDER BY step LIMIT ${Math.trunc(limit)}`,
    (row) => steps.push(row.int8(0)),
  );
  return steps;
}

/** How many steps of a segment hold one. A scan of the segment's part of the primary key. */
export async function countStepsWithHistograms(
  db: Database,
  runKey: string,
  segment: Segment,
  kindIds: readonly number[],
): Promise<number> {
  let count = 0;
  await db.copyRows(
    `SELECT count(DISTINCT step) FROM histogram_frame
     WHERE ${segmentFilter(runKey, segment)} AND ${isKind(kindIds)}`,
    (row) => {
      count = row.int8(0);
    },
  );
  return count;
}

/** All histograms of the kinds at one step, by kind and first layer. The caller has one step in memory at a time. */
export async function findHistogramFrames(
  db: Database,
  runKey: string,
  attempt: number,
  step: number,
  kindIds: readonly number[],
): Promise<StoredHistogramFrame[]> {
  const frames: StoredHistogramFrame[] = [];
  const edgesOf = new Map<string, Float32Array>();
  const segment = { attempt, fromStep: step, toStep: step };
  await db.copyRows(
    `SELECT layer_offset, layer_count, kind, edges_hash, edges, count_width, outside_width, counts, outside
     FROM histogram_frame JOIN histogram_edges USING (run, edges_hash)
     WHERE ${segmentFilter(runKey, segment)} AND ${isKind(kindIds)}
     ORDER BY kind, layer_offset`,
    (row) => {
      const hash = row.uuid(3).toString('hex');
      const edges = edgesOf.get(hash) ?? new Float32Array(Uint8Array.from(row.bytes(4)).buffer);
      edgesOf.set(hash, edges);
      frames.push({
        step,
        layerOffset: row.int4(0),
        layerCount: row.int4(1),
        kindId: row.int2(2),
        edges,
        counts: unpackColumn(row.bytes(7), row.int2(5)),
        outside: unpackColumn(row.bytes(8), row.int2(6)),
      });
    },
  );
  return frames;
}
