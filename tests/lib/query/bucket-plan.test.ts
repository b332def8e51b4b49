import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { planAligned, planSteps, findWidth } from '@/lib/query/bucket-plan';

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

  it('is 1 where every step fits', () => {
    expect(findWidth({ firstStep: 5, lastStep: 14 }, 10)).toBe(1);
    expect(findWidth({ firstStep: 0, lastStep: 999_999 }, 1000)).toBe(1000);
  });
});

describe('planAligned', () => {
  it('puts a step into the bucket of its multiple, the same whatever the window', () => {
    fc.assert(
      fc.property(anyExtent, fc.integer({ min: 1, max: 500 }), fc.nat(), (extent, limit, at) => {
        const plan = planAligned(extent, limit);
        const width = findWidth(extent, limit);
        const span = extent.lastStep - extent.firstStep + 1;
        const step = extent.firstStep + (at % span);
        const index = plan.indexOf(step);
        expect(index).toBe(Math.floor(step / width) - Math.floor(extent.firstStep / width));
        expect(index).toBeLessThan(plan.count);
        expect(plan.count).toBeLessThanOrEqual(limit);
      }),
    );
  });

  it('leaves a step that came since to the next read', () => {
    const plan = planAligned({ firstStep: 0, lastStep: 100 }, 10);
    expect(plan.indexOf(101)).toBe(-1);
    expect(plan.lastStep).toBe(100);
  });
});

describe('planSteps', () => {
  it('gives each step a bucket of its own', () => {
    const plan = planSteps([3, 10, 11]);
    expect([3, 10, 11, 4].map((step) => plan.indexOf(step))).toEqual([0, 1, 2, -1]);
    expect(plan).toMatchObject({ count: 3, lastStep: 11 });
  });

  it('holds nothing where nothing was reported', () => {
    expect(planSteps([])).toMatchObject({ count: 0, lastStep: -1 });
  });
});
