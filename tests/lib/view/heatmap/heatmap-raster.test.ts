import { describe, expect, it } from 'vitest';
import { prepareLayerAxis } from '@/lib/view/axes/layer-axis';
import { gatherCodes, type HeatmapCodes } from '@/lib/view/heatmap/heatmap-codes';
import { paintHeatmap, type RasterColours } from '@/lib/view/heatmap/heatmap-raster';
import {
  choosePieces,
  chooseTileLevel,
  stepsOfTile,
  tileGrid,
  tilesInView,
} from '@/lib/view/heatmap/heatmap-tiles';
import { CODE_NON_FINITE, encodeMagnitude } from '@/lib/view/colours/magnitude-code';
import {
  columnExtent,
  usualInterval,
  wholeAxis,
  type RasterPiece,
  type RasterPlot,
} from '@/lib/view/heatmap/raster-columns';
import { RunColumns } from '@/lib/view/heatmap/run-columns';
import { findSpecialCells } from '@/lib/view/heatmap/special-cells';
import { heatmapColumns, type ColumnSpec } from './columns-builder';

/** Colour of a code is the code itself, so that pixels can be read back. */
const colours = {
  table: Uint32Array.from({ length: 65_536 }, (_, code) => code),
  background: 0xaaaaaaaa,
  hatch: 0xbbbbbbbb,
  hatchPeriod: 4,
};

function rasterise(
  pieces: readonly RasterPiece[],
  plot: RasterPlot,
  target: Uint32Array,
  held: HeatmapCodes | null = null,
): HeatmapCodes {
  const codes = gatherCodes(pieces, plot, held);
  paintHeatmap(codes, colours, target);
  return codes;
}

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
  rasterise(wholeAxis(columns), full, target);
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
    expect(findSpecialCells(wholeAxis(columns), plot, 8)).toEqual([
      { kind: 'non_finite', stepPixel: 10, layerPixel: 10, size: 20 },
      { kind: 'zero', stepPixel: 10, layerPixel: 30, size: 20 },
    ]);
    expect(findSpecialCells(wholeAxis(columns), plot, 21)).toEqual([]);
  });

  it('draws each part of the axis from its own columns, without seams between them', () => {
    const coarse = new RunColumns(1);
    coarse.append(
      heatmapColumns([0, 4, 8, 12].map((step) => ({ step, toStep: step + 3, cells: [step + 3] }))),
    );
    const fine = new RunColumns(1);
    // Reported every second step only: the tile ends where the next piece begins.
    fine.append(heatmapColumns([4, 6].map((step) => ({ step, cells: [100 + step] }))));
    const pieces = [
      { columns: coarse, low: -Infinity, high: 3.5 },
      { columns: fine, low: 3.5, high: 7.5 },
      { columns: coarse, low: 7.5, high: Infinity },
    ];
    const plot: RasterPlot = {
      axis: { low: -0.5, high: 15.5 },
      stepPixels: 16,
      layerPixels: 1,
      bands: prepareLayerAxis(1, [], 1, 1).bands,
      layerOfRow: [0],
      orientation: 'steps-right',
    };
    const target = new Uint32Array(16);
    rasterise(pieces, plot, target);
    const expected = [3, 3, 3, 3, 104, 104, 106, 106, 11, 11, 11, 11, 15, 15, 15, 15];
    expect(Array.from(target)).toEqual(expected.map((value) => encodeMagnitude(value, 0)));
  });

  it('shows a one-step extreme in tiles of every level, at every zoom and either way round', () => {
    const [stepCount, spike] = [40_000, 24_721];
    const valueAt = (step: number) => (step === spike ? 50 : 1);
    const columnsOf = (from: number, to: number, width: number) => {
      const columns = new RunColumns(1);
      const starts = Array.from(
        { length: Math.ceil((to - from) / width) },
        (_, i) => from + i * width,
      );
      columns.replace(
        heatmapColumns(
          starts.map((step) => {
            const last = Math.min(to, step + width) - 1;
            const holdsSpike = step <= spike && spike <= last;
            return { step, toStep: last, cells: [valueAt(holdsSpike ? spike : step)] };
          }),
        ),
      );
      return columns;
    };
    const grid = tileGrid(1);
    const run = { fromStep: 0, toStep: stepCount - 1 };
    const base = columnsOf(0, stepCount, 160);
    for (let zoom = 0; zoom < 20; zoom++) {
      const span = Math.max(9, Math.round(stepCount * 0.65 ** zoom));
      const low = Math.max(0, Math.min(stepCount - span, spike - Math.floor(span * 0.37))) - 0.5;
      const axis = { low, high: low + span };
      const level = chooseTileLevel(grid, axis, 300);
      const inView = tilesInView(grid, axis, level, run);
      // Every second tile is still on its way.
      const pieces = choosePieces(grid, inView, base, ({ level, index }) => {
        if (index % 2 === zoom % 2) return null;
        const { fromStep, toStep } = stepsOfTile(grid, { level, index });
        return fromStep >= stepCount
          ? null
          : columnsOf(fromStep, Math.min(stepCount, toStep + 1), 2 ** level);
      });
      for (const orientation of ['steps-right', 'steps-down'] as const) {
        const plot: RasterPlot = {
          ...{ axis, stepPixels: 300, layerPixels: 1, layerOfRow: [0], orientation },
          bands: prepareLayerAxis(1, [], 1, 1).bands,
        };
        const target = new Uint32Array(300);
        rasterise(pieces, plot, target);
        const pixel = Math.floor(((spike - axis.low) / span) * 300);
        // A bucket across the edge of two pixels is drawn on the first.
        const there = target.slice(Math.max(0, pixel - 1), pixel + 1);
        expect(there.includes(encodeMagnitude(50, 0)), `${zoom} ${orientation}`).toBe(true);
        expect(target.includes(encodeMagnitude(1, 0))).toBe(true);
        expect(target.some((code) => code === colours.hatch || code === colours.background)).toBe(
          false,
        );
      }
    }
  });

  it.each(['steps-right', 'steps-down'] as const)(
    'has the same pixels in other colours as if it were drawn in them: %s',
    (orientation) => {
      const cells = [0, 1, 2, 3, 9, 10].map((step) => ({
        step,
        cells: [step === 2 ? null : step + 1, step === 1 ? Infinity : 0, -step],
      }));
      const { columns, plot, target } = draw(cells, {
        axis: { low: -2.5, high: 12.5 },
        orientation,
        layerPixels: 40,
      });
      const others: RasterColours = {
        ...colours,
        table: colours.table.map((_, code) => (code === 0 ? 0 : 0xffff0000 + code)),
      };
      const codes = gatherCodes(wholeAxis(columns), plot);
      const recoloured = target.slice();
      paintHeatmap(codes, others, recoloured);
      const expected = target.map((pixel) =>
        pixel === colours.background || pixel === colours.hatch ? pixel : 0xffff0000 + pixel,
      );
      expect(Array.from(recoloured)).toEqual(Array.from(expected));
      expect(new Set(recoloured).has(colours.hatch >>> 0)).toBe(true);
      paintHeatmap(codes, colours, recoloured);
      expect(Array.from(recoloured)).toEqual(Array.from(target));
    },
  );

  it.each(['steps-right', 'steps-down'] as const)(
    'leaves nothing of an earlier picture in the memory it takes over: %s',
    (orientation) => {
      const plot = { axis: { low: -0.5, high: 9.5 }, stepPixels: 40, orientation };
      const full = draw(
        steps(10, (step) => [50 + step, 7]),
        plot,
      );
      const held = gatherCodes(wholeAxis(full.columns), full.plot);
      const fewer = draw(
        [3, 4].map((step) => ({ step, cells: [step, null] })),
        plot,
      );
      const target = new Uint32Array(fewer.target.length);
      const taken = rasterise(wholeAxis(fewer.columns), fewer.plot, target, held);
      expect(taken.codes).toBe(held.codes);
      expect(Array.from(target)).toEqual(Array.from(fewer.target));
    },
  );
});
