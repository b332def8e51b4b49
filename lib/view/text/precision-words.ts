import type { RunSizeReply } from '../../contract/projects';
import { formatStep } from './format-number';

/** What is to be said of values that are kept at fewer digits than they came with. */
export interface PrecisionWords {
  readonly note: string;
  readonly explanation: string;
}

/** Of the values at a step; null where they are as they were posted. */
export function describePrecision(
  { roundedBefore }: RunSizeReply['precision'],
  step: number,
): PrecisionWords | null {
  if (roundedBefore === null || step >= roundedBefore) return null;
  return {
    note: 'rounded to three digits',
    explanation: `Values before step ${formatStep(roundedBefore)} are kept at three digits, as the project’s storage policy says; around spikes and warnings all digits are kept.`,
  };
}
