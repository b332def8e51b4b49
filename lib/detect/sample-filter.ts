/**
 * Tells values that were measured from values that only stand in the log: sentinels for
 * "not logged", and the last value repeated where none was computed.
 */
export interface SampleFilter {
  last: number | null;
  /** The newest values that differed from the one before, at most CHANGES_KEPT. */
  changes: number[];
  /** Exponential share of exact repeats, 0…1. */
  repeatShare: number;
}

export function createSampleFilter(): SampleFilter {
  return { last: null, changes: [], repeatShare: 0 };
}

const CHANGES_KEPT = 32;
/** Fewer changes than this say nothing about a log's resolution. */
const CHANGES_NEEDED = 16;
/** Printed with few digits, or as bfloat16, a log comes back to old values more often. */
const MOST_RETURNS = 0.15;
/** A loss carried forward between two evaluations repeats at least every other step. */
const HABIT = 0.4;
const HABIT_MEMORY = 1 / 32;
/** A norm repeated to so many digits under dynamic loss scaling was not computed anew. */
const TELLING_DIGITS = 6;

/** Logged instead of a value by trainers that have none at a step. */
function isSentinel(value: number): boolean {
  return value === 0 || value === -1;
}

/**
 * Whether a loss was measured. An exact repeat is a carried value only where the log has
 * the resolution to tell and repeats are its habit: a dead network reports the same loss
 * over and over too, and that must be seen.
 */
export function isMeasuredLoss(filter: SampleFilter, value: number): boolean {
  if (isSentinel(value)) return false;
  const isRepeat = noteValue(filter, value);
  return !(isRepeat && filter.repeatShare >= HABIT && isFine(filter));
}

/**
 * Whether a gradient norm was measured. fp16 trainers repeat the last norm on an overflow,
 * whose loss scale falls on that step or the next; a repeat in a log that never repeats is
 * stale as well. A norm that is not finite is an overflow itself.
 */
export function isMeasuredNorm(
  filter: SampleFilter,
  value: number,
  lossScale: number | null,
): boolean {
  if (isSentinel(value) || !Number.isFinite(value)) return false;
  const isRepeat = noteValue(filter, value);
  if (!isRepeat) return true;
  return !(isFine(filter) || (lossScale !== null && digitsOf(value) >= TELLING_DIGITS));
}

/** Takes the value into the filter; true when it repeats the one before. */
function noteValue(filter: SampleFilter, value: number): boolean {
  const isRepeat = value === filter.last;
  filter.last = value;
  filter.repeatShare += HABIT_MEMORY * (Number(isRepeat) - filter.repeatShare);
  if (!isRepeat) {
    filter.changes.push(value);
    if (filter.changes.length > CHANGES_KEPT) filter.changes.shift();
  }
  return isRepeat;
}

/** Whether the log resolves enough that two measurements are hardly ever equal. */
function isFine({ changes }: SampleFilter): boolean {
  if (changes.length < CHANGES_NEEDED) return false;
  const returns = changes.length - new Set(changes).size;
  return returns <= MOST_RETURNS * changes.length;
}

function digitsOf(value: number): number {
  const [mantissa = ''] = Math.abs(value).toExponential().split('e');
  return mantissa.replace('.', '').length;
}
