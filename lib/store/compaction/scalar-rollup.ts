/** One row of `scalar_rollup`: what 64 buckets of steps say besides their layers. */
import { MeanSums } from '../mean-sums';
import { bucketSteps, BUCKETS_PER_ROW, rowSteps } from './block-layout';

/** `wall_time` has no number of its own; it is kept under this one. */
export const WALL_TIME_ID = -1;

/** [S][n]: S scalars, n buckets that hold a reported step. */
export interface ScalarRollup {
  /** [n] which of the 64 buckets, ascending. */
  readonly slots: Uint8Array;
  /** [n] the first and last reported step of each, whatever it says. */
  readonly firstSteps: Float64Array;
  readonly lastSteps: Float64Array;
  /** [S] the scalars' numbers, ascending: the order of the planes. */
  readonly scalarIds: readonly number[];
  /** [S][n] over the finite values; NaN where there is none. */
  readonly minimum: Float64Array;
  readonly maximum: Float64Array;
  readonly mean: Float64Array;
  /** [S][n] the value at the highest step that has one, finite or not; NaN without. */
  readonly last: Float64Array;
  /** [S][n] */
  readonly finite: Uint32Array;
  readonly nonFinite: Uint32Array;
}

/** The buckets of one scalar while they are summed up. */
class ScalarBuckets {
  readonly minimum = new Float64Array(BUCKETS_PER_ROW).fill(Infinity);
  readonly maximum = new Float64Array(BUCKETS_PER_ROW).fill(-Infinity);
  readonly sums = new MeanSums(BUCKETS_PER_ROW);
  readonly last = new Float64Array(BUCKETS_PER_ROW).fill(NaN);
  readonly finite = new Uint32Array(BUCKETS_PER_ROW);
  readonly nonFinite = new Uint32Array(BUCKETS_PER_ROW);

  add(slot: number, part: ScalarPart): void {
    if (part.finite > 0) {
      this.minimum[slot] = Math.min(this.minimum[slot] ?? 0, part.minimum);
      this.maximum[slot] = Math.max(this.maximum[slot] ?? 0, part.maximum);
      this.sums.add(slot, part.mean, part.finite);
    }
    this.finite[slot] = (this.finite[slot] ?? 0) + part.finite;
    this.nonFinite[slot] = (this.nonFinite[slot] ?? 0) + part.nonFinite;
    // Parts come in ascending order of their steps.
    if (part.finite + part.nonFinite > 0) this.last[slot] = part.last;
  }
}

interface ScalarPart {
  readonly minimum: number;
  readonly maximum: number;
  readonly mean: number;
  readonly last: number;
  readonly finite: number;
  readonly nonFinite: number;
}

function partOf(value: number): ScalarPart {
  const isFinite = Number.isFinite(value);
  return {
    minimum: value,
    maximum: value,
    mean: value,
    last: value,
    finite: isFinite ? 1 : 0,
    nonFinite: isFinite ? 0 : 1,
  };
}

/** Sums steps and rows of lower levels up into the row `block` of `level`; both in ascending order of steps. */
export class ScalarRollupAccumulator {
  readonly #firstStep: number;
  readonly #bucketSteps: number;
  readonly #firstSteps = new Float64Array(BUCKETS_PER_ROW).fill(-1);
  readonly #lastSteps = new Float64Array(BUCKETS_PER_ROW);
  readonly #scalars = new Map<number, ScalarBuckets>();

  constructor(level: number, block: number) {
    this.#firstStep = block * rowSteps(level);
    this.#bucketSteps = bucketSteps(level);
  }

  /** Adds one reported step of the row; of `values` the first of each id counts. */
  addStep(step: number, values: Iterable<readonly [id: number, value: number]>): void {
    const slot = this.#report(step, step);
    const seen = new Set<number>();
    for (const [id, value] of values) {
      if (seen.has(id)) continue;
      seen.add(id);
      this.#scalar(id).add(slot, partOf(value));
    }
  }

  /** Adds a row of a lower level that lies in this one. */
  addRollup(rollup: ScalarRollup): void {
    const n = rollup.slots.length;
    for (let index = 0; index < n; index++) {
      const slot = this.#report(rollup.firstSteps[index] ?? 0, rollup.lastSteps[index] ?? 0);
      rollup.scalarIds.forEach((id, scalar) => {
        const at = scalar * n + index;
        const finite = rollup.finite[at] ?? 0;
        const nonFinite = rollup.nonFinite[at] ?? 0;
        if (finite + nonFinite === 0) return;
        this.#scalar(id).add(slot, {
          minimum: rollup.minimum[at] ?? 0,
          maximum: rollup.maximum[at] ?? 0,
          mean: rollup.mean[at] ?? 0,
          last: rollup.last[at] ?? 0,
          finite,
          nonFinite,
        });
      });
    }
  }

  /** The row; null when no step was reported. */
  finish(): ScalarRollup | null {
    const slots = Uint8Array.from(
      [...this.#firstSteps.keys()].filter((slot) => (this.#firstSteps[slot] ?? -1) >= 0),
    );
    if (slots.length === 0) return null;
    const scalars = [...this.#scalars].sort(([a], [b]) => a - b);
    const n = slots.length;
    const plane = (read: (buckets: ScalarBuckets, slot: number) => number): Float64Array => {
      const values = new Float64Array(scalars.length * n);
      scalars.forEach(([, buckets], scalar) => {
        slots.forEach((slot, index) => {
          values[scalar * n + index] = read(buckets, slot);
        });
      });
      return values;
    };
    const overFinite =
      (read: (buckets: ScalarBuckets, slot: number) => number | undefined) =>
      (buckets: ScalarBuckets, slot: number): number =>
        (buckets.finite[slot] ?? 0) === 0 ? NaN : (read(buckets, slot) ?? 0);
    return {
      slots,
      firstSteps: Float64Array.from(slots, (slot) => this.#firstSteps[slot] ?? 0),
      lastSteps: Float64Array.from(slots, (slot) => this.#lastSteps[slot] ?? 0),
      scalarIds: scalars.map(([id]) => id),
      minimum: plane(overFinite(({ minimum }, slot) => minimum[slot])),
      maximum: plane(overFinite(({ maximum }, slot) => maximum[slot])),
      mean: plane(overFinite(({ sums, finite }, slot) => sums.mean(slot, finite[slot] ?? 0))),
      last: plane(({ last }, slot) => last[slot] ?? NaN),
      finite: Uint32Array.from(plane(({ finite }, slot) => finite[slot] ?? 0)),
      nonFinite: Uint32Array.from(plane(({ nonFinite }, slot) => nonFinite[slot] ?? 0)),
    };
  }

  #report(firstStep: number, lastStep: number): number {
    const slot = Math.floor((firstStep - this.#firstStep) / this.#bucketSteps);
    if (slot < 0 || slot >= BUCKETS_PER_ROW)
      throw new RangeError(`step ${firstStep} is of another row`);
    if ((this.#firstSteps[slot] ?? -1) < 0) this.#firstSteps[slot] = firstStep;
    this.#lastSteps[slot] = lastStep;
    return slot;
  }

  #scalar(id: number): ScalarBuckets {
    const known = this.#scalars.get(id);
    if (known !== undefined) return known;
    const buckets = new ScalarBuckets();
    this.#scalars.set(id, buckets);
    return buckets;
  }
}
