/** One row of `metric_rollup`: what 64 buckets of steps hold of one metric, and how it is reduced. */
import { bitsOf, MISSING_FLOAT32_BITS } from '../../contract/missing-value';
import { bucketSteps, BUCKETS_PER_ROW, rowSteps } from './block-layout';
import type { Interval } from './intervals';

/** [L][n]: L layers, n buckets that hold a reported step. */
export interface MetricRollup {
  /** [n] which of the 64 buckets, ascending. */
  readonly slots: Uint8Array;
  /** [n] steps of the bucket that reported the metric, whatever its layers say. */
  readonly reported: Int32Array;
  /** [L][n] over the finite values; NaN where there is none. */
  readonly minimum: Float32Array;
  readonly maximum: Float32Array;
  readonly mean: Float32Array;
  /** [2][L][n] finite and non-finite counts; null where every layer has all of `reported` finite. */
  readonly exceptions: Uint32Array | null;
}

/** [64 · L] */
interface Exceptions {
  readonly missing: Uint32Array;
  readonly nonFinite: Uint32Array;
}

/**
 * Sums blocks and rows of lower levels up into the row of one level. Used again for the next
 * row: its planes, [layer][64], are as large as four rows.
 *
 * NaN/Inf     counted as non-finite, in no minimum, maximum or mean
 * Missing     MISSING_FLOAT32_BITS is not reported: in no count
 * Definition  mean: the sum in float64 over the finite count; of rows, their means weighted by
 *             their counts
 */
export class MetricRollupAccumulator {
  readonly #layerCount: number;
  readonly #minimum: Float32Array;
  readonly #maximum: Float32Array;
  readonly #sum: Float64Array;
  /** Steps that reported the metric without a finite value of the layer; null while there is none. */
  #exceptions: Exceptions | null = null;
  readonly #reported = new Int32Array(BUCKETS_PER_ROW);
  #firstStep = 0;
  #bucketSteps = 1;

  constructor(layerCount: number) {
    const cells = layerCount * BUCKETS_PER_ROW;
    this.#layerCount = layerCount;
    this.#minimum = new Float32Array(cells);
    this.#maximum = new Float32Array(cells);
    this.#sum = new Float64Array(cells);
  }

  /** Of its planes. */
  get sizeBytes(): number {
    return this.#sum.length * 16;
  }

  /** Forgets what was added; from now on the row `block` of `level`. */
  begin(level: number, block: number): void {
    this.#firstStep = block * rowSteps(level);
    this.#bucketSteps = bucketSteps(level);
    this.#minimum.fill(Infinity);
    this.#maximum.fill(-Infinity);
    this.#sum.fill(0);
    this.#exceptions = null;
    this.#reported.fill(0);
  }

  /**
   * Adds the steps of a block that lie in the row and in [from, to). `values` is
   * [layer][offsets.length].
   */
  addBlock(
    firstStep: number,
    offsets: Uint16Array,
    values: Float32Array,
    { from, to }: Interval = { from: 0, to: Infinity },
  ): void {
    const isInside = (offset: number): boolean =>
      firstStep + offset >= from && firstStep + offset < to;
    const runs = this.#runsOf(firstStep, offsets, isInside);
    const bits = bitsOf(values);
    const n = offsets.length;
    for (const { slot, from, to } of runs)
      this.#reported[slot] = (this.#reported[slot] ?? 0) + to - from;
    for (let layer = 0; layer < this.#layerCount; layer++) {
      for (const { slot, from, to } of runs) {
        const cell = layer * BUCKETS_PER_ROW + slot;
        this.#addRun(cell, values, bits, layer * n + from, layer * n + to);
      }
    }
  }

  /**
   * Adds values[from … to) to one cell. Three loops of one comparison or sum each take 2.3 ns a
   * value, one loop of all three 4: nothing in it can be foreseen by the processor.
   */
  #addRun(cell: number, values: Float32Array, bits: Uint32Array, from: number, to: number): void {
    let sum = 0;
    for (let index = from; index < to; index++) sum += values[index] ?? 0;
    // Float32 values add up to a finite float64, and only a finite number less itself is 0.
    if (sum - sum !== 0) {
      this.#addMixedRun(cell, values, bits, from, to);
      return;
    }
    let minimum = Infinity;
    for (let index = from; index < to; index++) {
      const value = values[index] ?? 0;
      if (value < minimum) minimum = value;
    }
    let maximum = -Infinity;
    for (let index = from; index < to; index++) {
      const value = values[index] ?? 0;
      if (value > maximum) maximum = value;
    }
    this.#add(cell, minimum, maximum, sum);
  }

  /** The same where some are not finite, or not reported. */
  #addMixedRun(
    cell: number,
    values: Float32Array,
    bits: Uint32Array,
    from: number,
    to: number,
  ): void {
    for (let index = from; index < to; index++) {
      const value = values[index] ?? 0;
      if (value - value === 0) this.#add(cell, value, value, value);
      else if (bits[index] === MISSING_FLOAT32_BITS) this.#except(cell, 1, 0);
      else this.#except(cell, 0, 1);
    }
  }

  /** Adds the row `block` of a lower level. */
  addRollup(level: number, block: number, rollup: MetricRollup): void {
    const { slots, reported, minimum, maximum, mean, exceptions } = rollup;
    const n = slots.length;
    const plane = this.#layerCount * n;
    const firstStep = block * rowSteps(level);
    const targets = Array.from(slots, (slot) =>
      this.#slotOf(firstStep + slot * bucketSteps(level)),
    );
    targets.forEach((target, index) => {
      this.#reported[target] = (this.#reported[target] ?? 0) + (reported[index] ?? 0);
    });
    for (let layer = 0; layer < this.#layerCount; layer++) {
      for (let index = 0; index < n; index++) {
        const at = layer * n + index;
        const ofBucket = reported[index] ?? 0;
        const finite = exceptions === null ? ofBucket : (exceptions[at] ?? 0);
        const cell = layer * BUCKETS_PER_ROW + (targets[index] ?? 0);
        // Of a bucket without finite values the planes are NaN.
        if (finite > 0) {
          this.#add(cell, minimum[at] ?? 0, maximum[at] ?? 0, (mean[at] ?? 0) * finite);
        }
        if (finite === ofBucket) continue;
        const nonFinite = exceptions?.[plane + at] ?? 0;
        this.#except(cell, ofBucket - finite - nonFinite, nonFinite);
      }
    }
  }

  /** The row; null when nothing was reported. */
  finish(): MetricRollup | null {
    const slots = Uint8Array.from(
      [...this.#reported.keys()].filter((slot) => (this.#reported[slot] ?? 0) > 0),
    );
    const n = slots.length;
    if (n === 0) return null;
    const reported = Int32Array.from(slots, (slot) => this.#reported[slot] ?? 0);
    const cells = this.#layerCount * n;
    const minimum = new Float32Array(cells);
    const maximum = new Float32Array(cells);
    const mean = new Float32Array(cells);
    for (let layer = 0, at = 0; layer < this.#layerCount; layer++) {
      for (let index = 0; index < n; index++, at++) {
        const cell = layer * BUCKETS_PER_ROW + (slots[index] ?? 0);
        const finite = (reported[index] ?? 0) - this.#exceptionsOf(cell);
        minimum[at] = finite === 0 ? NaN : (this.#minimum[cell] ?? 0);
        maximum[at] = finite === 0 ? NaN : (this.#maximum[cell] ?? 0);
        mean[at] = (this.#sum[cell] ?? 0) / finite;
      }
    }
    return { slots, reported, minimum, maximum, mean, exceptions: this.#counts(slots, reported) };
  }

  #counts(slots: Uint8Array, reported: Int32Array): Uint32Array | null {
    if (this.#exceptions === null) return null;
    const n = slots.length;
    const cells = this.#layerCount * n;
    const counts = new Uint32Array(2 * cells);
    for (let layer = 0, at = 0; layer < this.#layerCount; layer++) {
      for (let index = 0; index < n; index++, at++) {
        const cell = layer * BUCKETS_PER_ROW + (slots[index] ?? 0);
        counts[at] = (reported[index] ?? 0) - this.#exceptionsOf(cell);
        counts[cells + at] = this.#exceptions.nonFinite[cell] ?? 0;
      }
    }
    return counts;
  }

  #add(cell: number, minimum: number, maximum: number, sum: number): void {
    if (minimum < (this.#minimum[cell] ?? 0)) this.#minimum[cell] = minimum;
    if (maximum > (this.#maximum[cell] ?? 0)) this.#maximum[cell] = maximum;
    this.#sum[cell] = (this.#sum[cell] ?? 0) + sum;
  }

  #except(cell: number, missing: number, nonFinite: number): void {
    const cells = this.#sum.length;
    this.#exceptions ??= { missing: new Uint32Array(cells), nonFinite: new Uint32Array(cells) };
    this.#exceptions.missing[cell] = (this.#exceptions.missing[cell] ?? 0) + missing;
    this.#exceptions.nonFinite[cell] = (this.#exceptions.nonFinite[cell] ?? 0) + nonFinite;
  }

  #exceptionsOf(cell: number): number {
    if (this.#exceptions === null) return 0;
    return (this.#exceptions.missing[cell] ?? 0) + (this.#exceptions.nonFinite[cell] ?? 0);
  }

  /** The bucket of a step; outside 0…63 for a step of another row. */
  #slotOf(step: number): number {
    return Math.floor((step - this.#firstStep) / this.#bucketSteps);
  }

  /** Which columns of a block fall into one bucket of this row. */
  #runsOf(
    firstStep: number,
    offsets: Uint16Array,
    isInside: (offset: number) => boolean,
  ): { slot: number; from: number; to: number }[] {
    const runs: { slot: number; from: number; to: number }[] = [];
    offsets.forEach((offset, index) => {
      if (!isInside(offset)) return;
      const slot = this.#slotOf(firstStep + offset);
      if (slot < 0 || slot >= BUCKETS_PER_ROW) return;
      const current = runs.at(-1);
      if (current?.slot === slot) current.to = index + 1;
      else runs.push({ slot, from: index, to: index + 1 });
    });
    return runs;
  }
}
