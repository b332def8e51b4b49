/** What the sentences of a postmortem share. */
import { describeMetric } from '../contract/standard-metrics';
import { formatFixed, formatNumber, formatPercent, formatStep } from '../view/text/format-number';

export const plural = (count: number, word: string): string =>
  `${count} ${word}${count === 1 ? '' : 's'}`;

export const inSteps = (count: number): string =>
  count === 1 ? 'one step' : `${formatStep(count)} steps`;

/** "16 % above it", "3 % below it", "5.67 times it". */
export const againstLevel = (share: number, level: string): string =>
  share >= 1
    ? `${formatNumber(1 + share)} times ${level}`
    : `${formatPercent(Math.abs(share))} ${share > 0 ? 'above' : 'below'} ${level}`;

/** "wte", "wte and wpe", "wte, wpe and 32 other layers". */
export function nameList(names: readonly string[], most = 2): string {
  if (names.length <= 1) return names[0] ?? '';
  if (names.length <= most) return `${names.slice(0, -1).join(', ')} and ${names.at(-1) ?? ''}`;
  return `${names.slice(0, most).join(', ')} and ${plural(names.length - most, 'other layer')}`;
}

/** The metric in a sentence: "RMS", "gradient RMS". */
export function metricWord(metric: string): string {
  const { label } = describeMetric(metric);
  return /^[A-Z]{2}/.test(label) ? label : label.charAt(0).toLowerCase() + label.slice(1);
}

export function metricValue(metric: string, value: number): string {
  return metric === 'rms' ? formatFixed(value, 2) : formatNumber(value);
}
