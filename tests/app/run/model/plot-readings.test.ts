import { describe, expect, it } from 'vitest';
import { RunColumns, type FinerColumns } from '@/lib/view/heatmap/run-columns';
import {
  lossOf,
  nearestStepOf,
  stepBeside,
} from '@/app/(dashboard)/runs/[runId]/_run/model/plot-readings';
import { heatmapColumns } from '../../../lib/view/heatmap/columns-builder';

/** One layer; columns of so many steps each, of which the last is reported. */
function columnsOf(from: number, to: number, width: number, loss = 1): RunColumns {
  const columns = new RunColumns(1);
  columns.replace(
    heatmapColumns(
      Array.from({ length: Math.ceil((to - from + 1) / width) }, (_, i) => {
        const step = from + i * width;
        return { step, toStep: step + width - 1, cells: [1], loss };
      }),
    ),
  );
  return columns;
}

/** A run of 0…999 in columns of 100, and step by step where tiles of 100 steps are there. */
function aZoomedRun() {
  const columns = columnsOf(0, 999, 100);
  const tiles = new Map<number, RunColumns | 'awaited'>();
  const tileOf = (step: number) => tiles.get(Math.floor(step / 100));
  const finer: FinerColumns = {
    pieces: () => [],
    want: () => undefined,
    lacks: () => false,
    columnsAt: (step) => {
      const tile = tileOf(step);
      return tile === undefined || tile === 'awaited' ? columns : tile;
    },
    awaits: (step) => tileOf(step) === 'awaited',
  };
  columns.finer = finer;
  const arrive = (index: number, width = 1) =>
    tiles.set(index, columnsOf(index * 100, index * 100 + 99, width, 2));
  return { columns, tiles, arrive };
}

describe('the step beside another', () => {
  it('is that of the next column, and the last one at either end of the run', () => {
    const columns = columnsOf(10, 59, 10);
    expect(stepBeside(columns, 19, 2)).toEqual({ step: 39, left: 0 });
    expect(stepBeside(columns, 19, 9)).toEqual({ step: 59, left: 0 });
    expect(stepBeside(columns, 39, -9)).toEqual({ step: 19, left: 0 });
    expect(stepBeside(new RunColumns(1), 5, 3)).toEqual({ step: 5, left: 0 });
  });

  it('goes from finer columns to those beside them, finer or not', () => {
    const { columns, arrive } = aZoomedRun();
    arrive(3);
    arrive(4, 10);
    expect(stepBeside(columns, 398, 3)).toEqual({ step: 419, left: 0 });
    expect(stepBeside(columns, 301, -3)).toEqual({ step: 199, left: 0 });
  });

  it('waits for finer columns that are on their way rather than leap by coarser ones', () => {
    const { columns, tiles, arrive } = aZoomedRun();
    tiles.set(3, 'awaited');
    expect(stepBeside(columns, 345, 3)).toEqual({ step: 345, left: 3 });
    arrive(3);
    expect(stepBeside(columns, 345, 3)).toEqual({ step: 348, left: 0 });
    tiles.set(4, 'awaited');
    expect(stepBeside(columns, 398, 10)).toEqual({ step: 399, left: 9 });
    tiles.set(2, 'awaited');
    expect(stepBeside(columns, 301, -10)).toEqual({ step: 300, left: -9 });
  });

  it('goes by coarser ones where nothing finer is on its way', () => {
    const { columns } = aZoomedRun();
    expect(stepBeside(columns, 345, 1)).toEqual({ step: 499, left: 0 });
  });
});

describe('readings of a step', () => {
  it('come from the finest columns that are there', () => {
    const { columns, arrive } = aZoomedRun();
    expect(lossOf({ columns, isPerplexity: false }, 345)).toBe(1);
    expect(nearestStepOf({ columns })(345.4)).toBe(345.4);
    arrive(3);
    expect(lossOf({ columns, isPerplexity: false }, 345)).toBe(2);
    expect(lossOf({ columns, isPerplexity: true }, 345)).toBe(Math.exp(2));
    expect(nearestStepOf({ columns })(345.4)).toBe(345);
    expect(lossOf({ columns, isPerplexity: false }, 2000)).toBeNull();
  });
});
