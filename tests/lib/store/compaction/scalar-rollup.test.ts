import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bucketSteps, rowSteps } from '@/lib/store/compaction/block-layout';
import { ScalarRollupAccumulator } from '@/lib/store/compaction/scalar-rollup';
import { bruteScalars, expectSameScalars, toScalarFacts } from './brute-rollup';

const anyValue = fc.oneof(
  { weight: 6, arbitrary: fc.double({ min: -1e9, max: 1e9, noNaN: true }).map((v) => v + 0) },
  { weight: 1, arbitrary: fc.constantFrom(NaN, Infinity, -Infinity) },
);

const anySteps = fc
  .array(
    fc.tuple(fc.nat({ max: 4095 }), fc.dictionary(fc.constantFrom('-1', '0', '1', '7'), anyValue)),
    { maxLength: 80 },
  )
  .map(
    (steps) =>
      new Map(
        steps.map(([step, values]) => [
          step,
          new Map(Object.entries(values).map(([id, value]) => [Number(id), value])),
        ]),
      ),
  );

describe('ScalarRollupAccumulator', () => {
  it('sums steps up, and rows of the level below, as every value would be', () => {
    fc.assert(
      fc.property(anySteps, (steps) => {
        const ascending = [...steps].sort(([a], [b]) => a - b);
        const rows = [0, 1, 2, 3].map((row) => {
          const accumulator = new ScalarRollupAccumulator(0, row);
          for (const [step, values] of ascending) {
            if (Math.floor(step / rowSteps(0)) === row) accumulator.addStep(step, values);
          }
          return accumulator.finish();
        });
        rows.forEach((rollup, row) => {
          const expected = bruteScalars(steps, row * rowSteps(0), bucketSteps(0));
          expectSameScalars(rollup === null ? [] : toScalarFacts(rollup), expected);
        });
        const above = new ScalarRollupAccumulator(1, 0);
        for (const rollup of rows) if (rollup !== null) above.addRollup(rollup);
        const rollup = above.finish();
        const expected = bruteScalars(steps, 0, bucketSteps(1));
        expectSameScalars(rollup === null ? [] : toScalarFacts(rollup), expected);
      }),
      { numRuns: 200 },
    );
  });

  it('keeps the mean of values whose sum no float64 holds, also of the row above', () => {
    const accumulator = new ScalarRollupAccumulator(0, 0);
    for (let step = 0; step < 32; step++) accumulator.addStep(step, [[2, 1.5e308]]);
    const rollup = accumulator.finish()!;
    expect([...rollup.mean]).toEqual([1.5e308, 1.5e308]);
    const above = new ScalarRollupAccumulator(1, 0);
    above.addRollup(rollup);
    expect([...above.finish()!.mean]).toEqual([1.5e308]);
  });

  it('takes the first value of an id, and refuses a step of another row', () => {
    const accumulator = new ScalarRollupAccumulator(0, 1);
    accumulator.addStep(1030, [
      [2, 5],
      [2, 6],
    ]);
    expect(() => accumulator.addStep(1023, [])).toThrow(RangeError);
    const rollup = accumulator.finish()!;
    expect([[...rollup.last], [...rollup.finite]]).toEqual([[5], [1]]);
  });
});
