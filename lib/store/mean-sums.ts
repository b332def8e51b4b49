/** 2^64 times the largest float64 is more than any count of them comes to. */
const SCALE = 2 ** -64;

/**
 * Sums of finite float64 values in so many slots, for their means. One that leaves the range
 * of float64 goes on as 2^-64 of itself: a power of two changes no digit, and what it takes
 * from values below 1e-288 is nothing beside such a sum.
 */
export class MeanSums {
  readonly #sums: Float64Array;
  /** Which sums are scaled; null until one is. */
  #isScaled: Uint8Array | null = null;

  constructor(size: number) {
    this.#sums = new Float64Array(size);
  }

  /** Adds `count` values whose mean is `mean`. */
  add(slot: number, mean: number, count = 1): void {
    const sum = this.#sums[slot] ?? 0;
    const isScaled = this.#isScaled !== null && this.#isScaled[slot] === 1;
    if (!isScaled) {
      const next = sum + mean * count;
      if (next - next === 0) {
        this.#sums[slot] = next;
        return;
      }
      this.#isScaled ??= new Uint8Array(this.#sums.length);
      this.#isScaled[slot] = 1;
    }
    this.#sums[slot] = (isScaled ? sum : sum * SCALE) + mean * SCALE * count;
  }

  /** The mean of the `count` values of a slot; NaN for none. */
  mean(slot: number, count: number): number {
    const mean = (this.#sums[slot] ?? 0) / count;
    if (this.#isScaled === null || this.#isScaled[slot] !== 1 || !Number.isFinite(mean))
      return mean;
    // The last digit may lie above the largest number.
    return Math.max(-Number.MAX_VALUE, Math.min(Number.MAX_VALUE, mean / SCALE));
  }
}
