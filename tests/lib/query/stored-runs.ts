/** Random runs as they are posted, with restarts, shards and gaps, and what they hold, told step by step. */
import fc from 'fast-check';
import { MISSING_FLOAT32_BITS } from '@/lib/contract/missing-value';
import type { Frame } from '@/lib/contract/frame';

export const METRIC = 'gradient_norm';

/** null: not reported. */
export type Cell = number | null;

export interface PostedStep {
  readonly attempt: number;
  readonly step: number;
  readonly loss: Cell;
  readonly custom: Cell;
  /** One cell a layer. */
  readonly cells: readonly Cell[];
  /** Where the layers are cut into shards; empty: one post. */
  readonly cuts: readonly number[];
}

export interface PostedRun {
  readonly layerCount: number;
  /** Resume step of each attempt, the first one's 0. */
  readonly resumeSteps: readonly number[];
  readonly steps: readonly PostedStep[];
}

/** Without −0, which is equal to 0 but not the same. */
const anyFinite = fc
  .float({ min: Math.fround(-1e6), max: Math.fround(1e6), noNaN: true })
  .map((value) => value + 0);

const anyCell = fc.oneof(
  { weight: 6, arbitrary: anyFinite },
  { weight: 1, arbitrary: fc.constantFrom(NaN, Infinity, -Infinity) },
  { weight: 1, arbitrary: fc.constant(null) },
);

export const anyRun: fc.Arbitrary<PostedRun> = fc
  .record({
    layerCount: fc.integer({ min: 1, max: 5 }),
    laterResumes: fc.array(fc.nat({ max: 40 }), { maxLength: 2 }),
    stride: fc.constantFrom(1, 1, 3),
    first: fc.nat({ max: 7 }),
  })
  .chain(({ layerCount, laterResumes, stride, first }) => {
    const resumeSteps = [0, ...laterResumes];
    const anyStep = fc.record({
      attempt: fc.integer({ min: 1, max: resumeSteps.length }),
      offset: fc.nat({ max: 45 }),
      loss: anyCell,
      custom: anyCell,
      cells: fc.array(anyCell, { minLength: layerCount, maxLength: layerCount }),
      cuts: fc.subarray(Array.from({ length: layerCount - 1 }, (_, index) => index + 1)),
    });
    return fc.array(anyStep, { maxLength: 60 }).map((drafts) => {
      const steps = new Map<string, PostedStep>();
      for (const { offset, attempt, ...rest } of drafts) {
        const step = Math.max(resumeSteps[attempt - 1]!, first) + offset * stride;
        steps.set(`${attempt}/${step}`, { attempt, step, ...rest });
      }
      return { layerCount, resumeSteps, steps: [...steps.values()] };
    });
  });

/** The frames of one step, one a shard; the scalars come with the first. */
export function framesOf({ step, loss, custom, cells, cuts }: PostedStep): {
  readonly layerOffset: number;
  readonly frame: Frame;
}[] {
  const edges = [0, ...cuts, cells.length];
  return edges.slice(0, -1).map((layerOffset, index) => {
    const shard = cells.slice(layerOffset, edges[index + 1]);
    const values = Float32Array.from(shard, (cell) => cell ?? 0);
    const bits = new Uint32Array(values.buffer);
    shard.forEach((cell, layer) => {
      if (cell === null) bits[layer] = MISSING_FLOAT32_BITS;
    });
    const scalars = new Map<string, number>();
    if (index === 0) {
      if (loss !== null) scalars.set('loss', loss);
      if (custom !== null) scalars.set('custom', custom);
    }
    return {
      layerOffset,
      frame: {
        step,
        wallTime: null,
        scalars,
        layerCount: shard.length,
        layerMetrics: new Map([[METRIC, values]]),
        histograms: new Map(),
        samples: null,
      },
    };
  });
}

/** The steps that a selector and a range leave, told one by one. */
export function selectSteps(
  { steps, resumeSteps }: PostedRun,
  attempt: number | 'effective' | 'all',
  fromStep = 0,
  toStep = Infinity,
): PostedStep[] {
  return steps.filter((posted) => {
    if (posted.step < fromStep || posted.step > toStep) return false;
    if (attempt === 'all') return true;
    if (attempt !== 'effective') return posted.attempt === attempt;
    // The newest attempt that covers the step, whether or not it reported it.
    return (
      resumeSteps.findLastIndex((resumeStep) => resumeStep <= posted.step) + 1 === posted.attempt
    );
  });
}

/** Groups of steps, ascending: one a step where they fit, else by multiples of the smallest width. */
export function groupSteps(steps: readonly PostedStep[], limit: number): PostedStep[][] {
  const distinct = [...new Set(steps.map(({ step }) => step))].sort((a, b) => a - b);
  const firstStep = distinct[0] ?? 0;
  const lastStep = distinct.at(-1) ?? 0;
  let width = 1;
  if (distinct.length > limit) {
    while (Math.floor(lastStep / width) - Math.floor(firstStep / width) + 1 > limit) width++;
  }
  const groups = new Map<number, PostedStep[]>();
  for (const posted of steps.toSorted((a, b) => a.step - b.step)) {
    const bucket = Math.floor(posted.step / width);
    groups.set(bucket, [...(groups.get(bucket) ?? []), posted]);
  }
  return [...groups.values()];
}

export interface Reduced {
  readonly min: number | null;
  readonly max: number | null;
  readonly mean: number | null;
  readonly nonFiniteCount: number;
}

export function reduceCells(cells: readonly Cell[]): Reduced {
  const reported = cells.filter((cell) => cell !== null);
  const finite = reported.filter((cell) => Number.isFinite(cell));
  return {
    min: finite.length === 0 ? null : Math.min(...finite),
    max: finite.length === 0 ? null : Math.max(...finite),
    mean: finite.length === 0 ? null : finite.reduce((sum, cell) => sum + cell, 0) / finite.length,
    nonFiniteCount: reported.length - finite.length,
  };
}
