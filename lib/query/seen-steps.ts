/**
 * The ends of a series' buckets without asking for them. What a layer's values say of how many
 * steps reported them is enough where that is every step there can be, as in most trainings;
 * rollups of scalars are then not read, a third of what such a read asks of the database.
 */
import type { WindowPart } from '../store/reading/step-window';
import type { BucketPlan } from './bucket-plan';
import type { BucketSteps } from './scalar-buckets';

/** Series that are being looked at. */
const MAX_REMEMBERED = 256;

/** Keys of series that were not reported at every step: their ends are asked for at once. */
const gappy = new Set<string>();

export class SeenSteps {
  readonly #counts: Float64Array;

  constructor(private readonly plan: BucketPlan) {
    this.#counts = new Float64Array(plan.count);
  }

  /** So many different steps of the bucket. */
  add(bucket: number, count: number): void {
    this.#counts[bucket] = (this.#counts[bucket] ?? 0) + count;
  }

  /** Fills in the ends of all buckets; false, and nothing is filled in, where a step may not have been seen. */
  fill(parts: readonly WindowPart[], steps: BucketSteps): boolean {
    if (!areApart(parts)) return false;
    const { width, count } = this.plan;
    const pieces: { bucket: number; fromStep: number; toStep: number }[] = [];
    const expected = new Float64Array(count);
    for (const { firstStep, lastStep } of parts) {
      for (let fromStep = firstStep; fromStep <= lastStep;) {
        const bucket = this.plan.indexOf(fromStep);
        const toStep = Math.min(lastStep, (Math.floor(fromStep / width) + 1) * width - 1);
        expected[bucket] = (expected[bucket] ?? 0) + toStep - fromStep + 1;
        pieces.push({ bucket, fromStep, toStep });
        fromStep = toStep + 1;
      }
    }
    if (expected.some((wanted, bucket) => wanted !== this.#counts[bucket])) return false;
    for (const { bucket, fromStep, toStep } of pieces) steps.add(bucket, fromStep, toStep);
    return true;
  }
}

/**
 * Whether no step counts twice, of two attempts or of a block and of what came after it, and
 * none is said of by a bucket that reaches beyond the window.
 */
function areApart(parts: readonly WindowPart[]): boolean {
  const ascending = parts.toSorted((a, b) => a.firstStep - b.firstStep);
  return ascending.every(
    ({ firstStep, lateSteps, layerGaps }, index) =>
      lateSteps.length === 0 &&
      layerGaps.length === 0 &&
      firstStep > (ascending[index - 1]?.lastStep ?? -1),
  );
}

export function isKnownGappy(series: string): boolean {
  return gappy.has(series);
}

export function rememberGappy(series: string): void {
  gappy.add(series);
  for (const oldest of gappy) {
    if (gappy.size <= MAX_REMEMBERED) break;
    gappy.delete(oldest);
  }
}
