import { describe, expect, it } from 'vitest';
import { countCodes, fitColourScale } from '@/lib/view/colours/colour-scale';
import { bakeColourTable } from '@/lib/view/colours/colour-table';
import {
  codeTurn,
  COLUMN_SHOWS,
  describeBlue,
  nameOfColumn,
  turnByCode,
  turnCode,
  zeroCodeOf,
} from '@/lib/view/colours/column-shows';
import { gatherCodes } from '@/lib/view/heatmap/heatmap-codes';
import { CODE_MISSING, CODE_NON_FINITE, encodeMagnitude } from '@/lib/view/colours/magnitude-code';
import { wholeAxis } from '@/lib/view/heatmap/raster-columns';
import { RunColumns } from '@/lib/view/heatmap/run-columns';
import { findSpecialCells } from '@/lib/view/heatmap/special-cells';
import { stepAxis } from '@/lib/view/axes/step-axis';
import { heatmapColumns } from '../heatmap/columns-builder';

const lowest = codeTurn('lowest');
const turned = (value: number, nonFinite = 0) =>
  turnCode(encodeMagnitude(value, nonFinite), lowest);

describe('a code that is turned round', () => {
  it('is the larger, the lower its value, zero and negative values among them', () => {
    const descending = [3e38, 1, 1e-3, 1e-9, 1e-45, 0, -1e-45, -1e-9, -1, -3e38];
    const codes = descending.map((value) => turned(value));
    expect(codes).toEqual(codes.toSorted((a, b) => a - b));
  });

  it('leaves missing below all of them and not finite above', () => {
    expect(turned(NaN)).toBe(CODE_MISSING);
    expect(turned(NaN, 1)).toBe(CODE_NON_FINITE);
    expect(turned(-3e38)).toBeLessThan(CODE_NON_FINITE);
    expect(turned(3e38)).toBeGreaterThan(CODE_MISSING);
  });

  it('is as it was after two turns, and never turned where the highest are shown', () => {
    for (const code of [0, 1, 0x7fff, 0x8000, 0xfffe, 0xffff]) {
      expect(turnCode(turnCode(code, lowest), lowest)).toBe(code);
      expect(turnCode(code, codeTurn('highest'))).toBe(code);
    }
  });
});

/** A run of one layer whose steps 0…999 are 1, but for one step of 1e−9, one of 50 and one that is not finite. */
function aRunWithADip() {
  return heatmapColumns(
    Array.from({ length: 1000 }, (_, step) => ({
      step,
      cells: [step === 400 ? 1e-9 : step === 700 ? 50 : step === 900 ? Infinity : 1],
    })),
  );
}

function pixelsOf(shows: 'highest' | 'lowest') {
  const columns = new RunColumns(1, null, 1, shows);
  columns.replace(aRunWithADip());
  const bands = [{ start: 0, end: 10, firstRow: 0, endRow: 1 }];
  const axis = stepAxis(0, 999, null, false, null);
  const plot = { axis, stepPixels: 10, layerPixels: 10, bands, layerOfRow: [0] };
  const pieces = wholeAxis(columns);
  const { codes } = gatherCodes(pieces, { ...plot, orientation: 'steps-right' });
  return [...codes].map((code) => turnCode(code, codeTurn(shows)));
}

describe('a hundred steps on a pixel', () => {
  it('show a dip of one step among their lowest, which their highest hide', () => {
    const [one, dip] = [encodeMagnitude(1, 0), encodeMagnitude(1e-9, 0)];
    expect(pixelsOf('lowest')[4]).toBe(dip);
    expect(pixelsOf('highest')[4]).toBe(one);
    expect(pixelsOf('lowest')[7]).toBe(one);
    expect(pixelsOf('highest')[7]).toBe(encodeMagnitude(50, 0));
  });

  it('show what is not finite either way', () => {
    for (const shows of COLUMN_SHOWS) expect(pixelsOf(shows)[9]).toBe(CODE_NON_FINITE);
  });
});

describe('columns that show their lowest', () => {
  it('keep it when steps come one by one into a bucket, and when neighbours are merged', () => {
    const columns = new RunColumns(1, null, 4, 'lowest');
    columns.append(
      heatmapColumns([5, 2, 3, 9, 8, 7, 6, 4].map((cell, step) => ({ step, cells: [cell] }))),
    );
    expect([columns.value(0, 0), columns.value(1, 0)]).toEqual([2, 4]);
    columns.compact(1);
    expect(columns.value(0, 0)).toBe(2);
  });

  it('are fitted, counted and coloured by their values, as the others are', () => {
    const cells = heatmapColumns([1, 2, 5, 10, 0].map((cell, step) => ({ step, cells: [cell] })));
    const [high, low] = COLUMN_SHOWS.map((shows) => {
      const columns = new RunColumns(1, null, 1, shows);
      columns.replace(cells);
      const scale = fitColourScale(columns.codes, 'log', null, shows);
      const table = turnByCode(bakeColourTable(scale, 'dark', '#ff00ff'), shows);
      return {
        scale,
        counts: countCodes(columns.codes, shows),
        colours: [...columns.codes].map((code) => table[code]),
      };
    });
    expect(low).toEqual(high);
    expect(new Set(low?.colours).size).toBe(5);
  });

  it('have a sign on an exact zero and on what is not finite, and on nothing else', () => {
    const columns = new RunColumns(1, null, 1, 'lowest');
    columns.replace(
      heatmapColumns([0, 1, Infinity, -1].map((cell, step) => ({ step, cells: [cell] }))),
    );
    expect(columns.codes[0]).toBe(zeroCodeOf('lowest'));
    const plot = {
      axis: stepAxis(0, 3, null, false, null),
      stepPixels: 80,
      layerPixels: 20,
      bands: [{ start: 0, end: 20, firstRow: 0, endRow: 1 }],
      layerOfRow: [0],
      orientation: 'steps-right' as const,
    };
    expect(findSpecialCells(wholeAxis(columns), plot, 10).map(({ kind }) => kind)).toEqual([
      'zero',
      'non_finite',
    ]);
  });
});

describe('the words for it', () => {
  it('say which of its steps a column speaks of, where it has several', () => {
    expect(nameOfColumn('gradient norm', 'lowest', true)).toBe('lowest gradient norm');
    expect(nameOfColumn('gradient norm', 'highest', true)).toBe('highest gradient norm');
    expect(nameOfColumn('gradient norm', 'lowest', false)).toBe('gradient norm');
  });

  it('say how much of a column is below the level where it is blue', () => {
    expect(describeBlue('ε', 'highest', false)).toBe('below ε is blue');
    expect(describeBlue('ε', 'highest', true)).toBe('below ε in every step is blue');
    expect(describeBlue('ε', 'lowest', true)).toBe('below ε in any step is blue');
  });
});
