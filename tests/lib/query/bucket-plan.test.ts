import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { planAligned, planSteps, smallestWidth } from '@/lib/query/bucket-plan';

const anyExtent = fc
  .tuple(fc.nat({ max: 2_000_000 }), fc.nat({ max: 2_000_000 }))
  .map(([a, b]) => ({ firstStep: Math.min(a, b), lastStep: Math.max(a, b) }));

describe('smallestWidth', () => {
  it('fits, and no smaller width does', () => {
    const bucketsOf = (
      width: number,
      { firstStep, lastStep }: { firstStep: number; lastStep: number },
    ) => Math.floor(lastStep / width) - Math.floor(firstStep / width) + 1;
    fc.assert(
      fc.property(anyExtent, fc.integer({ min: 1, max: 2000 }), (extent, limit) => {
        const width = smallestWidth(extent, limit);
        expect(bucketsOf(width, extent)).toBeLessThanOrEqual(limit);
        const smaller = Math.max(1, Math.ceil((extent.lastStep - extent.firstStep + 1) / limit));
        for (let other = smaller; other < width; other++) {
          expect(bucketsOf(other, extent)).toBeGreaterThan(limit);
        }
        if (smaller > 1) expect(bucketsOf(smaller - 1, extent)).toBeGreaterThan(limit);
      }),
    );
  });

  it('is 1 where every step fits', () => {
    expect(smallestWidth({ firstStep: 5, lastStep: 14 }, 10)).toBe(1);
    expect(smallestWidth({ firstStep: 0, lastStep: 999_999 }, 1000)).toBe(1000);
  });
});

describe('planAligned', () => {
  it('puts a step into the bucket of its multiple, the same whatever the window', () => {
    fc.assert(
      fc.property(anyExtent, fc.integer({ min: 1, max: 500 }), fc.nat(), (extent, limit, at) => {
        const plan = planAligned(extent, limit);
        const width = smallestWidth(extent, limit);
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
