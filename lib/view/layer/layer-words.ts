import type { DistributionsReply } from '../../contract/reads';
import { RATIO_EXCESS_METRIC } from '../../contract/standard-metrics';
import { gradientGrowthOfRms, RMS_SPIKE_LEVEL, rmsCap } from '../../stats/rms-cap';
import { markerPlace } from './distribution-panel';
import { distributionOf, statistic, type DistributionItem } from './distribution-item';
import {
  formatFixed,
  formatNumber,
  formatPercent,
  formatSetting,
  formatStep,
} from '../text/format-number';
import { findNamedModes, type NamedModes } from './named-modes';
import {
  describePeakCause,
  peakPlace,
  type LayerOptimizer,
  type RememberedCosine,
} from './peak-words';

/** What is true of a layer at one step, in sentences; nothing in them but numbers and theory. */
export interface StepWords {
  readonly step: number;
  readonly sentences: readonly string[];
}

export interface LayerVerdict {
  readonly sentence: string;
  readonly detail: string | null;
}

/** Between these factors a width counts as healthy: sampling and finite β2 move it so far. */
const HEALTHY_WIDTH = { low: 0.8, high: 1.25 } as const;
/** A factor of ten, the jump that the paper's trigger stage asks for. */
const JUMP = 10;
/** The share of coordinates at exactly 0 that is worth a sentence. */
const ZERO_SHARE = 0.01;
/** Healthy is 3.5 % at β1 0.9; a tenth is well beyond it. */
const SMALL_SHARE = 0.1;
/** Peaks this near to a marker stand where theory puts it; half a drawn bin is 0.02. */
const NEAR_MARKER = 0.06;
/** Below it a density between two peaks is, to the eye, none. */
const NOTHING_BETWEEN = 0.02;
const DIP_TWO_PEAKS = 0.03;
/** Values are kept at three digits: an RMS this near to its cap is at it. */
const CAP_ROUNDING = 1.005;

function describeWidth(
  symbol: string,
  std: number | null,
  healthyStd: number | null,
): string | null {
  if (std === null) return null;
  if (healthyStd === null || healthyStd <= 0) return `${symbol} has std ${formatNumber(std)}`;
  const factor = std / healthyStd;
  if (factor >= HEALTHY_WIDTH.low && factor <= HEALTHY_WIDTH.high)
    return `${symbol} is as wide as healthy (std ${formatNumber(std)} against ${formatNumber(healthyStd)})`;
  return `${symbol} is ${formatNumber(factor)} times as wide as healthy (std ${formatNumber(std)} against ${formatNumber(healthyStd)})`;
}

function modesOf(item: DistributionItem, kind: string): NamedModes {
  const distribution = distributionOf(item, kind);
  return distribution === null ? { modes: [], valleyShare: null } : findNamedModes(distribution);
}

/** Where the density is highest, in words; null for one peak at 0, which goes without saying. */
function describeModes(
  symbol: string,
  { modes, valleyShare }: NamedModes,
  isShort = false,
): string | null {
  const [first, second] = modes;
  if (first === undefined) return null;
  if (second === undefined)
    return Math.abs(first.position) < NEAR_MARKER
      ? null
      : `${symbol} is highest at ${formatFixed(first.position, 2)}`;
  const places = `${formatFixed(first.position, 2)} and ${formatFixed(second.position, 2)}`;
  if (isShort || valleyShare === null) return `${symbol} is highest at ${places}`;
  const valley =
    valleyShare < NOTHING_BETWEEN
      ? ', with next to nothing between them'
      : `, between them it falls to ${formatPercent(valleyShare)}`;
  return `${symbol} is highest at ${places}${valley}`;
}

function isPairNear({ modes }: NamedModes, place: number | null): boolean {
  const [first, second] = modes;
  if (first === undefined || second === undefined || place === null) return false;
  return (
    Math.abs(first.position + place) < NEAR_MARKER &&
    Math.abs(second.position - place) < NEAR_MARKER
  );
}

function describeJump(item: DistributionItem, before: DistributionItem | null): string | null {
  const now = statistic(item, 'gradient_norm');
  const then = before === null ? null : statistic(before, 'gradient_norm');
  if (now === null || then === null || then <= 0 || now <= 0 || before === null) return null;
  const factor = now / then;
  if (factor >= JUMP)
    return `the gradient norm is ${formatNumber(factor)} times that of step ${formatStep(before.step)}`;
  if (factor <= 1 / JUMP)
    return `the gradient norm fell to ${formatPercent(factor)} of step ${formatStep(before.step)}’s`;
  return null;
}

/**
 * The sentence that opens the page: widths against the healthy normal, where the density
 * is highest, and a jump of the gradient norm since `before`, the reported step before.
 */
export function prepareLayerVerdict(
  item: DistributionItem,
  before: DistributionItem | null,
  curves: DistributionsReply['referenceCurves'],
  /** Whether a storage policy let go of the step's values. */
  isGone = false,
): LayerVerdict {
  const jump = describeJump(item, before);
  const modes = modesOf(item, 'update');
  const parts = [
    jump,
    describeModes('u', modes, true),
    describeWidth('u', statistic(item, 'update_std'), curves.healthyStd),
  ].filter((part) => part !== null);
  const burst = markerPlace(curves, 'single_burst');
  const ratioModes = modesOf(item, 'ratio');
  const details: string[] = [];
  if (burst !== null && (isPairNear(ratioModes, burst) || isPairNear(modes, burst))) {
    details.push(
      `±${formatFixed(burst, 2)} is where one gradient that outweighs the whole history puts both peaks. ` +
        'It is no proof that gradients were correlated before it.',
    );
  }
  const corrupt = describeCorruptRatio(item, curves);
  if (corrupt !== null) details.unshift(`${capitalise(corrupt)}.`);
  const ratioWidth = describeWidth('r', statistic(item, 'ratio_std'), curves.healthyStd);
  if (ratioWidth !== null && details.length === 0) details.push(`${capitalise(ratioWidth)}.`);
  const sentence = parts.slice(0, 2).join(', and ');
  return {
    sentence:
      sentence.length > 0
        ? `${sentence}.`
        : isGone
          ? 'the numbers beside the distribution are gone.'
          : 'no statistics were posted beside the distribution.',
    detail: details.length > 0 ? details.join(' ') : null,
  };
}

function capitalise(text: string): string {
  // u and r are symbols: "r is …" keeps its small letter.
  return /^[ur] /.test(text) ? text : text.charAt(0).toUpperCase() + text.slice(1);
}

/** What sentences on a step go by beside its own report. */
export interface StepSetting {
  readonly optimizer: LayerOptimizer;
  /** Of the steps up to the report's, as `rememberCosine` takes them. */
  readonly cosine: RememberedCosine;
}

/** The sentences of one chosen step. */
export function prepareStepWords(
  item: DistributionItem,
  before: DistributionItem | null,
  curves: DistributionsReply['referenceCurves'],
  setting: StepSetting,
): StepWords {
  const sentences: string[] = [];
  const say = (text: string | null): void => {
    if (text !== null) sentences.push(`${capitalise(text)}.`);
  };
  const updateStd = statistic(item, 'update_std');
  const ratioStd = statistic(item, 'ratio_std');
  say(describeCorruptRatio(item, curves));
  say(describeJump(item, before));
  say(describeWidth('u', updateStd, curves.healthyStd));
  say(describeNarrowRatio(updateStd, ratioStd, curves.healthyStd));
  say(describeModes('u', modesOf(item, 'update')));
  const ratioModes = modesOf(item, 'ratio');
  say(describeModes('r', ratioModes));
  const place = (statistic(item, 'ratio_dip') ?? 1) >= DIP_TWO_PEAKS ? peakPlace(ratioModes) : null;
  if (place !== null) {
    const burst = markerPlace(curves, 'single_burst');
    say(describePeakCause(place, setting.optimizer, setting.cosine, burst));
  }
  for (const sentence of describeOutside(item)) say(sentence);
  const small = statistic(item, 'update_small_fraction');
  if (small !== null && small >= SMALL_SHARE) say(`${formatPercent(small)} of u lies within ±0.01`);
  const rms = statistic(item, 'rms');
  if (rms !== null) say(describeRms(rms, setting.optimizer.beta2));
  const cosine = statistic(item, 'gradient_cosine');
  if (cosine !== null && Math.abs(cosine) >= 0.3)
    say(
      `the gradient points ${cosine < 0 ? 'against' : 'along'} that of the step before (cosine ${formatFixed(cosine, 2)})`,
    );
  say(describeDip(statistic(item, 'ratio_dip')));
  if (item.nonFiniteCount > 0)
    say(
      `${item.nonFiniteCount} of the layer’s metrics ${item.nonFiniteCount === 1 ? 'is' : 'are'} not finite`,
    );
  return { step: item.step, sentences };
}

/** An RMS that is a spike, beside the most that β2 lets it be; null for any other. */
function describeRms(rms: number, beta2: number | null): string | null {
  if (!(rms >= RMS_SPIKE_LEVEL)) return null;
  const cap = rmsCap(beta2);
  const above = `RMS ${formatFixed(rms, 2)} is above ${RMS_SPIKE_LEVEL}`;
  if (cap === null) return above;
  const most = `β2 ${formatSetting(beta2)} caps it at ${formatFixed(cap, 2)}`;
  if (rms > CAP_ROUNDING * cap)
    return `${above} and above its cap: ${most}, so v is not that of this β2`;
  const growth = gradientGrowthOfRms(rms, beta2);
  return growth === null || rms * CAP_ROUNDING > cap
    ? `${above} and at its cap: ${most}, however large the gradients`
    : `${above}, as when all gradients grow ${formatNumber(growth)} times; ${most}`;
}

/** Says so where r is larger than the run's betas allow: nothing else about r can be trusted then. */
function describeCorruptRatio(
  item: DistributionItem,
  { ratioBound }: DistributionsReply['referenceCurves'],
): string | null {
  const share = statistic(item, RATIO_EXCESS_METRIC);
  if (share === null || share <= 0) return null;
  const bound = ratioBound === null ? '' : ` ${formatFixed(ratioBound, 3)}`;
  const many = share < 0.001 ? `less than ${formatPercent(0.001)}` : formatPercent(share);
  return `|r| is beyond its bound${bound} in ${many} of coordinates: the posted moments are not Adam’s with these betas`;
}

/** Where u is narrow, whether r is too: then it is not ε that holds u. */
function describeNarrowRatio(
  updateStd: number | null,
  ratioStd: number | null,
  healthyStd: number | null,
): string | null {
  if (updateStd === null || ratioStd === null || healthyStd === null || healthyStd <= 0)
    return null;
  if (updateStd >= 0.5 * healthyStd) return null;
  const factor = formatNumber(ratioStd / healthyStd);
  return ratioStd < HEALTHY_WIDTH.low * healthyStd
    ? `r is narrow too (${factor} times healthy), and ε does not enter r`
    : `r is not narrow (${factor} times healthy): ε holds u`;
}

/** Exact zeros and what is not finite, u and r in one sentence where they agree. */
function describeOutside(item: DistributionItem): readonly string[] {
  const words = (['update', 'ratio'] as const).map((kind) => outsideWords(item, kind));
  const [ofUpdate, ofRatio] = words;
  if (ofUpdate !== null && ofUpdate !== undefined && ofRatio !== null && ofRatio !== undefined) {
    if (ofUpdate.share === ofRatio.share && ofUpdate.what === ofRatio.what)
      return [`${ofUpdate.share} of u and of r is ${ofUpdate.what}`];
  }
  return words.flatMap((word, i) =>
    word === null ? [] : [`${word.share} of ${i === 0 ? 'u' : 'r'} is ${word.what}`],
  );
}

function outsideWords(
  item: DistributionItem,
  kind: string,
): { readonly share: string; readonly what: string } | null {
  const distribution = distributionOf(item, kind);
  if (distribution === null) return null;
  const { counts, zeros, underflow, overflow, nonFinite } = distribution;
  const finite = counts.reduce((sum, count) => sum + count, zeros + underflow + overflow);
  if (nonFinite > 0)
    return { share: formatPercent(nonFinite / (finite + nonFinite)), what: 'not finite' };
  if (finite > 0 && zeros / finite >= ZERO_SHARE)
    return { share: formatPercent(zeros / finite), what: 'exactly 0' };
  return null;
}

function describeDip(dip: number | null): string | null {
  if (dip === null) return null;
  return dip >= DIP_TWO_PEAKS
    ? `dip of r ${formatFixed(dip, 3)} counts as two peaks`
    : `dip of r ${formatFixed(dip, 3)}: one peak`;
}
