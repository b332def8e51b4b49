import type { SeriesColumns } from '../timelines/timeline-series';
import type { RunColumns } from '../heatmap/run-columns';

/** Steps over which the speed is taken. */
const SPEED_STEPS = 64;

/** The newest reported value of a scalar; null where none was. */
export function newestScalar(values: Float64Array): number | null {
  for (let i = values.length - 1; i >= 0; i--) {
    const value = values[i] ?? NaN;
    if (!Number.isNaN(value)) return value;
  }
  return null;
}

/** The newest finite value of a series and its step; null where there is none. */
export function newestPoint(
  series: SeriesColumns,
): { readonly step: number; readonly value: number } | null {
  for (let i = series.length - 1; i >= 0; i--) {
    const value = series.max[i] ?? NaN;
    if (Number.isFinite(value)) return { step: series.toStep[i] ?? 0, value };
  }
  return null;
}

/**
 * Steps a second by the job's wall time over its last 64 columns; null when they are
 * buckets, too few, or carry no time.
 */
export function stepsPerSecond(columns: RunColumns): number | null {
  const { columnCount, fromStep, toStep } = columns;
  const wallTime = columns.scalar('wall_time');
  const last = columnCount - 1;
  const first = Math.max(0, last - SPEED_STEPS);
  if (last - first < 2 || fromStep[first] !== toStep[first]) return null;
  const seconds = (wallTime[last] ?? NaN) - (wallTime[first] ?? NaN);
  const steps = (toStep[last] ?? NaN) - (toStep[first] ?? NaN);
  return seconds > 0 ? steps / seconds : null;
}

export interface LossFigures {
  readonly newest: number | null;
  readonly newestStep: number | null;
  readonly isNewestNonFinite: boolean;
  readonly lastFiniteStep: number | null;
  readonly lowest: { readonly value: number; readonly step: number } | null;
}

/** What the verdict says of the loss. A bucket's step is its first. */
export function lossFigures(loss: SeriesColumns): LossFigures {
  let lowest: LossFigures['lowest'] = null;
  let lastFinite = -1;
  for (let i = 0; i < loss.length; i++) {
    const min = loss.min[i] ?? NaN;
    if (Number.isNaN(min)) continue;
    lastFinite = i;
    if (lowest === null || min < lowest.value) lowest = { value: min, step: loss.fromStep[i] ?? 0 };
  }
  const last = loss.length - 1;
  const isNewestNonFinite = last >= 0 && lastFinite !== last && (loss.nonFinite[last] ?? 0) > 0;
  return {
    newest: last >= 0 && lastFinite === last ? (loss.max[last] ?? null) : null,
    newestStep: last >= 0 ? (loss.toStep[last] ?? null) : null,
    isNewestNonFinite,
    lastFiniteStep: lastFinite === -1 ? null : (loss.toStep[lastFinite] ?? null),
    lowest,
  };
}
