import { describe, expect, it } from 'vitest';
import { colourRamp } from '@/lib/view/colours/colour-ramp';
import {
  drawSpikeRaster,
  magnitudeScale,
  type RasterRequest,
} from '@/lib/view/spikes/spike-raster';

const NON_FINITE = 0xff00ff00;

function draw(rows: readonly (readonly number[])[], over: Partial<RasterRequest> = {}): number[] {
  const columnCount = rows[0]?.length ?? 0;
  const values = Float32Array.from(rows.flat());
  return [
    ...drawSpikeRaster({
      columns: {
        ...{ layerCount: rows.length, columnCount, values },
        fromStep: Float64Array.from({ length: columnCount }, (_, index) => index),
        nonFinite: new Uint32Array(values.length),
      },
      ...{ fromStep: 0, toStep: Math.max(0, columnCount - 1), theme: 'dark' as const },
      scale: magnitudeScale(values, null),
      nonFiniteColour: NON_FINITE,
      ...{ width: columnCount, height: rows.length },
      ...over,
    }),
  ];
}
const ramp = colourRamp('dark', 'above');

describe('the heatmap of a postmortem', () => {
  it('puts every value on its pixel, the smallest darkest and the largest brightest', () => {
    expect(draw([[1, 10, 100]])).toEqual([ramp[0], ramp[128], ramp[255]]);
  });

  it('keeps the largest of the layers and steps that share a pixel', () => {
    expect(
      draw(
        [
          [1, 1],
          [1, 100],
        ],
        { width: 1, height: 1 },
      ),
    ).toEqual([ramp[255]]);
  });

  it('leaves what was not reported empty, and lets a non-finite value win', () => {
    expect(draw([[NaN, 1, 100]])).toEqual([0, ramp[0], ramp[255]]);
    const columns = {
      ...{ layerCount: 1, columnCount: 2, fromStep: Float64Array.of(0, 1) },
      values: Float32Array.of(1, 5),
      nonFinite: Uint32Array.of(0, 1),
    };
    expect(draw([[1, 5]], { columns })[1]).toBe(NON_FINITE);
  });

  it('breaks its hue at the level', () => {
    const below = colourRamp('dark', 'below');
    const scale = magnitudeScale([0.001, 1, 1000], 1);
    expect(draw([[0.001, 1, 1000]], { scale })).toEqual([below[0], ramp[0], ramp[255]]);
  });

  it('colours names by their number', () => {
    const scale = { kind: 'category' as const, colours: [7, 8, 9] };
    expect(draw([[0, 2]], { scale })).toEqual([7, 9]);
  });

  it('holds a column until the next where steps are reported now and then', () => {
    const columns = {
      ...{ layerCount: 1, columnCount: 2, fromStep: Float64Array.of(0, 10) },
      values: Float32Array.of(1, 100),
      nonFinite: new Uint32Array(2),
    };
    const pixels = draw([[1, 100]], { columns, toStep: 19, width: 20 });
    expect(pixels.map((pixel) => pixel === ramp[255])).toEqual(
      Array.from({ length: 20 }, (_, x) => x >= 10),
    );
  });
});
