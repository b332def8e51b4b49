/** The line of an incident: what, where, with its number. */
import type { AlertCondition } from '../contract/alert-rules';
import { describeMetric } from '../contract/standard-metrics';
import { formatPeakValue } from '../view/alerts/peak-value';
import { formatNumber, formatStep } from '../view/text/format-number';

const NAMED = 3;

/** As the list of incidents writes it: a message and the page that it leads to say one number. */
export const peakWords = (
  kind: AlertCondition['kind'],
  value: number,
  step: number | null,
): string => `${formatPeakValue(kind, value)}${step === null ? '' : ` ${atStep(step)}`}`;

export const plural = (count: number, word: string): string =>
  `${formatStep(count)} ${word}${count === 1 ? '' : 's'}`;

/** "120 012", as the pages write it. */
export const countWords = (count: number): string => formatStep(count);

export const atStep = (step: number): string => `at step ${formatStep(step)}`;

/** "wte, wpe, h.0.attn", with "…" where there are more. */
export function nameSome(layers: readonly number[], names: readonly string[]): string {
  const named = layers.slice(0, NAMED).map((layer) => names[layer] ?? `layer ${layer}`);
  return `${named.join(', ')}${layers.length > NAMED ? ', …' : ''}`;
}

/** "loss", "gradient norm", "RMS". */
function metricWord(metric: string): string {
  const { label } = describeMetric(metric);
  if (label === metric || /^[A-Z]{2}/.test(label)) return label;
  return label.charAt(0).toLowerCase() + label.slice(1);
}

export interface ValueWords {
  readonly metric: string;
  readonly step: number;
  /** The most extreme one. */
  readonly value: number;
  /** Empty for a scalar. */
  readonly layers: readonly number[];
  readonly layerNames: readonly string[];
}

/** "loss 7.31", "gradient norm up to 7.31 in 12 layers", "RMS 4.10 in wte", "loss is NaN". */
function subject(
  { metric, value, layers, layerNames }: ValueWords,
  direction: 'up to' | 'down to',
): string {
  const word = metricWord(metric);
  const number = Number.isFinite(value)
    ? `${layers.length > 1 ? `${direction} ` : ''}${formatNumber(value)}`
    : `is ${formatNumber(value)}`;
  if (layers.length === 0) return `${word} ${number}`;
  const where = layers.length === 1 ? nameSome(layers, layerNames) : plural(layers.length, 'layer');
  return `${word} ${number} in ${where}`;
}

/** ": wte, wpe, h.0, …" where several layers are meant. */
const list = ({ layers, layerNames }: ValueWords): string =>
  layers.length > 1 ? `: ${nameSome(layers, layerNames)}` : '';

/** "loss 7.31 above 6.00 at step 120 012". */
export function describeLimit(words: ValueWords, side: 'above' | 'below', limit: number): string {
  const relation = Number.isFinite(words.value) ? ` ${side} ${formatNumber(limit)}` : '';
  const direction = side === 'above' ? 'up to' : 'down to';
  return `${subject(words, direction)}${relation} ${atStep(words.step)}${list(words)}`;
}

/** "loss 7.31 at step 120 012, 8.20 deviations above its median of 2.41". */
export function describeDeviation(
  words: ValueWords,
  { z, median }: { readonly z: number; readonly median: number },
): string {
  const side = z < 0 ? 'below' : 'above';
  const where = `${subject(words, z < 0 ? 'down to' : 'up to')} ${atStep(words.step)}`;
  if (!Number.isFinite(words.value)) return `${where}${list(words)}`;
  const distance = Number.isFinite(z) ? `${formatNumber(Math.abs(z))} deviations` : 'far';
  return `${where}, ${distance} ${side} its median of ${formatNumber(median)}${list(words)}`;
}

/** "loss is NaN at step 120 012". */
export function describeNonFinite(words: ValueWords): string {
  return `${subject(words, 'up to')} ${atStep(words.step)}${list(words)}`;
}
