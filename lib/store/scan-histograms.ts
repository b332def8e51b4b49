/** Reads of the stored histograms of one layer. */
import { MISSING_FLOAT32_BITS } from '../contract/missing-value';
import type { Database } from './database';
import { unpackCounts } from './packed-counts';
import { segmentFilter } from './segment-filter';
import type { Segment } from './trajectory';

export interface StoredHistogram {
  readonly kindId: number;
  readonly edges: readonly number[];
  readonly counts: readonly number[];
  /** Underflow, overflow, exact zeros, non-finite. */
  readonly outside: readonly number[];
}

const holdsLayer = (layer: number): string =>
  `layer_offset <= ${layer} AND layer_offset + layer_count > ${layer}`;

/** The newest step of the segment that holds a histogram of the layer; null for none. Backwards along the primary key. */
export async function findNewestHistogramStep(
  db: Database,
  runKey: string,
  segment: Segment,
  layer: number,
): Promise<number | null> {
  let newest: number | null = null;
  await db.copyRows(
    `SELECT step FROM histogram_frame WHERE ${segmentFilter(runKey, segment)} AND ${holdsLayer(layer)}
     ORDER BY step DESC LIMIT 1`,
    (row) => {
      newest = row.int8(0);
    },
  );
  return newest;
}

/** The steps of the segment that hold a histogram of the layer, ascending. */
export async function findHistogramSteps(
  db: Database,
  runKey: string,
  segment: Segment,
  layer: number,
): Promise<number[]> {
  const steps: number[] = [];
  await db.copyRows(
    `SELECT DISTINCT step FROM histogram_frame
     WHERE ${segmentFilter(runKey, segment)} AND ${holdsLayer(layer)} ORDER BY step`,
    (row) => steps.push(row.int8(0)),
  );
  return steps;
}

/** The layer's histograms at the given steps of one attempt, by step; of each kind the first shard's. */
export async function findHistograms(
  db: Database,
  runKey: string,
  attempt: number,
  steps: readonly number[],
  layer: number,
): Promise<ReadonlyMap<number, readonly StoredHistogram[]>> {
  const found = new Map<number, StoredHistogram[]>();
  const [firstStep] = steps;
  const lastStep = steps.at(-1);
  if (firstStep === undefined || lastStep === undefined) return found;
  const window = { attempt, fromStep: firstStep, toStep: lastStep };
  await db.copyRows(
    `SELECT step, kind, count_width, outside_width, edges,
       substr(counts, (${layer} - layer_offset) * bin_count * count_width + 1, bin_count * count_width),
       substr(outside, (${layer} - layer_offset) * 4 * outside_width + 1, 4 * outside_width)
     FROM histogram_frame JOIN histogram_edges USING (run, edges_hash)
     WHERE ${segmentFilter(runKey, window)} AND ${holdsLayer(layer)}
       AND step = ANY(ARRAY[${steps.map(Number).join(',')}]::bigint[])
     ORDER BY step, kind, layer_offset`,
    (row) => {
      const step = row.int8(0);
      const kindId = row.int2(1);
      const ofStep = found.get(step) ?? [];
      found.set(step, ofStep);
      if (ofStep.some((histogram) => histogram.kindId === kindId)) return;
      const edges = row.bytes(4);
      ofStep.push({
        kindId,
        edges: Array.from({ length: edges.length / 4 }, (_, index) => edges.readFloatLE(index * 4)),
        counts: unpackCounts(row.bytes(5), row.int2(2)),
        outside: unpackCounts(row.bytes(6), row.int2(3)),
      });
    },
  );
  return found;
}

/** All metrics of one layer at the given steps of one attempt: step → metric number → value; null is "not reported". */
export async function findLayerStatistics(
  db: Database,
  runKey: string,
  attempt: number,
  steps: readonly number[],
  layer: number,
): Promise<ReadonlyMap<number, ReadonlyMap<number, number | null>>> {
  const found = new Map<number, Map<number, number | null>>();
  const [firstStep] = steps;
  const lastStep = steps.at(-1);
  if (firstStep === undefined || lastStep === undefined) return found;
  const window = { attempt, fromStep: firstStep, toStep: lastStep };
  await db.copyRows(
    `SELECT step, metric_ids,
       (SELECT string_agg(substr("values", (position * layer_count + ${layer} - layer_offset) * 4 + 1, 4), ''::bytea ORDER BY position)
        FROM generate_series(0, cardinality(metric_ids) - 1) AS position)
     FROM hot_frame
     WHERE ${segmentFilter(runKey, window)} AND ${holdsLayer(layer)}
       AND step = ANY(ARRAY[${steps.map(Number).join(',')}]::bigint[])
     ORDER BY step, layer_offset`,
    (row) => {
      const ofStep = found.get(row.int8(0)) ?? new Map<number, number | null>();
      found.set(row.int8(0), ofStep);
      const cells = row.bytes(2);
      row.int2Array(1).forEach((metricId, index) => {
        const isMissing = cells.readUInt32LE(index * 4) === MISSING_FLOAT32_BITS;
        const known = ofStep.get(metricId) ?? null;
        ofStep.set(metricId, known ?? (isMissing ? null : cells.readFloatLE(index * 4)));
      });
    },
  );
  return found;
}
