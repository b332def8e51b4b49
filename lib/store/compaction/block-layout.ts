/**
 * How steps are cut into blocks and rollup rows (docs/decisions/011). All spans are powers of
 * four times 16 and aligned to themselves, so that a bucket, a row and a block never cut one
 * another: of two that meet, one holds the other.
 */

/** Steps of the smallest block; larger ones have BLOCK_STEPS · 4^j, j ≤ MAX_SPAN_EXPONENT. */
export const BLOCK_STEPS = 64;
export const MAX_SPAN_EXPONENT = 4;
export const MAX_SPAN = BLOCK_STEPS * 4 ** MAX_SPAN_EXPONENT;

/** Buckets of a rollup row, of whatever level. */
export const BUCKETS_PER_ROW = 64;

/** Its rows hold 2^50 steps: more than any training has, and still exact as a number. */
export const MAX_LEVEL = 20;

/** Steps of a bucket: 16, 64, 256, … */
export function bucketSteps(level: number): number {
  return 16 * 4 ** level;
}

/** Steps of a row: 1,024, 4,096, … */
export function rowSteps(level: number): number {
  return BUCKETS_PER_ROW * bucketSteps(level);
}

/** The highest multiple of `span` that is not above `step`. */
export function alignDown(step: number, span: number): number {
  return Math.floor(step / span) * span;
}

/** The lowest multiple of `span` that is not below `step`. */
export function alignUp(step: number, span: number): number {
  return Math.ceil(step / span) * span;
}

/**
 * Whether a rollup row is kept: it must at least halve the columns that it sums up (reported
 * steps, or buckets of the level below), else a read does better one level further down.
 */
export function isWorthKeeping(inputColumns: number, buckets: number): boolean {
  return buckets > 0 && buckets * 2 <= inputColumns;
}
