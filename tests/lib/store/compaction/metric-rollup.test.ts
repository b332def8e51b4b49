import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bitsOf } from '@/lib/contract/missing-value';
import { bucketSteps, rowSteps } from '@/lib/store/compaction/block-layout';
import { MetricRollupAccumulator } from '@/lib/store/compaction/metric-rollup';
import { transposeColumns } from '@/lib/store/compaction/transpose-columns';
import {
  anyCell,
  bruteBuckets,
  expectSameBuckets,
  toColumn,
  toFacts,
  type StepCells,
} from './brute-rollup';

const LAYERS = 3;

/** The block [firstStep, firstStep + span) of the steps. */
function toBlock(steps: StepCells, firstStep: number, span: number) {
  const inside = [...steps]
    .filter(([step]) => step >= firstStep && step < firstStep + span)
    .sort(([a], [b]) => a - b);
  const source = new Float32Array(inside.length * LAYERS);
  inside.forEach(([, cells], column) => {
    bitsOf(source).set(bitsOf(toColumn(cells)), column * LAYERS);
  });
  const values = new Float32Array(source.length);
  const starts = inside.map((_, column) => column * LAYERS);
  transposeColumns(bitsOf(source), starts, LAYERS, bitsOf(values));
  return { offsets: Uint16Array.from(inside, ([step]) => step - firstStep), values };
}

const anySteps = (end: number) =>
  fc.uniqueArray(fc.nat({ max: end - 1 }), { maxLength: 120 }).chain((numbers) =>
    fc
      .array(fc.array(anyCell, { minLength: LAYERS, maxLength: LAYERS }), {
        minLength: numbers.length,
        maxLength: numbers.length,
      })
      .map((cells) => new Map(numbers.map((step, index) => [step, cells[index]!]))),
  );

describe('MetricRollupAccumulator', () => {
  it.each([64, 256, 1024, 4096])('sums blocks of %i steps up as every value would be', (span) => {
    const accumulator = new MetricRollupAccumulator(LAYERS);
    fc.assert(
      fc.property(anySteps(4096), fc.nat({ max: 3 }), (steps, row) => {
        accumulator.begin(0, row);
        for (let firstStep = 0; firstStep < 4096; firstStep += span) {
          const { offsets, values } = toBlock(steps, firstStep, span);
          accumulator.addBlock(firstStep, offsets, values);
        }
        const rollup = accumulator.finish();
        const expected = bruteBuckets(steps, row * rowSteps(0), bucketSteps(0), LAYERS);
        expectSameBuckets(rollup === null ? [] : toFacts(rollup, LAYERS), expected);
      }),
      { numRuns: 60 },
    );
  });

  it('sums rows up as it would their steps, level after level', () => {
    const accumulator = new MetricRollupAccumulator(LAYERS);
    fc.assert(
      fc.property(anySteps(16_384), fc.constantFrom(1, 2), (steps, level) => {
        let rows = Array.from({ length: 16 }, (_, row) => {
          accumulator.begin(0, row);
          const { offsets, values } = toBlock(steps, 0, 16_384);
          accumulator.addBlock(0, offsets, values);
          return accumulator.finish();
        });
        for (let to = 1; to <= level; to++) {
          rows = Array.from({ length: rows.length / 4 }, (_, row) => {
            accumulator.begin(to, row);
            for (let below = row * 4; below < row * 4 + 4; below++) {
              const rollup = rows[below] ?? null;
              if (rollup !== null) accumulator.addRollup(to - 1, below, rollup);
            }
            return accumulator.finish();
          });
        }
        rows.forEach((rollup, row) => {
          const expected = bruteBuckets(steps, row * rowSteps(level), bucketSteps(level), LAYERS);
          expectSameBuckets(rollup === null ? [] : toFacts(rollup, LAYERS), expected);
        });
      }),
      { numRuns: 60 },
    );
  });

  it('has no counts of exceptions while every layer is finite at every reported step', () => {
    const accumulator = new MetricRollupAccumulator(LAYERS);
    const steps = new Map([
      [3, [1, 2, 3]],
      [900, [4, 5, 6]],
    ]);
    const rollupOf = (cells: StepCells) => {
      accumulator.begin(0, 0);
      const { offsets, values } = toBlock(cells, 0, 1024);
      accumulator.addBlock(0, offsets, values);
      return accumulator.finish()!;
    };
    expect(rollupOf(steps).exceptions).toBeNull();
    expect(rollupOf(steps).slots).toEqual(Uint8Array.of(0, 56));
    expect([...rollupOf(new Map([...steps, [4, [1, null, NaN]]])).exceptions!]).toEqual([
      2, 1, 1, 1, 1, 1, 0, 0, 0, 0, 1, 0,
    ]);
  });
});
