import type { Bucket } from '../../contract/reads';
import { describeMetric } from '../../contract/standard-metrics';
import { formatFixed, formatNumber, formatSteps } from '../text/format-number';
import { prepareTrace, stepToX, valueToY, type Trace, type TraceWindow } from '../timelines/trace';

/** One metric of the layer around the chosen steps. */
export interface SmallMultiple {
  readonly metric: string;
  readonly label: string;
  readonly meaning: string;
  readonly trace: Trace;
  /** The values at the chosen steps, in their order. */
  readonly values: readonly { readonly text: string; readonly isMain: boolean }[];
  /** Where the chosen steps stand, 0 to 1. */
  readonly marks: readonly number[];
  /** A level that the metric is read against, 0 to 1, where it lies inside the panel. */
  readonly reference: { readonly y: number; readonly label: string } | null;
}

function formatMetric(metric: string, value: number | null): string {
  if (metric.endsWith('_dip')) return formatFixed(value, 3);
  return metric === 'rms' ? formatFixed(value, 2) : formatNumber(value);
}

/** Before a mean over several steps. */
const MEAN_SIGN = '⌀';

/** A value as the metric is written; NaN where what was reported is no number; ⌀ before a mean. */
function writtenAt(metric: string, points: readonly Bucket[], step: number): string {
  const bucket = points.find(({ fromStep, toStep }) => fromStep <= step && step <= toStep);
  const isNonFinite = bucket !== undefined && bucket.mean === null && bucket.nonFiniteCount > 0;
  if (isNonFinite) return 'NaN';
  const mean = bucket?.mean ?? null;
  const isMean = mean !== null && bucket !== undefined && bucket.fromStep < bucket.toStep;
  return `${isMean ? MEAN_SIGN : ''}${formatMetric(metric, mean)}`;
}

/** A metric at one step as it is written; "–" where nothing was reported. */
export function valueTextAt(
  series: readonly { readonly metric: string; readonly points: readonly Bucket[] }[],
  metric: string,
  step: number,
): string {
  const found = series.find((entry) => entry.metric === metric);
  return writtenAt(metric, found?.points ?? [], step);
}

/** Prepares one panel; its scale is the metric's own, logarithmic where it says so. */
export function prepareSmallMultiple(
  metric: string,
  points: readonly Bucket[],
  window: TraceWindow,
  steps: readonly number[],
  mainIndex: number,
): SmallMultiple {
  const { label, meaning, scale, reference } = describeMetric(metric);
  const trace = prepareTrace(points, window, scale === 'log' ? 'log' : 'linear');
  const level = reference.kind === 'value' ? valueToY(trace, reference.value) : null;
  return {
    metric,
    label,
    meaning,
    trace,
    values: steps.map((step, index) => ({
      text: writtenAt(metric, points, step),
      isMain: index === mainIndex,
    })),
    marks: steps.map((step) => stepToX(window, step)),
    reference:
      reference.kind === 'value' && level !== null && level >= 0 && level <= 1
        ? { y: level, label: reference.label }
        : null,
  };
}

/** What tells a spike's story stands first; every other metric follows as it was stored. */
const FIRST_METRICS: readonly string[] = [
  'gradient_norm',
  'rms',
  'update_std',
  'ratio_std',
  'ratio_dip',
  'gradient_cosine',
  'update_small_fraction',
  'gradient_below_epsilon_fraction',
  'update_dip',
];

/** The stored metrics in the order of their panels; `stage` is no curve and is left out. */
export function orderMetrics(stored: readonly string[]): readonly string[] {
  const names = stored.filter((name) => name !== 'stage');
  return [
    ...FIRST_METRICS.filter((name) => names.includes(name)),
    ...names.filter((name) => !FIRST_METRICS.includes(name)),
  ];
}

/** The words beside the panels: their window, and what is not among them. */
export function describeMultiples(
  window: TraceWindow,
  shownCount: number,
  storedCount: number,
  failedCount: number,
): string {
  const sentences = [
    `${formatSteps(window.fromStep, window.toStep)} in every panel, each on its own scale. Blue lines are the chosen steps; drag them on the loss.`,
  ];
  if (storedCount === 0) return 'No layer metric is stored for this run.';
  if (failedCount > 0)
    sentences.push(`${failedCount} of ${storedCount} metrics could not be read.`);
  else if (shownCount > 0 && shownCount < storedCount)
    sentences.push(`${shownCount} of ${storedCount} metrics.`);
  return sentences.join(' ');
}
