import { formatSmoothing, type Smoothing } from './smooth-series';

const OFFERED: readonly (readonly [string, string])[] = [
  ['none', 'raw'],
  ['0.6', 'EMA 0.6'],
  ['0.9', 'EMA 0.9'],
  ['0.97', 'EMA 0.97'],
  ['0.99', 'EMA 0.99'],
  ['w10', 'mean of 10'],
  ['w50', 'mean of 50'],
  ['w200', 'mean of 200'],
];

export interface SmoothingOption {
  /** As the URL holds it; "none" for no smoothing. */
  readonly value: string;
  readonly label: string;
}

/** What is offered, and what a link names beside it. */
export function smoothingOptions(smoothing: Smoothing): SmoothingOption[] {
  const chosen = formatSmoothing(smoothing);
  const options = OFFERED.map(([value, label]) => ({ value, label }));
  return chosen === null || options.some(({ value }) => value === chosen)
    ? options
    : [...options, { value: chosen, label: `smoothing ${chosen}` }];
}
