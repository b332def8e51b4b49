import type { Bucket } from '../../contract/reads';

/** A bucket as a chart needs it: missing extremes are NaN inside typed arrays. */
export interface SeriesColumns {
  readonly length: number;
  readonly fromStep: Float64Array;
  readonly toStep: Float64Array;
  readonly min: Float64Array;
  readonly max: Float64Array;
  readonly nonFinite: Uint32Array;
}

/**
 * One scalar over steps: buckets from HTTP, single steps from the socket at the end.
 * Past twice `limit` entries neighbours are merged, extremes kept.
 */
export class TimelineSeries {
  version = 0;
  private length = 0;
  private from = new Float64Array(512);
  private to = new Float64Array(512);
  private low = new Float64Array(512);
  private high = new Float64Array(512);
  private nonFiniteCount = new Uint32Array(512);
  private readonly limit: number;

  constructor(limit: number) {
    this.limit = limit;
  }

  get columns(): SeriesColumns {
    const { length } = this;
    return {
      length,
      fromStep: this.from.subarray(0, length),
      toStep: this.to.subarray(0, length),
      min: this.low.subarray(0, length),
      max: this.high.subarray(0, length),
      nonFinite: this.nonFiniteCount.subarray(0, length),
    };
  }

  get newestStep(): number | null {
    return this.length === 0 ? null : (this.to[this.length - 1] ?? null);
  }

  replace(buckets: readonly Bucket[]): void {
    this.length = 0;
    for (const bucket of buckets) {
      this.push(
        bucket.fromStep,
        bucket.toStep,
        bucket.min ?? NaN,
        bucket.max ?? NaN,
        bucket.nonFiniteCount,
      );
    }
    this.version++;
  }

  /** One reported step at the end; an older step is left to the next read over HTTP. */
  append(step: number, value: number): void {
    if (step <= (this.newestStep ?? -1) || Number.isNaN(value)) return;
    this.push(step, step, value, value, 0);
    if (this.length > 2 * this.limit) this.halve();
    this.version++;
  }

  /** Buckets that follow the newest step: what a catch-up read over HTTP. */
  appendBuckets(buckets: readonly Bucket[]): void {
    for (const { fromStep, toStep, min, max, nonFiniteCount } of buckets) {
      if (fromStep > (this.newestStep ?? -1)) {
        this.push(fromStep, toStep, min ?? NaN, max ?? NaN, nonFiniteCount);
      }
    }
    while (this.length > 2 * this.limit) this.halve();
    this.version++;
  }

  private push(from: number, to: number, min: number, max: number, nonFinite: number): void {
    if (this.length === this.from.length) this.grow();
    this.from[this.length] = from;
    this.to[this.length] = to;
    this.low[this.length] = min;
    this.high[this.length] = max;
    this.nonFiniteCount[this.length] = nonFinite;
    this.length++;
  }

  private grow(): void {
    const twice = (old: Float64Array) => {
      const larger = new Float64Array(old.length * 2);
      larger.set(old);
      return larger;
    };
    this.from = twice(this.from);
    this.to = twice(this.to);
    this.low = twice(this.low);
    this.high = twice(this.high);
    const counts = new Uint32Array(this.nonFiniteCount.length * 2);
    counts.set(this.nonFiniteCount);
    this.nonFiniteCount = counts;
  }

  private halve(): void {
    const half = Math.ceil(this.length / 2);
    for (let target = 0; target < half; target++) {
      const left = 2 * target;
      const right = Math.min(left + 1, this.length - 1);
      this.from[target] = this.from[left] ?? NaN;
      this.to[target] = this.to[right] ?? NaN;
      this.low[target] = lesser(this.low[left] ?? NaN, this.low[right] ?? NaN);
      this.high[target] = greater(this.high[left] ?? NaN, this.high[right] ?? NaN);
      this.nonFiniteCount[target] =
        (this.nonFiniteCount[left] ?? 0) + (left === right ? 0 : (this.nonFiniteCount[right] ?? 0));
    }
    this.length = half;
  }
}

/** The smaller and the larger of two, where NaN stands for "none". */
export function lesser(a: number, b: number): number {
  return Number.isNaN(a) ? b : Number.isNaN(b) ? a : Math.min(a, b);
}
export function greater(a: number, b: number): number {
  return Number.isNaN(a) ? b : Number.isNaN(b) ? a : Math.max(a, b);
}
