import { expect, it } from 'vitest';
import { heatmapReplySchema } from '@/lib/contract/reads';
import { toHeatmapReply } from '@/workers/api/heatmap-reply';

const columns = {
  layerCount: 2,
  columnCount: 2,
  fromStep: Float64Array.of(0, 16),
  toStep: Float64Array.of(15, 31),
  loss: Float32Array.of(1, NaN),
  values: Float32Array.of(4, NaN, 2, 3),
  nonFinite: Uint32Array.of(0, 2, 0, 0),
  scalars: new Map<string, Float64Array>(),
};

it('has a row a layer, null where there is no finite value, and the lowest where both ends were asked for', () => {
  const highest = toHeatmapReply({ metric: 'rms', reduce: 'max' }, columns);
  expect(highest).toEqual({
    ...{ metric: 'rms', reduce: 'max', fromStep: [0, 16], toStep: [15, 31], loss: [1, null] },
    values: [
      [4, null],
      [2, 3],
    ],
    nonFiniteCount: [
      [0, 2],
      [0, 0],
    ],
  });
  const minima = Float32Array.of(-4, NaN, 2, -3);
  const both = toHeatmapReply({ metric: 'rms', reduce: 'extremes' }, { ...columns, minima });
  expect(both).toEqual({
    ...{ ...highest, reduce: 'extremes' },
    minima: [
      [-4, null],
      [2, -3],
    ],
  });
  expect(heatmapReplySchema.parse(both)).toEqual(both);
});
