import { describe, expect, it } from 'vitest';
import { computeLayerChanges } from '@/lib/view/layer-changes';
import { heatmapColumns } from './columns-builder';

const history = (count: number, last: readonly (number | null)[]) =>
  heatmapColumns([
    ...Array.from({ length: count }, (_, step) => ({ step, cells: [1, 2 + (step % 3), 5] })),
    { step: count, cells: last },
  ]);

describe('layer changes', () => {
  it('rank by distance from the own median, up and down alike', () => {
    const changes = computeLayerChanges(history(64, [10, 3, 0.05]));
    expect(
      changes.items.map(({ layer, factor }) => [layer, Math.round(factor * 1000) / 1000]),
    ).toEqual([
      [2, 0.01],
      [0, 10],
      [1, 1],
    ]);
    expect(changes.tenfoldCount).toBe(1);
    expect(changes.items[0]!.recent).toHaveLength(60);
  });

  it('use the last 64 steps alone', () => {
    const changes = computeLayerChanges(history(200, [1, 3, 5]));
    expect(changes.historySteps).toBe(64);
  });

  it('leave out layers whose newest value is not finite', () => {
    const changes = computeLayerChanges(history(20, [Infinity, null, 5]));
    expect(changes.items.map(({ layer }) => layer)).toEqual([2]);
  });

  it('say how much history there is when it is too little to rank', () => {
    expect(computeLayerChanges(history(7, [9, 9, 9]))).toMatchObject({
      items: [],
      historySteps: 7,
      newestStep: 7,
    });
    expect(computeLayerChanges(heatmapColumns([]))).toMatchObject({ items: [], newestStep: null });
  });
});
