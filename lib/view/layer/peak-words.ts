/** In words: whether gradients that correlate in time made the two peaks of r. */
import type { Bucket } from '../../contract/reads';
import type { Optimizer } from '../../contract/runs';
import { keepsAdamMoments } from '../../stats/adam-ratio-bound';
import {
  explainPeaks,
  leastSplittingCosine,
  placeCorrelatedPeaks,
} from '../../stats/correlated-peaks';
import { formatFixed, formatSetting, formatStep } from '../text/format-number';
import { statistic, type DistributionItem } from './distribution-item';
import type { NamedModes } from './named-modes';

/** What the run says of its optimizer at a step; null where it does not. */
export interface LayerOptimizer {
  readonly name: string;
  readonly beta1: number | null;
  readonly beta2: number | null;
  /** Whether its moments are the two averages that the theory is about. */
  readonly isAdam: boolean;
}

export function toLayerOptimizer({ name, beta1, beta2 }: Optimizer): LayerOptimizer {
  return { name, beta1: beta1 ?? null, beta2: beta2 ?? null, isAdam: keepsAdamMoments(name) };
}

/** The lag-1 cosines that a value of m still remembers. */
export interface RememberedCosine {
  /** null where none of the steps reported a finite one. */
  readonly mean: number | null;
  readonly reports: number;
  /** Inclusive; the steps that were looked at. */
  readonly fromStep: number;
  readonly toStep: number;
}

type CosinePoint = Pick<Bucket, 'fromStep' | 'toStep' | 'mean'>;

const COSINE = 'gradient_cosine';
/** Peaks as unlike each other as this have not split around 0. */
const LARGEST_SKEW = 0.12;
/** Where a marker is said to be met. */
const NEAR_MARKER = 0.06;
/** Of a β1 of 0.999 and more m remembers longer than a window shows. */
const LONGEST_MEMORY = 1000;

/**
 * The cosines of a layer: its series where it was read, else those that came beside its
 * distributions, which are fewer where distributions come rarely.
 */
export function cosinesOf(
  series: readonly { readonly metric: string; readonly points: readonly Bucket[] }[],
  items: readonly DistributionItem[],
): readonly CosinePoint[] {
  const read = series.find(({ metric }) => metric === COSINE)?.points;
  if (read !== undefined) return read;
  return items.map((item) => ({
    fromStep: item.step,
    toStep: item.step,
    mean: statistic(item, COSINE),
  }));
}

/** Mean of the cosines reported in the 1/(1−β1) steps up to `step`, the memory of m. */
export function rememberCosine(
  points: readonly CosinePoint[],
  step: number,
  beta1: number | null,
): RememberedCosine {
  const memory =
    beta1 !== null && beta1 >= 0 && beta1 < 1
      ? Math.min(LONGEST_MEMORY, Math.max(1, Math.round(1 / (1 - beta1))))
      : 1;
  const fromStep = Math.max(0, step - memory + 1);
  const means = points.flatMap(({ mean, ...bucket }) =>
    mean !== null && bucket.fromStep >= fromStep && bucket.toStep <= step ? [mean] : [],
  );
  return {
    mean: means.length === 0 ? null : means.reduce((sum, mean) => sum + mean, 0) / means.length,
    reports: means.length,
    fromStep,
    toStep: step,
  };
}

/** Distance of two peaks from 0; null where there are not two, one on each side and about as far. */
export function peakPlace({ modes }: NamedModes): number | null {
  const [first, second] = modes;
  if (first === undefined || second === undefined) return null;
  if (!(first.position < 0 && second.position > 0)) return null;
  if (Math.abs(first.position + second.position) > LARGEST_SKEW) return null;
  return (second.position - first.position) / 2;
}

/**
 * The sentence beside a distribution of r with two peaks at ±`place`, with the numbers that
 * it comes from; what is missing for an answer is named.
 */
export function describePeakCause(
  place: number,
  optimizer: LayerOptimizer,
  cosine: RememberedCosine,
  burst: number | null,
): string {
  const { beta1, beta2 } = optimizer;
  const unknown = 'whether correlated gradients made the two peaks is not known:';
  if (!optimizer.isAdam) {
    return `${unknown} the theory is Adam’s, and the run’s optimizer is ${optimizer.name}`;
  }
  const at = `±${formatFixed(place, 2)}`;
  switch (explainPeaks(place, cosine.mean, { beta1, beta2 })) {
    case 'any_noise':
      return `the two peaks are no sign of correlated gradients: β1 ${formatSetting(beta1)} averages so few of them that noise alone can split r`;
    case 'explained': {
      const sentence = `correlated gradients explain the two peaks: ${meanText(cosine)} puts them ${placesText(cosine, optimizer)}, and they lie at ${at}`;
      return burst !== null && Math.abs(place - burst) < NEAR_MARKER
        ? `${sentence}; one gradient that outweighs the history would put them there too, so look at the steps before its jump`
        : sentence;
    }
    case 'too_weak':
      return `correlated gradients do not explain the two peaks: ${meanText(cosine)} is below the ${leastText(optimizer)} that any split needs${neededText(place)}`;
    case 'elsewhere':
      return `correlated gradients do not explain the two peaks: ${meanText(cosine)} puts them ${placesText(cosine, optimizer)}, and they lie at ${at}`;
    case 'unknown':
      return beta1 === null || beta2 === null
        ? `${unknown} the run does not name both β1 and β2`
        : cosine.mean === null
          ? `${unknown} no finite lag-1 cosine is stored for ${stepsText(cosine.fromStep, cosine.toStep)}${neededText(place)}`
          : `${unknown} the theory has no answer for β1 ${formatSetting(beta1)}, β2 ${formatSetting(beta2)} and a lag-1 cosine of ${formatFixed(cosine.mean, 2)}`;
  }
}

function meanText({ mean, reports, fromStep, toStep }: RememberedCosine): string {
  const value = formatFixed(mean, 2);
  const steps = stepsText(fromStep, toStep);
  return reports === 1
    ? `a lag-1 cosine of ${value} (one report, ${steps})`
    : `a mean lag-1 cosine of ${value} (${reports} reports, ${steps})`;
}

function stepsText(fromStep: number, toStep: number): string {
  return fromStep === toStep
    ? `step ${formatStep(toStep)}`
    : `steps ${formatStep(fromStep)}–${formatStep(toStep)}`;
}

function placesText({ mean }: RememberedCosine, { beta1, beta2 }: LayerOptimizer): string {
  if (mean === null || beta1 === null || beta2 === null) return '';
  const peaks = placeCorrelatedPeaks(mean, { beta1, beta2 });
  if (peaks === null) return 'at ±1';
  const nearest = formatFixed(peaks.nearest, 2);
  const farthest = formatFixed(peaks.farthest, 2);
  return nearest === farthest ? `near ±${nearest}` : `between ±${nearest} and ±${farthest}`;
}

function leastText({ beta1, beta2 }: LayerOptimizer): string {
  const least = beta1 === null || beta2 === null ? null : leastSplittingCosine({ beta1, beta2 });
  return formatFixed(least, 3);
}

/** Peaks lie at the cosine's root; those beyond ±1 at none. */
function neededText(place: number): string {
  return place >= 1
    ? '; peaks beyond ±1 come from no correlation'
    : `; peaks at ±${formatFixed(place, 2)} would need about ${formatFixed(place * place, 2)}`;
}
