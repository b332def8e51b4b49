import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { HeatmapColumns } from '@/lib/contract/heatmap-columns';
import { RunColumns } from '@/lib/view/heatmap/run-columns';
import { TileStore } from '@/app/(dashboard)/runs/[runId]/_run/data/tile-store';
import { heatmapColumns } from '../../../lib/view/heatmap/columns-builder';

const LAYERS = 1000;
const PIXELS = 256;
const cells = (value: number) => Array.from({ length: LAYERS }, () => value);
const axisOf = (fromStep: number, toStep: number) => ({ low: fromStep - 0.5, high: toStep + 0.5 });

interface Asked {
  readonly fromStep: number;
  readonly toStep: number;
  readonly signal: AbortSignal;
  readonly answer: (columns: HeatmapColumns) => Promise<void>;
  readonly fail: () => Promise<void>;
}

/** A store over a run of 0…99,999 that is known in buckets of 200 steps, and what it asks for. */
function aStore() {
  const base = new RunColumns(LAYERS);
  base.replace(
    heatmapColumns(
      Array.from({ length: 500 }, (_, i) => ({
        step: i * 200,
        toStep: i * 200 + 199,
        cells: cells(1),
      })),
    ),
  );
  const asked: Asked[] = [];
  const onChange = vi.fn();
  const onFailure = vi.fn();
  const store = new TileStore({
    layerCount: LAYERS,
    layerFactors: null,
    shows: 'highest',
    base: () => base,
    read: ({ fromStep, toStep }, _, signal) =>
      new Promise((resolve, reject) => {
        signal.addEventListener('abort', () => reject(new Error('aborted')));
        const settled = async (act: () => void) => {
          act();
          await vi.advanceTimersByTimeAsync(0);
        };
        asked.push({
          ...{ fromStep, toStep, signal },
          answer: (columns) => settled(() => resolve(columns)),
          fail: () => settled(() => reject(new Error('no answer'))),
        });
      }),
    onChange,
    onFailure,
  });
  const valueAt = (step: number) => {
    const columns = store.columnsAt(step);
    return columns.value(columns.columnAt(step) ?? -1, 0);
  };
  return { base, store, asked, onChange, onFailure, valueAt };
}

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe('the tiles of a run', () => {
  const view = axisOf(51_200, 51_455);

  it('are not asked for where the columns of the whole run are as fine as pixels', async () => {
    const { store, asked, base } = aStore();
    const whole = axisOf(0, 99_999);
    expect(store.pieces(whole, PIXELS)).toEqual([
      { columns: base, low: -Infinity, high: Infinity },
    ]);
    store.want(whole, PIXELS);
    await vi.advanceTimersByTimeAsync(1000);
    expect(asked).toEqual([]);
  });

  it('take the place of coarser columns as they come, the ones in view first', async () => {
    const { store, asked, onChange, valueAt } = aStore();
    store.pieces(view, PIXELS);
    store.want(view, PIXELS);
    expect(valueAt(51_300)).toBe(1);
    await vi.advanceTimersByTimeAsync(60);
    expect(asked.map(({ fromStep }) => fromStep)).toEqual([51_200, 51_456, 50_944]);
    await asked[0]!.answer(heatmapColumns([{ step: 51_300, cells: cells(7) }]));
    expect(onChange).toHaveBeenCalledTimes(1);
    store.pieces(view, PIXELS);
    expect(valueAt(51_300)).toBe(7);
  });

  it('are awaited where they are on their way, beside the view too, and not after a failure', async () => {
    const { store, asked, valueAt } = aStore();
    store.pieces(view, PIXELS);
    store.want(view, PIXELS);
    const awaited = () =>
      [50_900, 50_950, 51_300, 51_500, 51_800].map((step) => store.awaits(step));
    expect(awaited()).toEqual([false, true, true, true, false]);
    await vi.advanceTimersByTimeAsync(60);
    await asked[1]!.answer(heatmapColumns([{ step: 51_500, cells: cells(8) }]));
    await asked[2]!.fail();
    expect(awaited()).toEqual([false, false, true, false, false]);
    // It is read from what is there, whether or not it has been drawn.
    expect(valueAt(51_500)).toBe(8);
  });

  it('are waited for while the view moves, and given up once it has moved on', async () => {
    const { store, asked } = aStore();
    for (let by = 0; by < 5; by++) {
      store.want(axisOf(10_000 + by, 10_255 + by), PIXELS);
      await vi.advanceTimersByTimeAsync(20);
    }
    expect(asked).toEqual([]);
    await vi.advanceTimersByTimeAsync(60);
    const first = asked.slice();
    expect(first.length).toBeGreaterThan(0);
    store.want(view, PIXELS);
    expect(first.every(({ signal }) => signal.aborted)).toBe(true);
  });

  it('are read in a gesture that never rests, too', async () => {
    const { store, asked } = aStore();
    for (let by = 0; by < 30; by++) {
      store.want(axisOf(10_000 + by, 10_255 + by), PIXELS);
      await vi.advanceTimersByTimeAsync(16);
    }
    expect(asked.length).toBeGreaterThan(0);
  });

  it('grow by what comes live, without another read, also into a tile that begins', async () => {
    const { store, asked, base, valueAt } = aStore();
    const tail = axisOf(99_840, 100_095);
    store.pieces(tail, PIXELS);
    store.want(tail, PIXELS);
    await vi.advanceTimersByTimeAsync(60);
    await asked[0]!.answer(heatmapColumns([{ step: 99_999, cells: cells(2) }]));
    for (const read of asked.slice(1))
      await read.answer(heatmapColumns([{ step: 99_839, cells: cells(2) }]));
    const reads = asked.length;
    for (let step = 100_000; step < 100_200; step++) {
      const live = heatmapColumns([{ step, cells: cells(step) }]);
      const before = base.newestStep ?? -1;
      base.append(live);
      store.appendLive(live, before);
      store.pieces(tail, PIXELS);
      store.want(tail, PIXELS);
      await vi.advanceTimersByTimeAsync(100);
    }
    expect(asked).toHaveLength(reads);
    store.pieces(axisOf(99_840, 100_199), PIXELS);
    expect([valueAt(99_999), valueAt(100_050), valueAt(100_199)]).toEqual([2, 100_050, 100_199]);
  });

  it('hold what came live while their read was under way', async () => {
    const { store, asked, base, valueAt } = aStore();
    const tail = axisOf(99_900, 100_155);
    store.want(tail, PIXELS);
    await vi.advanceTimersByTimeAsync(60);
    const live = heatmapColumns([{ step: 100_000, cells: cells(5) }]);
    base.append(live);
    store.appendLive(live, 99_999);
    for (const { fromStep, answer } of asked.slice()) {
      await answer(heatmapColumns([{ step: Math.max(fromStep, 99_900), cells: cells(2) }]));
    }
    store.pieces(tail, PIXELS);
    expect(valueAt(100_000)).toBe(5);
  });

  it('are read again after a gap, and drawn as they are until then', async () => {
    const { store, asked, valueAt } = aStore();
    store.pieces(view, PIXELS);
    store.want(view, PIXELS);
    await vi.advanceTimersByTimeAsync(60);
    for (const { fromStep, answer } of asked.slice()) {
      await answer(heatmapColumns([{ step: fromStep, cells: cells(3) }]));
    }
    const reads = asked.length;
    store.markStale(51_300);
    store.pieces(view, PIXELS);
    expect(valueAt(51_200)).toBe(3);
    expect(asked.length).toBeGreaterThan(reads);
    await asked[reads]!.answer(heatmapColumns([{ step: 51_200, cells: cells(4) }]));
    store.pieces(view, PIXELS);
    expect(valueAt(51_200)).toBe(4);
  });

  it('are asked for again after a failure, which is told', async () => {
    const { store, asked, onFailure } = aStore();
    store.want(view, PIXELS);
    await vi.advanceTimersByTimeAsync(60);
    const reads = asked.length;
    await asked[0]!.fail();
    expect(onFailure).toHaveBeenCalledTimes(1);
    await vi.advanceTimersByTimeAsync(2500);
    expect(asked.length).toBeGreaterThan(reads);
  });

  it('stay within their bytes, however far a person goes', async () => {
    const { store, asked } = aStore();
    for (let from = 0; from < 90_000; from += 700) {
      const axis = axisOf(from, from + 255);
      store.pieces(axis, PIXELS);
      store.want(axis, PIXELS);
      await vi.advanceTimersByTimeAsync(60);
      while (asked.length > 0) {
        await asked.shift()!.answer(heatmapColumns([{ step: from, cells: cells(1) }]));
      }
    }
    expect(store.sizeBytes).toBeLessThanOrEqual(96e6);
    expect(store.sizeBytes).toBeGreaterThan(50e6);
  });
});
