import type { RunMetrics } from '../contract/runs';
import type { Database } from '../store/database';
import { findMetricIds } from '../store/metrics';
import { requireRun } from './find-run';

/** What the run has ever reported, by kind, in the order in which it came. Throws AppError `run_not_found`. */
export async function readRunMetrics(db: Database, runId: string): Promise<RunMetrics> {
  const { runKey } = await requireRun(db, runId);
  const [scalars, layerMetrics, histograms] = await Promise.all([
    findMetricIds(db, runKey, 'scalar'),
    findMetricIds(db, runKey, 'layer'),
    findMetricIds(db, runKey, 'histogram'),
  ]);
  return {
    scalars: [...scalars.keys()],
    layerMetrics: [...layerMetrics.keys()],
    histograms: [...histograms.keys()],
  };
}
