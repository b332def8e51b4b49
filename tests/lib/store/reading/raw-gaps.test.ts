import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { planAligned, planSteps } from '@/lib/query/bucket-plan';
import { bucketsInGaps } from '@/lib/store/compaction/gap-buckets';
import { MetricRollupAccumulator } from '@/lib/store/compaction/metric-rollup';
import { coverSpans } from '@/lib/store/reading/cover';
import { mergeIntervals } from '@/lib/store/reading/raw-gaps';

const BUCKET = 16;

/** On the multiples of 64 steps, ascending and apart, as they are written down. */
const anyGaps = fc
  .array(fc.nat({ max: 60 }), { maxLength: 12 })
  .map((cells) =>
    mergeIntervals(cells.map((cell) => ({ from: cell * 64, to: cell * 64 + 64 }))).map(
      ({ from, to }) => ({ fromStep: from, endStep: to }),
    ),
  );

describe('mergeIntervals', () => {
  it('holds the same steps in as few intervals as do', () => {
    expect(
      mergeIntervals([
        { from: 64, to: 128 },
        { from: 0, to: 64 },
        { from: 32, to: 40 },
        { from: 200, to: 210 },
      ]),
    ).toEqual([
      { from: 0, to: 128 },
      { from: 200, to: 210 },
    ]);
    expect(mergeIntervals([])).toEqual([]);
  });
});

describe('coverSpans with gaps', () => {
  it('takes each step outside of them once, and inside whole buckets of the lowest level, each once', () => {
    fc.assert(
      fc.property(
        anyGaps,
        fc.integer({ min: -1, max: 2 }),
        fc.nat({ max: 4000 }),
        fc.nat({ max: 4000 }),
        (gaps, topLevel, a, b) => {
          const span = { fromStep: Math.min(a, b), endStep: Math.max(a, b) };
          const isInGap = (step: number) =>
            gaps.some(({ fromStep, endStep }) => step >= fromStep && step < endStep);
          const cover = coverSpans([span], { topLevel, nextRow: (_, block) => block, gaps });
          const seen = new Map<number, number>();
          const see = (step: number) => seen.set(step, (seen.get(step) ?? 0) + 1);
          for (const { fromStep, endStep } of cover.spans) {
            for (let step = fromStep; step < endStep; step++) {
              expect(isInGap(step)).toBe(false);
              see(step);
            }
          }
          for (const { level, fromBucket, endBucket } of cover.pieces) {
            const width = BUCKET * 4 ** level;
            for (let step = fromBucket * width; step < endBucket * width; step++) see(step);
          }
          const expected = new Set<number>();
          for (let step = span.fromStep; step < span.endStep; step++) {
            const first = isInGap(step) ? Math.floor(step / BUCKET) * BUCKET : step;
            const count = isInGap(step) ? BUCKET : 1;
            for (let other = first; other < first + count; other++) expected.add(other);
          }
          expect([...seen.keys()].sort((x, y) => x - y)).toEqual(
            [...expected].sort((x, y) => x - y),
          );
          expect([...seen.values()].every((times) => times === 1)).toBe(true);
        },
      ),
    );
  });
});

describe('a plan with gaps', () => {
  const reported = [0, 3, 15, 16, 70, 130, 131].map((step) => ({ attempt: 1, step, values: [] }));

  it('has one column a step, and in gaps one a bucket of 16 steps', () => {
    const plan = planSteps(reported, [{ fromStep: 2, endStep: 64 }]);
    expect(plan.isStepwise).toBe(false);
    expect(plan.count).toBe(5);
    // Also of the bucket that the window cuts at its first step.
    expect([0, 3, 15, 16, 17, 70, 71, 130, 131].map((step) => plan.indexOf(step))).toEqual([
      0, 0, 0, 1, 1, 2, -1, 3, 4,
    ]);
    expect(planSteps(reported).isStepwise).toBe(true);
  });

  it('has buckets on multiples of 16 where the steps do not fit', () => {
    fc.assert(
      fc.property(
        fc.nat({ max: 5000 }),
        fc.nat({ max: 5000 }),
        fc.integer({ min: 1, max: 900 }),
        (a, b, limit) => {
          const extent = { firstStep: Math.min(a, b), lastStep: Math.max(a, b) };
          const cost = { layers: 3, planes: 1, budgetMs: 40 };
          const plan = planAligned(extent, limit, cost, 0);
          expect(plan.width % BUCKET).toBe(0);
          expect(plan.topLevel).toBeGreaterThanOrEqual(0);
          expect(plan.count).toBeLessThanOrEqual(limit);
        },
      ),
    );
  });
});

describe('bucketsInGaps', () => {
  it('leaves the buckets of the gaps as they are, of every layer, and no other', () => {
    const accumulator = new MetricRollupAccumulator(2);
    accumulator.begin(0, 1);
    const offsets = Uint16Array.from({ length: 64 }, (_, step) => step);
    const values = Float32Array.from({ length: 128 }, (_, at) => (at === 70 ? NaN : at));
    accumulator.addBlock(1024, offsets, values);
    const row = accumulator.finish()!;
    const kept = bucketsInGaps(row, 0, 1, [
      { from: 1040, to: 1056 },
      { from: 1072, to: 2048 },
    ]);
    expect([...kept.slots]).toEqual([1, 3]);
    expect([...kept.reported]).toEqual([16, 16]);
    expect([...kept.minimum]).toEqual([16, 48, 80, 112]);
    expect([...kept.maximum]).toEqual([31, 63, 95, 127]);
    expect([...kept.mean]).toEqual([23.5, 55.5, 87.5, 119.5]);
    expect([...kept.exceptions!]).toEqual([16, 16, 16, 16, 0, 0, 0, 0]);
    const first = bucketsInGaps(row, 0, 1, [{ from: 1024, to: 1040 }]);
    expect([...first.exceptions!]).toEqual([16, 15, 0, 1]);
    expect([...bucketsInGaps(row, 0, 1, []).slots]).toEqual([]);
  });
});
