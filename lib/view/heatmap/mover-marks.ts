import type { Spike } from '../../contract/reads';
import type { LayerAxis } from '../axes/layer-axis';
import { bandOfRow } from '../axes/layer-axis';
import { pixelOfStep, type StepAxis } from '../axes/step-axis';

/** A layer that left its baseline before a loss spike, and where. */
export interface MoverMark {
  readonly step: number;
  readonly layer: number;
  /** It was the first of its spike, alone or with others of the same step. */
  readonly isFirst: boolean;
}

/** Each layer once a spike, at the step where it first moved. */
export function moverMarks(spikes: readonly Spike[]): MoverMark[] {
  return spikes
    .filter(({ kind }) => kind === 'loss_spike')
    .flatMap(({ firstMovers }) => {
      const steps = new Map<number, number>();
      for (const { layer, step } of firstMovers) {
        steps.set(layer, Math.min(step, steps.get(layer) ?? step));
      }
      const earliest = Math.min(...steps.values());
      return Array.from(steps, ([layer, step]) => ({ layer, step, isFirst: step === earliest }));
    });
}

/** A mark on the picture, in device pixels along the steps and across the layers. */
export interface PlacedMover {
  readonly along: number;
  readonly across: number;
  /** Of the row, or of the rows that share one. */
  readonly rowPixels: number;
  readonly isFirst: boolean;
}

/** Marks nearer than this are one: a first mover stays rather than another. Device pixels. */
const LEAST_DISTANCE = 4;

/** The marks in sight, none on another. */
export function placeMovers(
  movers: readonly MoverMark[],
  axis: StepAxis,
  stepPixels: number,
  layerAxis: LayerAxis,
  layerOfRow: readonly number[],
): PlacedMover[] {
  const taken = new Set<string>();
  return [...movers]
    .sort((a, b) => Number(b.isFirst) - Number(a.isFirst))
    .flatMap(({ step, layer, isFirst }) => {
      const row = layerOfRow.indexOf(layer);
      const band = row === -1 ? null : bandOfRow(layerAxis, row);
      if (band === null || step < axis.low || step > axis.high) return [];
      const along = pixelOfStep(axis, stepPixels, step);
      const across = (band.start + band.end) / 2;
      const key = `${Math.floor(along / LEAST_DISTANCE)} ${Math.floor(across / LEAST_DISTANCE)}`;
      if (taken.has(key)) return [];
      taken.add(key);
      return [{ along, across, rowPixels: band.end - band.start, isFirst }];
    });
}
