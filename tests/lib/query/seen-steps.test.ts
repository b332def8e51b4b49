import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { planAligned } from '@/lib/query/bucket-plan';
import { BucketSteps } from '@/lib/query/scalar-buckets';
import { isKnownGappy, rememberGappy, SeenSteps } from '@/lib/query/seen-steps';
import type { WindowPart } from '@/lib/store/reading/step-window';

function aPart(reported: readonly number[], more: Partial<WindowPart> = {}): WindowPart {
  return {
    ...{ attempt: 1, firstStep: Math.min(...reported), lastStep: Math.max(...reported) },
    ...{ blocksTo: 0, rolledTo: [], lateSteps: [], layerGaps: [] },
    ...{ scalarLevels: new Set(), layerLevels: new Set(), ...more },
  };
}

const range = (from: number, to: number): number[] =>
  Array.from({ length: to - from + 1 }, (_, index) => from + index);

/** What `fill` says of parts whose steps were seen, and what it should have filled in. */
function fill(parts: readonly { part: WindowPart; reported: readonly number[] }[], limit: number) {
  const all = parts.flatMap(({ reported }) => reported);
  const extent = { firstStep: Math.min(...all), lastStep: Math.max(...all) };
  const plan = planAligned(extent, limit, { layers: 1, planes: 3, budgetMs: 10 });
  const [filled, expected] = [new BucketSteps(plan.count), new BucketSteps(plan.count)];
  const seen = new SeenSteps(plan);
  for (const step of all) {
    seen.add(plan.indexOf(step), 1);
    expected.add(plan.indexOf(step), step);
  }
  const isFilled = seen.fill(
    parts.map(({ part }) => part),
    filled,
  );
  return { isFilled, filled, expected, untouched: new BucketSteps(plan.count) };
}

describe('steps seen by the values of a layer', () => {
  it('are the ends of the buckets where each part was reported at every step', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat({ max: 300 }), fc.integer({ min: 1, max: 700 })), {
          minLength: 1,
          maxLength: 4,
        }),
        fc.integer({ min: 1, max: 50 }),
        (lengths, limit) => {
          let next = 0;
          const parts = lengths.map(([distance, length]) => {
            const from = next + distance;
            next = from + length;
            const reported = range(from, next - 1);
            return { part: aPart(reported), reported };
          });
          const { isFilled, filled, expected } = fill(parts.toReversed(), limit);
          expect(isFilled).toBe(true);
          expect(filled).toEqual(expected);
        },
      ),
    );
  });

  it('say nothing where any step between the ends of a part was not seen', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 3, max: 900 }),
        fc.integer({ min: 1, max: 50 }),
        fc.nat(),
        (length, limit, which) => {
          const missing = 1 + (which % (length - 2));
          const reported = range(40, 40 + length - 1).filter((_, index) => index !== missing);
          const { isFilled, filled, untouched } = fill(
            [{ part: aPart(reported), reported }],
            limit,
          );
          expect(isFilled).toBe(false);
          expect(filled).toEqual(untouched);
        },
      ),
    );
  });

  it('say nothing where a step may have been counted twice, or beside the window', () => {
    const reported = range(0, 99);
    const parts: readonly WindowPart[][] = [
      [aPart(reported, { lateSteps: [7] })],
      [aPart(reported, { layerGaps: [{ fromStep: 16, endStep: 32 }] })],
      [aPart(reported), aPart(range(99, 120), { attempt: 2 })],
    ];
    for (const overlapping of parts) {
      const asked = overlapping.map((part) => ({
        part,
        reported: range(part.firstStep, part.lastStep),
      }));
      expect(fill(asked, 10).isFilled).toBe(false);
    }
  });

  it('are given up for a series once they did not do, while it is looked at', () => {
    expect(isKnownGappy('a/1')).toBe(false);
    rememberGappy('a/1');
    expect([isKnownGappy('a/1'), isKnownGappy('a/2')]).toEqual([true, false]);
    for (let other = 0; other < 256; other++) rememberGappy(`b/${other}`);
    expect([isKnownGappy('a/1'), isKnownGappy('b/0')]).toEqual([false, true]);
  });
});
