/**
 * A sliding window of one series: the last `width` accepted values in the order they came
 * (`ring`) and in ascending order (`sorted`), so that the median is a lookup and the MAD a
 * bisection. For the few series that a run has as a whole; the thousands of per-layer ones
 * use `layer-baselines.ts`.
 */
export interface MedianWindow {
  readonly width: number;
  readonly ring: Float64Array;
  /** The first `count` ascend. Follows from `ring`. */
  readonly sorted: Float64Array;
  /** Values held, at most `width`. */
  count: number;
  /** Where the next value goes. */
  head: number;
}

export function createMedianWindow(width: number): MedianWindow {
  return {
    width,
    ring: new Float64Array(width),
    sorted: new Float64Array(width),
    count: 0,
    head: 0,
  };
}

/** Values held, oldest first: pushed into a new window of the same width they give its equal. */
export function windowValues({ width, ring, count, head }: MedianWindow): number[] {
  const start = count < width ? 0 : head;
  return Array.from({ length: count }, (_, i) => ring[(start + i) % width] ?? 0);
}

/** Throws RangeError when there are more values than the window is wide. */
export function restoreMedianWindow(width: number, values: readonly number[]): MedianWindow {
  if (values.length > width) {
    throw new RangeError(`expected at most ${width} values, got ${values.length}`);
  }
  const window = createMedianWindow(width);
  for (const value of values) pushValue(window, value);
  return window;
}

/**
 * Takes a value in; the oldest leaves once `width` are held.
 *
 * NaN/Inf  the caller keeps NaN out: it has no place in an order
 * Cost     O(width) moves, a third of the width on average
 */
export function pushValue(window: MedianWindow, value: number): void {
  const { width, ring, sorted, count, head } = window;
  const isFull = count === width;
  let slot = isFull ? lowerBound(sorted, count, ring[head] ?? 0) : count;
  const last = isFull ? count - 1 : count;
  ring[head] = value;
  window.head = head + 1 === width ? 0 : head + 1;
  window.count = last + 1;
  // The freed slot moves towards the new value's place; only what lies between moves.
  while (slot > 0 && (sorted[slot - 1] ?? 0) > value) {
    sorted[slot] = sorted[slot - 1] ?? 0;
    slot--;
  }
  while (slot < last && (sorted[slot + 1] ?? 0) < value) {
    sorted[slot] = sorted[slot + 1] ?? 0;
    slot++;
  }
  sorted[slot] = value;
}

/** First index below `count` whose value is not below `value`. */
function lowerBound(sorted: Float64Array, count: number, value: number): number {
  let low = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((sorted[middle] ?? 0) < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

/**
 * The middle value, or the mean of the middle two.
 *
 * Empty  NaN
 */
export function medianOf({ sorted, count }: MedianWindow): number {
  if (count === 0) return NaN;
  const upper = sorted[count >>> 1] ?? 0;
  return (count & 1) === 1 ? upper : (upper + (sorted[(count >>> 1) - 1] ?? 0)) / 2;
}

/**
 * Median absolute deviation from the median, not scaled. The deviations left and right of
 * the median are two ascending sequences, so their middle is found by bisection.
 *
 * Empty       NaN
 * Definition  the mean of the middle two deviations where the count is even
 * Cost        O(log width)
 */
export function medianAbsoluteDeviation(window: MedianWindow): number {
  const { sorted, count } = window;
  if (count === 0) return NaN;
  const median = medianOf(window);
  const leftCount = count >>> 1;
  const rightCount = count - leftCount;
  const left = (i: number): number => median - (sorted[leftCount - 1 - i] ?? 0);
  const right = (i: number): number => (sorted[leftCount + i] ?? 0) - median;

  // Of the `taken` smallest deviations, `fromLeft` lie left of the median.
  const taken = (count + 1) >>> 1;
  let low = Math.max(0, taken - rightCount);
  let high = Math.min(taken, leftCount);
  while (low < high) {
    const fromLeft = (low + high) >>> 1;
    if (left(fromLeft) < right(taken - fromLeft - 1)) low = fromLeft + 1;
    else high = fromLeft;
  }
  const fromRight = taken - low;
  const lower = Math.max(
    low > 0 ? left(low - 1) : -Infinity,
    fromRight > 0 ? right(fromRight - 1) : -Infinity,
  );
  if ((count & 1) === 1) return lower;
  const upper = Math.min(
    low < leftCount ? left(low) : Infinity,
    fromRight < rightCount ? right(fromRight) : Infinity,
  );
  return (lower + upper) / 2;
}

/** Smallest distance between two different values held; 0 where fewer than two differ. */
export function smallestGap({ sorted, count }: MedianWindow): number {
  let smallest = Infinity;
  for (let i = 1; i < count; i++) {
    const gap = (sorted[i] ?? 0) - (sorted[i - 1] ?? 0);
    if (gap > 0 && gap < smallest) smallest = gap;
  }
  return Number.isFinite(smallest) ? smallest : 0;
}
