import type { SeriesColumns } from './timeline-series';

/** How a timeline is smoothed; its raw line stays behind. */
export type Smoothing =
  | { readonly kind: 'none' }
  /** Exponential: the weight of the past, a step. */
  | { readonly kind: 'ema'; readonly weight: number }
  /** Mean of the last `steps` steps. */
  | { readonly kind: 'window'; readonly steps: number };

/** "0.9" and "w50", as the URL holds them; anything else is no smoothing. */
export function parseSmoothing(text: string | null): Smoothing {
  const window = /^w(\d{1,6})$/.exec(text ?? '');
  if (window !== null) {
    const steps = Number(window[1]);
    return steps >= 2 ? { kind: 'window', steps } : { kind: 'none' };
  }
  const weight = /^0?\.\d{1,4}$/.test(text ?? '') ? Number(text) : 0;
  return weight > 0 && weight < 1 ? { kind: 'ema', weight } : { kind: 'none' };
}

export function formatSmoothing(smoothing: Smoothing): string | null {
  if (smoothing.kind === 'none') return null;
  return smoothing.kind === 'ema' ? String(smoothing.weight) : `w${smoothing.steps}`;
}

/**
 * The series smoothed, one value an entry. A bucket counts as the middle of its extremes,
 * as often as it has steps. Looks back only: nothing shows before it happened.
 *
 * EMA      Σ wᵏx / Σ wᵏ: divided by its own weights, so that the start is not pulled to 0
 * Window   mean of the entries whose last step is within `steps` of this one's
 * NaN/Inf  an entry without a finite value stays a gap and adds nothing
 * Empty    an empty series
 * Cost     O(n)
 */
export function smoothSeries(series: SeriesColumns, smoothing: Smoothing): SeriesColumns {
  if (smoothing.kind === 'none') return series;
  const values =
    smoothing.kind === 'ema'
      ? exponentialMean(series, smoothing.weight)
      : windowMean(series, smoothing.steps);
  return { ...series, min: values, max: values };
}

const middleOf = ({ min, max }: SeriesColumns, i: number): number =>
  ((min[i] ?? NaN) + (max[i] ?? NaN)) / 2;

function exponentialMean(series: SeriesColumns, weight: number): Float64Array {
  const smoothed = new Float64Array(series.length).fill(NaN);
  let sum = 0;
  let weights = 0;
  for (let i = 0; i < series.length; i++) {
    const value = middleOf(series, i);
    if (!Number.isFinite(value)) continue;
    const steps = (series.toStep[i] ?? 0) - (series.fromStep[i] ?? 0) + 1;
    const kept = weight ** steps;
    sum = kept * sum + (1 - kept) * value;
    weights = kept * weights + (1 - kept);
    smoothed[i] = sum / weights;
  }
  return smoothed;
}

function windowMean(series: SeriesColumns, steps: number): Float64Array {
  const smoothed = new Float64Array(series.length).fill(NaN);
  const countOf = (i: number) => (series.toStep[i] ?? 0) - (series.fromStep[i] ?? 0) + 1;
  let sum = 0;
  let count = 0;
  let first = 0;
  for (let i = 0; i < series.length; i++) {
    const value = middleOf(series, i);
    if (!Number.isFinite(value)) continue;
    sum += value * countOf(i);
    count += countOf(i);
    for (; first < i && (series.toStep[first] ?? 0) <= (series.toStep[i] ?? 0) - steps; first++) {
      const old = middleOf(series, first);
      if (!Number.isFinite(old)) continue;
      sum -= old * countOf(first);
      count -= countOf(first);
    }
    smoothed[i] = sum / count;
  }
  return smoothed;
}

/**
 * The loss in nats as perplexity, e^loss. What is too large for a number counts as not finite.
 */
export function toPerplexity(series: SeriesColumns): SeriesColumns {
  const isBeyond = (i: number) => Math.exp(series.max[i] ?? NaN) === Infinity;
  const exponent = (value: number, i: number) => (isBeyond(i) ? NaN : Math.exp(value));
  return {
    ...series,
    min: series.min.map(exponent),
    max: series.max.map(exponent),
    nonFinite: series.nonFinite.map((count, i) => count + (isBeyond(i) ? 1 : 0)),
  };
}
