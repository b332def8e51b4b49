import { describe, expect, it } from 'vitest';
import { computeLayerChanges } from '@/lib/view/outlook/layer-changes';
import { heatmapColumns } from '../heatmap/columns-builder';

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

  it('tell who no longer reports a number, who was first at the front', () => {
    const { nonFinite, layerCount } = computeLayerChanges(
      heatmapColumns([
        { step: 7, cells: [1, 1, Infinity, 1, 1] },
        { step: 8, cells: [1, Infinity, Infinity, Infinity, 1] },
        { step: 9, cells: [Infinity, null, Infinity, 1, 1] },
        { step: 10, cells: [Infinity, Infinity, Infinity, 1, null] },
      ]),
    );
    expect(layerCount).toBe(5);
    // Layer 2 had no number in all of this; layer 1 left a step out; layer 3 came back.
    expect(nonFinite).toEqual([
      { layer: 2, sinceStep: null },
      { layer: 1, sinceStep: 8 },
      { layer: 0, sinceStep: 9 },
    ]);
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
