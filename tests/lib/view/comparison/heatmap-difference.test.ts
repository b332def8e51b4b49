import { describe, expect, it } from 'vitest';
import type { HeatmapColumns } from '@/lib/contract/heatmap-columns';
import { compareHeatmaps, formatAgainst, parseAgainst } from '@/lib/view/comparison/comparison';
import { differenceTable } from '@/lib/view/comparison/difference-table';
import {
  differenceKind,
  matchLayers,
  pairCells,
  pairLayers,
  prepareDifference,
  type DifferenceKind,
  type LayerPairing,
} from '@/lib/view/comparison/heatmap-difference';

/** Columns of `rows[layer][column]`; null is not reported, Infinity not finite. */
function columnsOf(
  steps: readonly (readonly [number, number])[],
  rows: readonly (readonly (number | null)[])[],
): HeatmapColumns {
  const cells = rows.flat();
  return {
    layerCount: rows.length,
    columnCount: steps.length,
    fromStep: Float64Array.from(steps, ([from]) => from),
    toStep: Float64Array.from(steps, ([, to]) => to),
    loss: new Float32Array(steps.length),
    values: Float32Array.from(cells, (value) => (Number.isFinite(value) ? value! : NaN)),
    nonFinite: Uint32Array.from(cells, (value) => (value === Infinity ? 1 : 0)),
    scalars: new Map(),
  };
}
const single = (...steps: number[]) => steps.map((step) => [step, step] as const);
const paired = (...otherLayer: number[]) => ({
  otherLayer: Int32Array.from(otherLayer),
  ownFactor: () => 1,
  otherFactor: () => 1,
});
const differ = (
  own: HeatmapColumns,
  other: HeatmapColumns,
  pairing: LayerPairing,
  kind: DifferenceKind,
) => prepareDifference(pairCells(own, other, pairing), kind);

describe('the difference of two heatmaps', () => {
  it('is a factor in powers of ten where a metric spans decades, an amount elsewhere', () => {
    const own = columnsOf(single(1, 2), [
      [10, 1],
      [0.5, 0],
    ]);
    const other = columnsOf(single(1, 2), [
      [1, 100],
      [0.5, 2],
    ]);
    const decades = differ(own, other, paired(0, 1), 'decades');
    // Column-major: both layers of step 1, then of step 2.
    expect([...decades.values].slice(0, 3)).toEqual([1, 0, -2]);
    // From something to exactly 0 is farther than any scale reaches.
    expect(decades.values[3]).toBeLessThan(-38);
    expect([...differ(own, other, paired(0, 1), 'linear').values]).toEqual([9, 0, -99, -2]);
    expect(differenceKind('log')).toBe('decades');
    expect(differenceKind('fraction')).toBe('linear');
    expect(differenceKind('categorical')).toBeNull();
  });

  it('pairs layers by name and steps by number; without a counterpart there is nothing', () => {
    const own = columnsOf(single(1, 2, 3), [
      [1, 1, 1],
      [4, 4, 4],
    ]);
    const other = columnsOf(single(2, 3, 4), [[2, null, 2]]);
    const layers = matchLayers(['a', 'b'], ['b']);
    expect([...layers]).toEqual([-1, 0]);
    const { codes, values } = differ(own, other, paired(...layers), 'linear');
    expect([...values]).toEqual([NaN, NaN, NaN, 2, NaN, NaN]);
    expect([...codes].filter((code) => code !== 0)).toHaveLength(1);
  });

  it('holds a bucket against the same steps, not against one of them', () => {
    const own = columnsOf(single(0, 1, 2, 3), [[1, 8, 1, 1]]);
    const other = columnsOf(
      [
        [0, 1],
        [2, 3],
      ],
      [[4, 1]],
    );
    const { toStep, values } = differ(own, other, paired(0), 'linear');
    expect([...toStep]).toEqual([1, 3]);
    expect([...values]).toEqual([4, 0]);
  });

  it('shows what was not finite on either side', () => {
    const own = columnsOf(single(1, 2), [[Infinity, 1]]);
    const other = columnsOf(single(1, 2), [[1, Infinity]]);
    const { codes } = differ(own, other, paired(0), 'decades');
    expect([...codes]).toEqual([0xffff, 0xffff]);
  });
});

describe('the table of a difference', () => {
  const layers = [
    { index: 1, name: 'b' },
    { index: 0, name: 'a' },
  ];
  const rowsOf = (...args: Parameters<typeof differenceTable>) => {
    const table = differenceTable(...args);
    const names = table.columns.map(({ name }) => name);
    const rows = Array.from({ length: table.rowCount }, (_, row) =>
      names.map((_name, column) => table.cell(row, column)),
    );
    return { names, rows };
  };
  const all = { fromStep: 0, toStep: 9 };

  it('has both values beside what they differ by, in the order of the picture', () => {
    const own = columnsOf(single(1, 2, 3), [
      [10, 0.01, 5],
      [0.5, 0, Infinity],
    ]);
    const other = columnsOf(single(1, 2, 3), [
      [1, 0.1, null],
      [0.5, 2, 1],
    ]);
    const pair = pairCells(own, other, paired(0, 1));
    const { names, rows } = rowsOf('Norms', pair, 'decades', 'attempt 1', layers, all);
    expect(names).toEqual([
      ...['from_step', 'to_step'],
      ...['b', 'b (attempt 1)', 'b (log10 of the ratio)'],
      ...['a', 'a (attempt 1)', 'a (log10 of the ratio)'],
    ]);
    expect(rows).toEqual([
      [1, 1, 0.5, 0.5, 0, 10, 1, 1],
      [2, 2, 0, 2, -Infinity, 0.01, 0.1, -1],
      [3, 3, NaN, 1, NaN, 5, null, null],
    ]);
    const amounts = rowsOf('Norms', pair, 'linear', 'B', layers.slice(1), {
      fromStep: 1,
      toStep: 1,
    });
    expect(amounts.names.at(-1)).toBe('a (difference)');
    expect(amounts.rows).toEqual([[1, 1, 10, 1, 9]]);
  });

  it('divides each side by √n of its own layer', () => {
    const sized = (name: string, parameterCount: number) => ({ name, parameterCount });
    const pairing = pairLayers([sized('a', 4)], [sized('x', 1), sized('a', 100)], true);
    const other = columnsOf(single(1), [[7], [50]]);
    const pair = pairCells(columnsOf(single(1), [[6]]), other, pairing);
    expect(rowsOf('', pair, 'linear', 'B', [{ index: 0, name: 'a' }], all).rows).toEqual([
      [1, 1, 3, 5, -2],
    ]);
    expect([...prepareDifference(pair, 'linear').values]).toEqual([-2]);
  });
});

describe('a comparison', () => {
  const one = columnsOf(single(5, 6), [[1, 2]]);

  it('answers for the step under the crosshair', () => {
    const other = columnsOf(single(5, 6), [[10, 2]]);
    const found = compareHeatmaps(one, other, paired(0), 'decades', 'attempt 1');
    expect(found.kind).toBe('cells');
    if (found.kind !== 'cells') return;
    expect(found.cells.valueAt(5, 0)).toBe(-1);
    expect(found.cells.valueAt(6, 0)).toBe(0);
    expect(found.cells.valueAt(7, 0)).toBeNaN();
  });

  it('says in words why there is none', () => {
    const elsewhere = columnsOf(single(90, 91), [[1, 2]]);
    const reason = (...args: Parameters<typeof compareHeatmaps>) => {
      const found = compareHeatmaps(...args);
      return found.kind === 'none' ? found.reason : null;
    };
    expect(reason(one, one, paired(-1), 'decades', 'tall')).toBe(
      'No layer of tall has the name of one of this run.',
    );
    expect(reason(one, columnsOf([], [[]]), paired(0), 'decades', 'attempt 1')).toBe(
      'Attempt 1 reported none of these steps.',
    );
    expect(reason(one, elsewhere, paired(0), 'decades', 'attempt 1')).toContain('90–91');
  });

  it('is held by the URL', () => {
    for (const text of ['attempt:2', 'run:C_stale.v-1']) {
      expect(formatAgainst(parseAgainst(text)!)).toBe(text);
    }
    expect(parseAgainst('run:a b')).toBeNull();
    expect(parseAgainst(null)).toBeNull();
  });
});
