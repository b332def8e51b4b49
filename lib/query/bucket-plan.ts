/**
 * How the reported steps of a window become at most `limit` buckets. Where they fit, each
 * step is one. Where they do not, buckets lie on the multiples of a whole width, so that a
 * step falls into the same bucket whoever asks and whenever.
 *
 * That width is a multiple of a rollup level's buckets, so that the level can answer. The
 * finer the level, the nearer the width is to the smallest that fits, and the more has to be
 * read: a read takes the finest level that it can afford. The choice depends on the window's
 * ends alone, never on how far compaction has come.
 *
 * Where retention has left rollups alone, a bucket of the lowest level is the finest there
 * is: there it takes the place of a step, and aligned buckets are multiples of it.
 */
import {
  alignDown,
  alignUp,
  bucketSteps,
  BUCKETS_PER_ROW,
  BLOCK_STEPS,
} from '../store/compaction/block-layout';
import { lowerBound, type StepSpan } from '../store/reading/cover';
import type { ScannedStep, StepWindow } from '../store/reading/step-window';

export interface BucketPlan {
  readonly count: number;
  /** Buckets lie on its multiples. */
  readonly width: number;
  /** The highest level of rollups whose buckets lie in one of the plan's; -1: each step is needed. */
  readonly topLevel: number;
  /** The reported steps themselves, where each has a bucket, of its own but for those in gaps. */
  readonly steps: readonly ScannedStep[] | null;
  /** Whether each bucket is one step. */
  readonly isStepwise: boolean;
  /** The bucket of a step; -1 for a step that the plan does not hold. */
  indexOf(step: number): number;
}

export interface StepExtent {
  readonly firstStep: number;
  readonly lastStep: number;
}

/** What reading costs: how much of it there is, and how long it may take. */
export interface ReadCost {
  /** Series that are read at once: layers, or 1. */
  readonly layers: number;
  /** Stored planes that a bucket is read from. */
  readonly planes: number;
  readonly budgetMs: number;
}

/** One bucket a step, and in `gaps` one a bucket of the lowest level. */
export function planSteps(
  reported: readonly ScannedStep[],
  gaps: readonly StepSpan[] = [],
): BucketPlan {
  const placeOf = gaps.length === 0 ? (step: number) => step : placeInGaps(gaps);
  const places = [...new Set(reported.map(({ step }) => placeOf(step)))].sort((a, b) => a - b);
  const indices = new Map(places.map((place, index) => [place, index]));
  return {
    count: places.length,
    width: 1,
    topLevel: -1,
    steps: reported,
    isStepwise: gaps.length === 0,
    indexOf: (step) => indices.get(placeOf(step)) ?? -1,
  };
}

/** A step itself, or the first step of its bucket where that meets a gap. */
function placeInGaps(gaps: readonly StepSpan[]): (step: number) => number {
  const width = bucketSteps(0);
  const ascending = gaps.toSorted((a, b) => a.fromStep - b.fromStep);
  // Gaps of several attempts may overlap; the first buckets and the highest ends so far.
  const starts = ascending.map(({ fromStep }) => alignDown(fromStep, width));
  let highest = 0;
  const ends = ascending.map(
    ({ endStep }) => (highest = Math.max(highest, alignUp(endStep, width))),
  );
  return (step) => {
    const last = lowerBound(starts, step + 1) - 1;
    return last >= 0 && step < (ends[last] ?? 0) ? alignDown(step, width) : step;
  };
}

/**
 * Widths that are tried one by one. Windows of training runs need a few; one of few steps
 * far from 0, asked for in one bucket, would need as many as its steps are far.
 */
const MAX_TRIES = 10_000;

/**
 * A multiple of `unit` whose multiples cut `firstStep`…`lastStep` into at most `limit`
 * buckets: the smallest, or where that is not found within MAX_TRIES one that is sure to do.
 */
export function findWidth({ firstStep, lastStep }: StepExtent, limit: number, unit = 1): number {
  const span = lastStep - firstStep + 1;
  const countOf = (width: number): number =>
    Math.floor(lastStep / width) - Math.floor(firstStep / width) + 1;
  // Below this no width can do, since `limit` buckets of it do not span the steps.
  const roundUp = (width: number): number => Math.ceil(width / unit) * unit;
  const least = Math.max(unit, roundUp(span / limit));
  // Where the ends fall on the wrong side of a multiple, one more bucket is needed.
  for (let width = least; width < least + MAX_TRIES * unit; width += unit) {
    if (countOf(width) <= limit) return width;
  }
  // `limit` − 1 whole buckets span the steps, and the one more is there; a single bucket
  // that begins at 0 holds everything.
  return roundUp(limit > 1 ? span / (limit - 1) : lastStep + 1);
}

/**
 * Milliseconds, measured in bench/reads.ts: a stored row's slice of one plane, found, sent
 * and taken apart; a float of a plane, sent and reduced.
 */
const ROW_MS = 0.015;
const CELL_MS = 1e-5;
/** A width that is so much larger than the finest one is taken where it saves reading. */
const TOLERANCE = 1.25;
/** Buckets of 16 · 4^13 steps: a billion. */
const HIGHEST_LEVEL = 13;

interface LevelWidth {
  /** -1: steps. */
  readonly level: number;
  readonly width: number;
}

function costMs(level: number, span: number, { layers, planes }: ReadCost): number {
  const perRow = level < 0 ? BLOCK_STEPS : BUCKETS_PER_ROW * bucketSteps(level);
  const perCell = level < 0 ? 1 : bucketSteps(level);
  const read = level < 0 ? 1 : planes;
  return read * (Math.ceil(span / perRow) * ROW_MS + Math.ceil(span / perCell) * layers * CELL_MS);
}

/** The width of the buckets and the level that answers them. */
export function chooseLevel(
  extent: StepExtent,
  limit: number,
  cost: ReadCost,
  lowestLevel = -1,
): LevelWidth {
  const span = extent.lastStep - extent.firstStep + 1;
  const lowestUnit = lowestLevel < 0 ? 1 : bucketSteps(lowestLevel);
  const lowest: LevelWidth = { level: lowestLevel, width: findWidth(extent, limit, lowestUnit) };
  const candidates = [lowest];
  for (let level = lowestLevel + 1; level <= HIGHEST_LEVEL; level++) {
    const unit = bucketSteps(level);
    // From here on every level is coarser than all that is asked for.
    if (unit > span) break;
    candidates.push({ level, width: findWidth(extent, limit, unit) });
  }
  const affordable = candidates.filter(({ level }) => costMs(level, span, cost) <= cost.budgetMs);
  // Whatever it costs: the finest level that needs one of its buckets for one of ours.
  const finest =
    affordable[0] ??
    candidates.find(({ level, width }) => level >= 0 && bucketSteps(level) === width) ??
    lowest;
  return (
    candidates.findLast(
      ({ level, width }) => level >= finest.level && width <= finest.width * TOLERANCE,
    ) ?? finest
  );
}

/** Buckets on the multiples of a width that fits, and of a bucket of the lowest level that may be read. */
export function planAligned(
  extent: StepExtent,
  limit: number,
  cost: ReadCost,
  lowestLevel = -1,
): BucketPlan {
  const { width, level } = chooseLevel(extent, limit, cost, lowestLevel);
  const firstBucket = Math.floor(extent.firstStep / width);
  const count = Math.floor(extent.lastStep / width) - firstBucket + 1;
  return {
    count,
    width,
    topLevel: level,
    steps: null,
    isStepwise: false,
    indexOf: (step) => {
      const index = Math.floor(step / width) - firstBucket;
      return index >= 0 && index < count ? index : -1;
    },
  };
}

/** The plan for what the window holds. */
export function planBuckets(
  { parts, steps }: StepWindow,
  limit: number,
  cost: ReadCost,
): BucketPlan {
  const gaps = parts.flatMap(({ layerGaps }) => layerGaps);
  if (steps !== null) {
    const plan = planSteps(steps, gaps);
    if (plan.count <= limit) return plan;
  }
  const extent = {
    firstStep: Math.min(...parts.map(({ firstStep }) => firstStep)),
    lastStep: Math.max(...parts.map(({ lastStep }) => lastStep)),
  };
  return planAligned(extent, limit, cost, gaps.length === 0 ? -1 : 0);
}
