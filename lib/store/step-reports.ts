/** What steps reported, whole: read back to show detectors what they have not seen. */
import { missingColumn } from '../contract/missing-value';
import type { Database } from './database';
import { findMetricIds } from './metrics';
import { scanLayers } from './scan-layers';
import { findScalarColumns, scanSteps } from './scan-steps';
import { segmentFilter } from './segment-filter';
import type { Segment } from './trajectory';

export interface StepReport {
  readonly step: number;
  readonly scalars: ReadonlyMap<string, number>;
  /** [L] a metric, merged over the posts; MISSING_FLOAT32_BITS where not reported. */
  readonly layerMetrics: ReadonlyMap<string, Float32Array>;
  /** Which layers have come, a post each; one without layers has none. */
  readonly posts: readonly { readonly layerOffset: number; readonly layerCount: number }[];
}

export interface StepReportQuery {
  readonly runKey: string;
  readonly layerCount: number;
  readonly segment: Segment;
  readonly scalars: readonly string[];
  readonly layerMetrics: readonly string[];
}

/**
 * The steps of a segment, ascending. The caller bounds the segment: all of it is held.
 * One range scan for the posts, one for the scalars and one a metric that the run has.
 */
export async function findStepReports(
  db: Database,
  { runKey, layerCount, segment, scalars, layerMetrics }: StepReportQuery,
): Promise<StepReport[]> {
  const posts = new Map<number, { layerOffset: number; layerCount: number }[]>();
  await db.copyRows(
    `SELECT step, layer_offset, layer_count FROM frame WHERE ${segmentFilter(runKey, segment)}
     ORDER BY step, layer_offset`,
    (row) => {
      const step = row.int8(0);
      const ofStep = posts.get(step) ?? [];
      ofStep.push({ layerOffset: row.int4(1), layerCount: row.int4(2) });
      posts.set(step, ofStep);
    },
  );
  const scalarsOf = new Map<number, Map<string, number>>();
  const columns = await findScalarColumns(db, runKey, scalars);
  await scanSteps(db, runKey, segment, columns, (step, values) => {
    const ofStep = new Map<string, number>();
    scalars.forEach((name, index) => {
      const value = values[index] ?? null;
      if (value !== null) ofStep.set(name, value);
    });
    scalarsOf.set(step, ofStep);
  });
  const layersOf = new Map<number, Map<string, Float32Array>>();
  const metricIds = await findMetricIds(db, runKey, 'layer');
  for (const name of layerMetrics) {
    const metricId = metricIds.get(name);
    if (metricId === undefined || layerCount === 0) continue;
    const scan = { runKey, segment, metricId, firstLayer: 0, layerCount };
    await scanLayers(db, scan, (step, values) => {
      const ofStep = layersOf.get(step) ?? new Map<string, Float32Array>();
      const column = missingColumn(layerCount);
      column.set(values);
      layersOf.set(step, ofStep.set(name, column));
    });
  }
  // The posts were read first: one that is committed meanwhile is not among them, however
  // much of it the later scans have seen.
  return Array.from(posts, ([step, ofStep]) => ({
    step,
    scalars: scalarsOf.get(step) ?? new Map<string, number>(),
    layerMetrics: layersOf.get(step) ?? new Map<string, Float32Array>(),
    posts: ofStep,
  }));
}

/** The lowest reported steps of an attempt above `afterStep`, at most `limit`; a range of the primary key. */
export async function findStepsAfter(
  db: Database,
  runKey: string,
  { attempt, afterStep, limit }: { attempt: number; afterStep: number; limit: number },
): Promise<number[]> {
  const { rows } = await db.pool.query<{ step: string }>(
    `SELECT step FROM step WHERE run = $1 AND attempt = $2 AND step > $3 ORDER BY step LIMIT $4`,
    [runKey, attempt, afterStep, limit],
  );
  return rows.map(({ step }) => Number(step));
}

/** The highest `limit` reported steps of a segment, descending; the end of a range of the primary key. */
export async function findNewestSteps(
  db: Database,
  runKey: string,
  { attempt, fromStep, toStep }: Segment,
  limit: number,
): Promise<number[]> {
  const { rows } = await db.pool.query<{ step: string }>(
    `SELECT step FROM step WHERE run = $1 AND attempt = $2 AND step BETWEEN $3 AND $4
     ORDER BY step DESC LIMIT $5`,
    [runKey, attempt, fromStep, toStep, limit],
  );
  return rows.map(({ step }) => Number(step));
}
