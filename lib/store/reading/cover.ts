/**
 * Which rows of rollups, and which steps themselves, hold a range of steps: buckets of the
 * asked level wherever they lie in the range whole, and of the levels below for the rest,
 * down to steps.
 */
import { bucketSteps, BUCKETS_PER_ROW } from '../compaction/block-layout';

/** Steps [fromStep, endStep). */
export interface StepSpan {
  readonly fromStep: number;
  readonly endStep: number;
}

/** Buckets [fromBucket, endBucket) of one row, counted from step 0 in buckets of the level. */
export interface RowPiece {
  readonly level: number;
  readonly block: number;
  readonly fromBucket: number;
  readonly endBucket: number;
}

export interface Cover {
  readonly pieces: readonly RowPiece[];
  /** To be read step by step; ascending within what one bucket was cut into. */
  readonly spans: readonly StepSpan[];
}

export interface CoverOptions {
  /** The highest level to read; -1 for steps alone. */
  readonly topLevel: number;
  /**
   * The first row of a level in blocks [block, endBlock), null for none. A run whose steps lie
   * far apart has billions of blocks between two rows.
   */
  readonly nextRow: (level: number, block: number, endBlock: number) => number | null;
  /** Steps whose buckets must not be used, ascending. */
  readonly staleSteps?: readonly number[];
  /**
   * Where there are no steps to read any more, ascending and apart, on the multiples of the
   * lowest level's buckets: these are taken there, whole also where a span cuts them.
   */
  readonly gaps?: readonly StepSpan[];
}

/** Of each step of `spans` exactly one piece or span. */
export function coverSpans(spans: readonly StepSpan[], options: CoverOptions): Cover {
  const pieces: RowPiece[] = [];
  const found: StepSpan[] = [];
  const { nextRow, staleSteps = [], gaps = [] } = options;

  function addSpan(fromStep: number, endStep: number): void {
    const last = found.at(-1);
    if (last?.endStep === fromStep) found[found.length - 1] = { ...last, endStep };
    else found.push({ fromStep, endStep });
  }

  /** The buckets of the lowest level that hold the steps. */
  function addBuckets(fromStep: number, endStep: number): void {
    const width = bucketSteps(0);
    const endBucket = Math.ceil(endStep / width);
    for (let bucket = Math.floor(fromStep / width); bucket < endBucket;) {
      const block = Math.floor(bucket / BUCKETS_PER_ROW);
      const rowEnd = Math.min(endBucket, (block + 1) * BUCKETS_PER_ROW);
      pieces.push({ level: 0, block, fromBucket: bucket, endBucket: rowEnd });
      bucket = rowEnd;
    }
  }

  function addSteps(fromStep: number, endStep: number): void {
    let rest = fromStep;
    for (const gap of gaps) {
      if (gap.endStep <= fromStep) continue;
      if (gap.fromStep >= endStep) break;
      if (gap.fromStep > rest) addSpan(rest, gap.fromStep);
      const end = Math.min(gap.endStep, endStep);
      addBuckets(Math.max(gap.fromStep, fromStep), end);
      rest = end;
    }
    if (rest < endStep) addSpan(rest, endStep);
  }

  function cover(level: number, fromStep: number, endStep: number): void {
    if (fromStep >= endStep) return;
    if (level < 0) {
      addSteps(fromStep, endStep);
      return;
    }
    const width = bucketSteps(level);
    const firstWhole = Math.ceil(fromStep / width);
    const endWhole = Math.floor(endStep / width);
    // What is not covered yet begins here.
    let rest = fromStep;
    const take = (block: number, fromBucket: number, endBucket: number): void => {
      if (fromBucket >= endBucket) return;
      cover(level - 1, rest, fromBucket * width);
      pieces.push({ level, block, fromBucket, endBucket });
      rest = endBucket * width;
    };
    const endBlock = Math.ceil(endWhole / BUCKETS_PER_ROW);
    for (let bucket = firstWhole; bucket < endWhole;) {
      const block = nextRow(level, Math.floor(bucket / BUCKETS_PER_ROW), endBlock);
      if (block === null) break;
      const rowEnd = Math.min(endWhole, (block + 1) * BUCKETS_PER_ROW);
      bucket = Math.max(bucket, block * BUCKETS_PER_ROW);
      for (const stale of staleBuckets(staleSteps, width, bucket, rowEnd)) {
        take(block, bucket, stale);
        bucket = stale + 1;
      }
      take(block, bucket, rowEnd);
      bucket = rowEnd;
    }
    cover(level - 1, rest, endStep);
  }

  for (const { fromStep, endStep } of spans) cover(options.topLevel, fromStep, endStep);
  return { pieces, spans: found };
}

/** The buckets in [fromBucket, endBucket) that hold a stale step, ascending, each once. */
function staleBuckets(
  staleSteps: readonly number[],
  width: number,
  fromBucket: number,
  endBucket: number,
): number[] {
  const buckets: number[] = [];
  for (let index = lowerBound(staleSteps, fromBucket * width); index < staleSteps.length; index++) {
    const bucket = Math.floor((staleSteps[index] ?? 0) / width);
    if (bucket >= endBucket) break;
    if (buckets.at(-1) !== bucket) buckets.push(bucket);
  }
  return buckets;
}

/** How many of the ascending numbers are below `value`. */
export function lowerBound(ascending: ArrayLike<number>, value: number): number {
  let low = 0;
  let high = ascending.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((ascending[middle] ?? 0) < value) low = middle + 1;
    else high = middle;
  }
  return low;
}
