import type { RunMetrics } from '../contract/runs';
import type { Database } from '../store/database';
import { findMetricIds } from '../store/metrics';
import { hasStageIntervals } from '../store/findings/stages';
import { requireRun } from './find-run';
import { STAGE_METRIC } from './stage-columns';

/** What the run has ever reported, by kind, in the order in which it came. Throws AppError `run_not_found`. */
export async function readRunMetrics(db: Database, runId: string): Promise<RunMetrics> {
  const { runKey } = await requireRun(db, runId);
  const [scalars, layerMetrics, histograms, hasStages] = await Promise.all([
    findMetricIds(db, runKey, 'scalar'),
    findMetricIds(db, runKey, 'layer'),
    findMetricIds(db, runKey, 'histogram'),
    hasStageIntervals(db, runKey),
  ]);
  return {
    scalars: [...scalars.keys()],
    layerMetrics: [...new Set([...layerMetrics.keys(), ...(hasStages ? [STAGE_METRIC] : [])])],
    histograms: [...histograms.keys()],
  };
}
