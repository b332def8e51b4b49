import { describe, expect, it } from 'vitest';
import { packBins } from '@/workers/accelerator/pack-bins';
import { packVertices, scaleOf } from '@/workers/accelerator/pack-vertices';
import { histogramOf } from '../../lib/stats/counted';
import { batchOf, randomShapes } from './shape-inputs';

const EDGES = [-4, -2, -1, 0, 1, 2, 4];
const NOTHING = [0, 0, 0, 0, 0, 0];

describe('packVertices', () => {
  it('scales positions to within ±1, heights to shares, and stays at 1 behind the last', () => {
    const { packs, tooWide } = packVertices(
      batchOf([histogramOf(EDGES, [0, 1, 0, 2, 0, 0], [0, 0, 1, 0])]),
    );
    expect(tooWide).toEqual([]);
    const [pack] = packs;
    expect(packs).toHaveLength(1);
    expect(pack).toMatchObject({ rows: [0], rowCount: 1, width: 32 });
    expect([...pack!.last]).toEqual([3]);
    expect([...pack!.x.subarray(0, 4)]).toEqual([-0.5, -0.25, 0, 0.25]);
    expect([...pack!.lo.subarray(0, 5)]).toEqual([0, 0.25, 0.25, 1, 1]);
    expect([...pack!.hi.subarray(0, 5)]).toEqual([0, 0.25, 0.5, 1, 1]);
    expect(pack!.x.subarray(1).every((x, i) => x > pack!.x[i]!)).toBe(true);
  });

  it('leaves rows without a shape out, and fills up to a power of two with rows without mass', () => {
    const row = histogramOf(EDGES, [1, 2, 3, 3, 2, 1]);
    const mostlyBeyond = histogramOf(EDGES, [0, 0, 1, 0, 0, 0], [1, 0, 0, 0]);
    const { packs } = packVertices(
      batchOf([row, histogramOf(EDGES, NOTHING), row, mostlyBeyond, row]),
    );
    expect(packs).toMatchObject([{ rows: [0, 2, 4], rowCount: 4 }]);
    expect([...packs[0]!.hi.subarray(3 * 32)]).toEqual(new Array(32).fill(0));
    expect(packs[0]!.last[3]).toBe(0);
  });

  it('packs rows by their number of vertices, and names those that have too many', () => {
    const { packs, tooWide } = packVertices(randomShapes(3, 700));
    expect([packs.length, tooWide]).toEqual([0, [0, 1, 2]]);
    const wide = randomShapes(1, 40);
    const { packs: byWidth } = packVertices({
      ...wide,
      layerCount: 2,
      counts: Uint32Array.of(...wide.counts, ...new Uint32Array(39), 9),
      outside: new Uint32Array(8),
    });
    expect(byWidth.map(({ width, rows }) => [width, rows])).toEqual([
      [32, [1]],
      [64, [0]],
    ]);
  });

  it('scales by powers of two', () => {
    expect(scaleOf(Float32Array.of(-1, 1))).toBe(1);
    expect(scaleOf(Float32Array.of(-1, 5))).toBe(1 / 8);
    expect(scaleOf(Float32Array.of(-(2 ** -140), 2 ** -141))).toBe(2 ** 140);
    expect(scaleOf(Float32Array.of(0, 0))).toBe(1);
  });
});

describe('packBins', () => {
  it('keeps counts and their sums as they are up to 2^24 values', () => {
    const { packs, hostRows, emptyRows } = packBins(
      batchOf([
        histogramOf(EDGES, [1, 0, 2, 3, 0, 0], [4, 5, 6, 9]),
        histogramOf(EDGES, NOTHING, [1, 2, 3, 0]),
      ]),
    );
    expect([hostRows, emptyRows]).toEqual([[], [1]]);
    expect(packs).toMatchObject([{ rows: [0], totals: [21], rowCount: 2 }]);
    expect([...packs[0]!.counts.subarray(0, 6)]).toEqual([1, 0, 2, 3, 0, 0]);
    expect([...packs[0]!.below.subarray(0, 7)]).toEqual([0, 1, 1, 3, 6, 6, 6]);
    expect([...packs[0]!.atoms.subarray(0, 3)]).toEqual([4, 5, 6]);
    expect([packs[0]!.binnedCount[0], packs[0]!.finiteCount[0]]).toEqual([6, 21]);
    expect(packs[0]!.fifthRoot[0]).toBeCloseTo(6 ** -0.2, 6);
    // What fills up divides nothing by 0.
    expect([packs[0]!.below.at(-1), packs[0]!.binnedCount[1]]).toEqual([1, 1]);
  });

  it('scales more than that by a power of two, unless a sum might be on either side of a quartile', () => {
    const billion = 2 ** 30;
    const { packs, hostRows } = packBins(
      batchOf([
        histogramOf(EDGES, [billion, billion, billion, billion / 2, 0, 0]),
        histogramOf(EDGES, [billion + 1, billion, billion, billion, 0, 0]),
      ]),
    );
    expect(hostRows).toEqual([1]);
    expect(packs[0]!.rows).toEqual([0]);
    expect(
      [...packs[0]!.counts.subarray(0, 4)].map((count) => count / packs[0]!.counts[0]!),
    ).toEqual([1, 1, 1, 0.5]);
    expect(packs[0]!.finiteCount[0]).toBeLessThanOrEqual(2 ** 24);
  });
});
