import type { MetricScale } from '../../contract/standard-metrics';
import { formatStep } from '../text/format-number';
import {
  pairCells,
  prepareDifference,
  type DifferenceColumns,
  type DifferenceKind,
  type LayerPairing,
} from './heatmap-difference';
import type { HeatmapColumns } from '../../contract/heatmap-columns';
import { CODE_MISSING } from '../colours/magnitude-code';

/** What a heatmap is held against. */
export type Against =
  | { readonly kind: 'attempt'; readonly attempt: number }
  | { readonly kind: 'run'; readonly runId: string };

/** "attempt:1" and "run:<id>", as the URL holds them; null for anything else. */
export function parseAgainst(text: string | null): Against | null {
  const attempt = /^attempt:(\d{1,9})$/.exec(text ?? '');
  if (attempt !== null) return { kind: 'attempt', attempt: Number(attempt[1]) };
  const run = /^run:([A-Za-z0-9._-]{1,128})$/.exec(text ?? '');
  return run === null ? null : { kind: 'run', runId: run[1] ?? '' };
}

export function formatAgainst(against: Against): string {
  return against.kind === 'attempt' ? `attempt:${against.attempt}` : `run:${against.runId}`;
}

/** Columns of differences as a heatmap draws them: made once, never changed. */
export class DifferenceCells implements DifferenceColumns {
  readonly kind: DifferenceKind;
  readonly layerCount: number;
  readonly columnCount: number;
  readonly fromStep: Float64Array;
  readonly toStep: Float64Array;
  readonly codes: Uint16Array;
  readonly values: Float32Array;
  readonly version = 0;
  readonly finer = null;

  constructor(columns: DifferenceColumns) {
    this.kind = columns.kind;
    this.layerCount = columns.layerCount;
    this.columnCount = columns.columnCount;
    this.fromStep = columns.fromStep;
    this.toStep = columns.toStep;
    this.codes = columns.codes;
    this.values = columns.values;
  }

  changedSince(): number {
    return Infinity;
  }

  /** The difference at a cell; NaN where there is none. */
  valueAt(step: number, layer: number): number {
    const column = this.toStep.findIndex((toStep) => toStep >= step);
    if (column === -1 || (this.fromStep[column] ?? Infinity) > step) return NaN;
    return this.values[column * this.layerCount + layer] ?? NaN;
  }
}

/** Cells to draw, or in words why there are none. */
export type Comparison =
  | { readonly kind: 'none'; readonly reason: string }
  | { readonly kind: 'cells'; readonly cells: DifferenceCells };

/** Holds the heatmap of one run or attempt against another's; `otherName` as in "attempt 1". */
export function compareHeatmaps(
  own: HeatmapColumns,
  other: HeatmapColumns,
  pairing: LayerPairing,
  difference: DifferenceKind,
  otherName: string,
): Comparison {
  if (pairing.otherLayer.every((layer) => layer === -1)) {
    return { kind: 'none', reason: `No layer of ${otherName} has the name of one of this run.` };
  }
  if (other.columnCount === 0) {
    return { kind: 'none', reason: `${capitalised(otherName)} reported none of these steps.` };
  }
  const columns = prepareDifference(pairCells(own, other, pairing), difference);
  if (columns.codes.every((code) => code === CODE_MISSING)) {
    const [from, to] = [other.fromStep[0] ?? 0, other.toStep.at(-1) ?? 0];
    return {
      kind: 'none',
      reason: `${capitalised(otherName)} has steps ${formatStep(from)}–${formatStep(to)} here, this run none of them.`,
    };
  }
  return { kind: 'cells', cells: new DifferenceCells(columns) };
}

/** Why a metric cannot be compared; null where it can. */
export function incomparableReason(scale: MetricScale): string | null {
  return scale === 'categorical' ? 'Stages have no difference: choose another metric.' : null;
}

const capitalised = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
