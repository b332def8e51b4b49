import { needsOf } from '../alerts/fold-rule';
import type { AlertBacktestReply, AlertCondition } from '../contract/alert-rules';
import type { Database } from '../store/database';
import { gapsQuery, mergeIntervals } from '../store/reading/raw-gaps';
import type { ReadableRun } from '../store/reading/readable-run';
import type { FoldedAttempt } from './fold-stored-run';

type Unjudged = AlertBacktestReply['runs'][number]['unjudged'];

/**
 * Where retention has left rollups alone of any layer metric that the condition looks at, among
 * the steps that were looked at, ascending an attempt. Scalars and findings stay for ever.
 */
export async function findUnjudged(
  db: Database,
  { runKey, names }: ReadableRun,
  condition: AlertCondition,
  attempts: readonly FoldedAttempt[],
): Promise<Unjudged> {
  const { layerMetrics } = needsOf(condition);
  const metrics = layerMetrics === 'all' ? [...names.layer.keys()] : layerMetrics;
  const metricIds = metrics.flatMap((name) => names.layer.get(name) ?? []);
  const segments = attempts.flatMap(({ attempt, firstStep, lastStep }) =>
    firstStep === null || lastStep === null
      ? []
      : [{ attempt, fromStep: firstStep, toStep: lastStep }],
  );
  if (metricIds.length === 0 || segments.length === 0) return [];
  const found = new Map<number, { from: number; to: number }[]>();
  await db.readAll(
    metricIds.map((metricId) =>
      gapsQuery(runKey, segments, metricId, (attempt, { fromStep, endStep }) => {
        const ofAttempt = found.get(attempt) ?? [];
        found.set(attempt, ofAttempt);
        ofAttempt.push({ from: fromStep, to: endStep });
      }),
    ),
  );
  return segments.flatMap(({ attempt, fromStep, toStep }) =>
    mergeIntervals(found.get(attempt) ?? []).map(({ from, to }) => ({
      attempt,
      fromStep: Math.max(from, fromStep),
      toStep: Math.min(to - 1, toStep),
    })),
  );
}
