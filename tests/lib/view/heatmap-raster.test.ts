import { describe, expect, it } from 'vitest';
import { prepareLayerAxis } from '@/lib/view/layer-axis';
import {
  columnExtent,
  findSpecialCells,
  rasteriseHeatmap,
  usualInterval,
  type RasterPlot,
} from '@/lib/view/heatmap-raster';
import { CODE_NON_FINITE, encodeMagnitude } from '@/lib/view/magnitude-code';
import { RunColumns } from '@/lib/view/run-columns';
import { heatmapColumns, type ColumnSpec } from './columns-builder';

/** Colour of a code is the code itself, so that pixels can be read back. */
const colours = {
  table: Uint32Array.from({ length: 65_536 }, (_, code) => code),
  background: 0xaaaaaaaa,
  hatch: 0xbbbbbbbb,
  hatchPeriod: 4,
};

function draw(
  specs: readonly ColumnSpec[],
  plot: Partial<RasterPlot> & { axis: RasterPlot['axis'] },
) {
  const layerCount = specs[0]!.cells.length;
  const columns = new RunColumns(layerCount);
  columns.append(heatmapColumns(specs));
  const layerPixels = plot.layerPixels ?? layerCount;
  const full: RasterPlot = {
    stepPixels: 100,
    layerPixels,
    bands: prepareLayerAxis(layerCount, [], layerPixels, 1).bands,
    layerOfRow: Array.from({ length: layerCount }, (_, layer) => layer),
    orientation: 'steps-right',
    ...plot,
  };
  const target = new Uint32Array(full.stepPixels * full.layerPixels);
  rasteriseHeatmap(columns, full, colours, target);
  return { target, columns, plot: full };
}

const steps = (count: number, cellsOf: (step: number) => readonly (number | null)[]) =>
  Array.from({ length: count }, (_, step) => ({ step, cells: cellsOf(step) }));

describe('the heatmap raster', () => {
  it('shows a one-step spike among ten thousand steps on a hundred pixels', () => {
    const { target } = draw(
      steps(10_000, (step) => [step === 7_777 ? 50 : 1]),
      { axis: { low: -0.5, high: 9_999.5 } },
    );
    expect(target[77]).toBe(encodeMagnitude(50, 0));
    expect(target.filter((code) => code === encodeMagnitude(50, 0))).toHaveLength(1);
    expect(target[76]).toBe(encodeMagnitude(1, 0));
  });

  it('lets a NaN win over the largest value of its pixel', () => {
    const { target } = draw(
      steps(1000, (step) => [step === 505 ? Infinity : 1e30]),
      { axis: { low: -0.5, high: 999.5 } },
    );
    expect(target[50]).toBe(CODE_NON_FINITE);
  });

  it('draws the largest of the layers that share a pixel row', () => {
    const { target } = draw(
      steps(10, () => [1, 2, 9, 3, 4, 5]),
      { axis: { low: -0.5, high: 9.5 }, layerPixels: 2 },
    );
    expect(target[0]).toBe(encodeMagnitude(9, 0));
    expect(target[100]).toBe(encodeMagnitude(5, 0));
  });

  it('fills a zoomed cell edge to edge, without seams', () => {
    const { target } = draw(
      steps(10, (step) => [step + 1]),
      { axis: { low: 2.5, high: 5.5 }, stepPixels: 99 },
    );
    const expected = [3, 4, 5].flatMap((step) =>
      Array.from({ length: 33 }, () => encodeMagnitude(step + 1, 0)),
    );
    expect(Array.from(target)).toEqual(expected);
  });

  it('transposes for the layout of the paper', () => {
    const { target } = draw(
      steps(4, (step) => [10 * (step + 1), 10 * (step + 1) + 1]),
      { axis: { low: -0.5, high: 3.5 }, stepPixels: 4, layerPixels: 2, orientation: 'steps-down' },
    );
    const expected = [10, 11, 20, 21, 30, 31, 40, 41].map((value) => encodeMagnitude(value, 0));
    expect(Array.from(target)).toEqual(expected);
  });

  it('hatches what was not reported between columns and leaves the rest background', () => {
    const { target } = draw(
      [0, 1, 2, 3, 10, 11, 12].map((step) => ({ step, cells: [step === 2 ? null : 1] })),
      { axis: { low: -0.5, high: 19.5 }, stepPixels: 20 },
    );
    const kind = Array.from(target, (pixel) =>
      pixel === colours.background ? ' ' : pixel === colours.hatch ? '/' : 'x',
    ).join('');
    expect(kind).toBe('xx x/   /' + ' xxx       '.slice(0, 11));
  });

  it('hatches up to the edges of a window that lies between columns', () => {
    const { target } = draw(
      [0, 1, 2, 30, 31, 32].map((step) => ({ step, cells: [1] })),
      { axis: { low: 9.5, high: 19.5 }, stepPixels: 20 },
    );
    expect(target.filter((pixel) => pixel === colours.hatch)).toHaveLength(5);
  });

  it('joins columns of a steady cadence and not across missing steps', () => {
    const fromStep = Float64Array.of(0, 10, 20, 50, 60);
    expect(usualInterval(fromStep)).toBe(10);
    expect(columnExtent({ fromStep, toStep: fromStep }, 10, 0)).toEqual([-0.5, 9.5]);
    expect(columnExtent({ fromStep, toStep: fromStep }, 10, 2)).toEqual([19.5, 20.5]);
  });

  it('signs non-finite and zero cells where they are large enough', () => {
    const { columns, plot } = draw([{ step: 0, cells: [Infinity, 0, 5] }], {
      axis: { low: -0.5, high: 0.5 },
      stepPixels: 20,
      layerPixels: 60,
    });
    expect(findSpecialCells(columns, plot, 8)).toEqual([
      { kind: 'non_finite', stepPixel: 10, layerPixel: 10, size: 20 },
      { kind: 'zero', stepPixel: 10, layerPixel: 30, size: 20 },
    ]);
    expect(findSpecialCells(columns, plot, 21)).toEqual([]);
  });
});
