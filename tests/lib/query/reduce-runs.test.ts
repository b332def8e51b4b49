import fc from 'fast-check';
import { expect, it } from 'vitest';
import {
  checkCells,
  copyCells,
  reduceCells,
  reduceExtremes,
  reduceMeans,
} from '@/lib/query/reduce-runs';
import { anyCell, toColumn, type Cell } from '@/tests/lib/store/compaction/brute-rollup';
import { reduceCells as bruteReduce } from './stored-runs';

const anyBlock = fc
  .record({ layerCount: fc.integer({ min: 1, max: 4 }), n: fc.integer({ min: 1, max: 20 }) })
  .chain(({ layerCount, n }) =>
    fc.record({
      layerCount: fc.constant(layerCount),
      n: fc.constant(n),
      cells: fc.array(anyCell, { minLength: layerCount * n, maxLength: layerCount * n }),
      // Which of three buckets each entry falls into, ascending; -1 for none.
      buckets: fc
        .array(fc.integer({ min: -1, max: 2 }), { minLength: n, maxLength: n })
        .map((buckets) => buckets.sort((a, b) => a - b)),
    }),
  );

const BUCKETS = 3;

function bucketsOf(layerCount: number, start: number) {
  const cells = layerCount * BUCKETS;
  return {
    bucketCount: BUCKETS,
    values: new Float32Array(cells).fill(start),
    sums: new Float64Array(cells),
    finite: new Uint32Array(cells),
    nonFinite: new Uint32Array(cells),
  };
}

function runsOf(buckets: readonly number[]) {
  return [0, 1, 2].flatMap((bucket) => {
    const from = buckets.indexOf(bucket);
    return from < 0 ? [] : [{ bucket, from, end: buckets.lastIndexOf(bucket) + 1 }];
  });
}

it('reduces reported values to their buckets, whatever they are', () => {
  fc.assert(
    fc.property(anyBlock, ({ layerCount, n, cells, buckets }) => {
      const runs = runsOf(buckets);
      const block = { values: toColumn(cells), layerCount, n };
      const results = {
        max: bucketsOf(layerCount, -Infinity),
        min: bucketsOf(layerCount, Infinity),
        mean: bucketsOf(layerCount, 0),
      };
      for (const reduce of ['max', 'min', 'mean'] as const) {
        reduceCells(block, runs, results[reduce], reduce);
      }
      for (let layer = 0; layer < layerCount; layer++) {
        for (let bucket = 0; bucket < BUCKETS; bucket++) {
          const inside: Cell[] = cells
            .slice(layer * n, (layer + 1) * n)
            .filter((_, index) => buckets[index] === bucket);
          const expected = bruteReduce(inside);
          const at = layer * BUCKETS + bucket;
          expect(results.max.values[at]).toBe(expected.max ?? -Infinity);
          expect(results.min.values[at]).toBe(expected.min ?? Infinity);
          const mean = results.mean.sums[at]! / results.mean.finite[at]!;
          if (expected.mean === null) expect(mean).toBeNaN();
          else expect(mean).toBeCloseTo(expected.mean, 6);
          for (const { nonFinite } of Object.values(results)) {
            expect(nonFinite[at]).toBe(expected.nonFiniteCount);
          }
        }
      }
    }),
  );
});

it('copies finite values bit by bit and counts the others', () => {
  const cells: Cell[] = [1, null, -0, NaN, 3, Infinity];
  const buckets = bucketsOf(2, NaN);
  const block = { values: toColumn(cells), layerCount: 2, n: 3 };
  copyCells(block, { bucket: 1, from: 0, end: 2 }, buckets);
  expect([...buckets.values]).toEqual([NaN, 1, NaN, NaN, NaN, 3]);
  expect([...buckets.nonFinite]).toEqual([0, 0, 0, 0, 1, 0]);
  copyCells(block, { bucket: 0, from: 2, end: 3 }, buckets);
  expect(buckets.values[0]).toBe(-0);
  expect([...buckets.nonFinite]).toEqual([0, 0, 0, 1, 1, 0]);
});

it('takes a rollup without finite values for nothing', () => {
  const planes = { values: Float32Array.of(5, NaN, 7, NaN, NaN, 2), layerCount: 2, n: 3 };
  const runs = [
    { bucket: 0, from: 0, end: 2 },
    { bucket: 2, from: 2, end: 3 },
  ];
  const extremes = bucketsOf(2, -Infinity);
  reduceExtremes(planes, runs, extremes, 'max');
  expect([...extremes.values]).toEqual([5, -Infinity, 7, -Infinity, -Infinity, 2]);
  const means = bucketsOf(2, 0);
  reduceMeans(planes, Uint32Array.of(2, 0, 1, 0, 0, 3), runs, means);
  expect([...means.sums]).toEqual([10, 0, 7, 0, 0, 6]);
  expect([...means.finite]).toEqual([2, 0, 1, 0, 0, 3]);
  const alike = bucketsOf(2, 0);
  reduceMeans({ ...planes, values: Float32Array.of(1, 2, 3, 4, 5, 6) }, [1, 2, 3], runs, alike);
  expect([...alike.sums]).toEqual([5, 0, 9, 14, 0, 18]);
});

it('counts what was written and is not finite', () => {
  const values = toColumn([1, null, NaN, 5, -Infinity, -0, null, 8]);
  const nonFinite = new Uint32Array(8);
  const place = { bits: new Int32Array(values.buffer), start: 1, stride: 4 };
  checkCells(place, 2, [0, 1], nonFinite);
  expect([...nonFinite]).toEqual([0, 0, 1, 0, 0, 0, 0, 0]);
  expect([...values.subarray(0, 7)]).toEqual([1, NaN, NaN, 5, -Infinity, -0, NaN]);
});
