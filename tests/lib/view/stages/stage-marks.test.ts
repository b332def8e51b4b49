import { describe, expect, it } from 'vitest';
import { STAGE_NAMES, STAGES_BY_SEVERITY, type StageName } from '@/lib/contract/stages';
import { packHex } from '@/lib/view/colours/colour-ramp';
import { prepareLayerAxis } from '@/lib/view/axes/layer-axis';
import { encodeMagnitude } from '@/lib/view/colours/magnitude-code';
import { moverMarks, placeMovers } from '@/lib/view/heatmap/mover-marks';
import { rasteriseStageMarks, worstStages } from '@/lib/view/stages/stage-marks';
import type { Spike } from '@/lib/contract/reads';
import { STAGE_COLOURS } from '@/app/_design/canvas-colours';

/** One stage a layer and step, in columns of single steps. */
function stagesOf(rows: readonly (readonly StageName[])[]) {
  const stepCount = rows[0]?.length ?? 0;
  const codes = new Uint16Array(stepCount * rows.length);
  rows.forEach((row, layer) =>
    row.forEach((name, step) => {
      codes[step * rows.length + layer] = encodeMagnitude(STAGE_NAMES.indexOf(name), 0);
    }),
  );
  const steps = Float64Array.from({ length: stepCount }, (_, step) => step);
  return { fromStep: steps, toStep: steps, layerCount: rows.length, codes };
}
function plotOf(stepCount: number, stepPixels: number, layerCount: number, layerPixels: number) {
  const layerAxis = prepareLayerAxis(layerCount, [], layerPixels, 1);
  return {
    axis: { low: -0.5, high: stepCount - 0.5 },
    stepPixels,
    layerPixels: layerAxis.length,
    bands: layerAxis.bands,
    layerOfRow: Array.from({ length: layerCount }, (_, layer) => layer),
    orientation: 'steps-right' as const,
  };
}
const quiet = (count: number): StageName[] => Array.from({ length: count }, () => 'healthy');

describe('stages over the cells', () => {
  it('keep one step of one layer among thousands, the worst where several share a pixel', () => {
    const rows = Array.from({ length: 300 }, () => quiet(4000));
    rows[151]![2003] = 'trigger';
    rows[152]![2002] = 'recovering';
    const plot = plotOf(4000, 400, 300, 100);
    const marked = [...worstStages(stagesOf(rows), plot)].filter((severity) => severity > 0);
    expect(Math.max(...marked)).toBe(STAGES_BY_SEVERITY.indexOf('trigger'));
    expect(marked).toHaveLength(1);
  });

  it('leave the ordinary and most of every cell to the values', () => {
    const rows = [quiet(10), [...quiet(5), ...Array.from({ length: 5 }, () => 'armed' as const)]];
    const plot = plotOf(10, 100, 2, 40);
    const target = new Uint32Array(100 * plot.layerPixels);
    rasteriseStageMarks(stagesOf(rows), plot, STAGE_COLOURS.dark, packHex('#0f1113'), target);
    const armed = packHex(STAGE_COLOURS.dark.byLetter['a']!);
    const at = (pixel: number, across: number) => target[across * 100 + pixel];
    expect([...target.subarray(0, 20 * 100)].every((pixel) => pixel === 0)).toBe(true);
    // Where it begins a tick over the whole row, from then on a line along its lower edge.
    expect(at(50, 20)).toBe(armed);
    expect(at(70, 39)).toBe(armed);
    expect(at(70, 24)).toBe(0);
    expect(at(49, 39)).toBe(0);
  });

  it('are dots where rows are too low for a line', () => {
    const rows = Array.from({ length: 30 }, () => [...quiet(5), 'explosion' as const, ...quiet(4)]);
    const plot = plotOf(10, 100, 30, 60);
    const target = new Uint32Array(100 * plot.layerPixels);
    rasteriseStageMarks(stagesOf(rows), plot, STAGE_COLOURS.light, 1, target);
    const painted = [...target].filter((pixel) => pixel !== 0).length;
    expect(painted).toBeGreaterThan(0.25 * 10 * 60);
    expect(painted).toBeLessThan(0.45 * 10 * 60);
  });
});

describe('first movers over the cells', () => {
  const spike = (onsetStep: number, movers: readonly (readonly [number, number])[]) =>
    ({
      kind: 'loss_spike',
      onsetStep,
      firstMovers: movers.map(([layer, step]) => ({
        layer,
        step,
        metric: 'rms',
        leadSteps: onsetStep - step,
        z: 9,
      })),
    }) as unknown as Spike;

  it('are each layer where it first moved; the earliest of a spike are told apart', () => {
    const marks = moverMarks([
      spike(20, [
        [4, 19],
        [1, 17],
        [4, 18],
      ]),
      { ...spike(30, [[2, 29]]), kind: 'rms_spike' },
    ]);
    expect(marks).toEqual([
      { layer: 4, step: 18, isFirst: false },
      { layer: 1, step: 17, isFirst: true },
    ]);
  });

  it('stand in the middle of their cells, and one for those that would lie on each other', () => {
    const layerAxis = prepareLayerAxis(100, [], 100, 1);
    const rows = Array.from({ length: 100 }, (_, i) => i);
    const movers = rows.map((layer) => ({ layer, step: 50, isFirst: layer === 7 }));
    const placed = placeMovers(movers, { low: -0.5, high: 99.5 }, 200, layerAxis, rows);
    expect(placed.length).toBeLessThan(40);
    expect(placed.filter(({ isFirst }) => isFirst)).toEqual([
      { along: 101, across: 7.5, rowPixels: 1, isFirst: true },
    ]);
    expect(placeMovers(movers, { low: 60, high: 99 }, 200, layerAxis, rows)).toEqual([]);
  });
});
