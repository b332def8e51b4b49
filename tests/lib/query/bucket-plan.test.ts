import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { chooseLevel, findWidth, planAligned, planSteps } from '@/lib/query/bucket-plan';

const anyExtent = fc
  .tuple(fc.nat({ max: 2_000_000 }), fc.nat({ max: 2_000_000 }))
  .map(([a, b]) => ({ firstStep: Math.min(a, b), lastStep: Math.max(a, b) }));

describe('findWidth', () => {
  it('fits, and no smaller width does', () => {
    const bucketsOf = (
      width: number,
      { firstStep, lastStep }: { firstStep: number; lastStep: number },
    ) => Math.floor(lastStep / width) - Math.floor(firstStep / width) + 1;
    fc.assert(
      fc.property(anyExtent, fc.integer({ min: 1, max: 2000 }), (extent, limit) => {
        const width = findWidth(extent, limit);
        expect(bucketsOf(width, extent)).toBeLessThanOrEqual(limit);
        // With fewer buckets over so many steps any width that fits will do.
        if (limit < 16) return;
        const least = Math.max(1, Math.ceil((extent.lastStep - extent.firstStep + 1) / limit));
        const sample = [least, Math.floor((least + width) / 2), width - 1];
        for (const other of sample.filter((candidate) => candidate >= 1 && candidate < width)) {
          expect(bucketsOf(other, extent)).toBeGreaterThan(limit);
        }
      }),
    );
  });

  it('is found at once for a few steps far from 0 in one bucket', () => {
    const far = { firstStep: 9_007_199_254_740_000, lastStep: 9_007_199_254_740_900 };
    for (const limit of [1, 2, 3, 500]) {
      const width = findWidth(far, limit);
      const count = Math.floor(far.lastStep / width) - Math.floor(far.firstStep / width) + 1;
      expect(count).toBeLessThanOrEqual(limit);
    }
  });

  it('is a multiple of the unit asked for', () => {
    fc.assert(
      fc.property(
        anyExtent,
        fc.integer({ min: 1, max: 2000 }),
        fc.constantFrom(16, 64, 1024),
        (extent, limit, unit) => {
          const width = findWidth(extent, limit, unit);
          const { firstStep, lastStep } = extent;
          const count = Math.floor(lastStep / width) - Math.floor(firstStep / width) + 1;
          expect(width % unit).toBe(0);
          expect(count).toBeLessThanOrEqual(limit);
        },
      ),
    );
  });

  it('is 1 where every step fits', () => {
    expect(findWidth({ firstStep: 5, lastStep: 14 }, 10)).toBe(1);
    expect(findWidth({ firstStep: 0, lastStep: 999_999 }, 1000)).toBe(1000);
  });
});

/** So much that every step may be read. */
const NO_MATTER = { layers: 1, planes: 1, budgetMs: Infinity };

describe('chooseLevel', () => {
  const bucketOf = (level: number) => 16 * 4 ** level;

  it('answers with multiples of its level that fit, at most a quarter wider than it could afford', () => {
    const anyCost = fc.record({
      layers: fc.constantFrom(1, 10, 1000, 50_000),
      planes: fc.constantFrom(1, 3),
      budgetMs: fc.constantFrom(1, 10, 40, Infinity),
    });
    fc.assert(
      fc.property(anyExtent, fc.integer({ min: 1, max: 2000 }), anyCost, (extent, limit, cost) => {
        const { level, width } = chooseLevel(extent, limit, cost);
        if (level >= 0) expect(width % bucketOf(level)).toBe(0);
        const { count } = planAligned(extent, limit, cost);
        expect(count).toBeLessThanOrEqual(limit);
        if (cost.budgetMs === Infinity) {
          expect(width).toBeLessThanOrEqual(findWidth(extent, limit) * 1.25);
        }
      }),
    );
  });

  it('reads the coarsest level where a finer one shows hardly more', () => {
    const million = { firstStep: 0, lastStep: 999_999 };
    expect(chooseLevel(million, 1000, { layers: 100, planes: 1, budgetMs: 40 })).toEqual({
      level: 3,
      width: 1024,
    });
  });

  it('gives one layer finer buckets than a thousand', () => {
    const extent = { firstStep: 0, lastStep: 39_999 };
    const widthOf = (layers: number) =>
      chooseLevel(extent, 1000, { layers, planes: 3, budgetMs: 10 }).width;
    expect(widthOf(1)).toBeLessThan(widthOf(1000));
  });

  it('reads steps themselves where they are few', () => {
    const extent = { firstStep: 0, lastStep: 1999 };
    expect(chooseLevel(extent, 1000, { layers: 100, planes: 1, budgetMs: 40 })).toEqual({
      level: -1,
      width: 2,
    });
  });
});

describe('planAligned', () => {
  it('puts a step into the bucket of its multiple, the same whatever the window', () => {
    fc.assert(
      fc.property(anyExtent, fc.integer({ min: 1, max: 500 }), fc.nat(), (extent, limit, at) => {
        const plan = planAligned(extent, limit, NO_MATTER);
        const { width } = chooseLevel(extent, limit, NO_MATTER);
        const span = extent.lastStep - extent.firstStep + 1;
        const step = extent.firstStep + (at % span);
        const index = plan.indexOf(step);
        expect(index).toBe(Math.floor(step / width) - Math.floor(extent.firstStep / width));
        expect(index).toBeLessThan(plan.count);
        expect(plan.count).toBeLessThanOrEqual(limit);
      }),
    );
  });

  it('leaves out what lies beyond its buckets', () => {
    const plan = planAligned({ firstStep: 50, lastStep: 149 }, 10, NO_MATTER);
    expect([49, 50, 149, 150].map((step) => plan.indexOf(step))).toEqual([-1, 0, 9, -1]);
  });
});

describe('planSteps', () => {
  const stepsOf = (...steps: readonly number[]) =>
    steps.map((step) => ({ attempt: 1, step, values: [] }));

  it('gives each step a bucket of its own, also one that two attempts have', () => {
    const plan = planSteps(stepsOf(3, 10, 11, 10));
    expect([3, 10, 11, 4].map((step) => plan.indexOf(step))).toEqual([0, 1, 2, -1]);
    expect(plan).toMatchObject({ count: 3, topLevel: -1 });
  });

  it('holds nothing where nothing was reported', () => {
    expect(planSteps([]).count).toBe(0);
  });
});
