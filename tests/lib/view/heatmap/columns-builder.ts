import type { HeatmapColumns } from '@/lib/contract/heatmap-columns';

export interface ColumnSpec {
  readonly step: number;
  readonly toStep?: number;
  readonly loss?: number;
  /** [L]; null: not reported, Infinity: not finite. */
  readonly cells: readonly (number | null)[];
  readonly scalars?: Readonly<Record<string, number>>;
}

/** Heatmap columns as the wire holds them (layer-major), from columns as a person writes them. */
export function heatmapColumns(specs: readonly ColumnSpec[]): HeatmapColumns {
  const layerCount = specs[0]?.cells.length ?? 0;
  const columnCount = specs.length;
  const values = new Float32Array(layerCount * columnCount).fill(NaN);
  const nonFinite = new Uint32Array(layerCount * columnCount);
  specs.forEach(({ cells }, column) => {
    cells.forEach((cell, layer) => {
      const at = layer * columnCount + column;
      if (cell === null) return;
      if (Number.isFinite(cell)) values[at] = cell;
      else nonFinite[at] = 1;
    });
  });
  const names = new Set(specs.flatMap(({ scalars }) => Object.keys(scalars ?? {})));
  return {
    layerCount,
    columnCount,
    fromStep: Float64Array.from(specs, ({ step }) => step),
    toStep: Float64Array.from(specs, ({ step, toStep }) => toStep ?? step),
    loss: Float32Array.from(specs, ({ loss }) => loss ?? NaN),
    values,
    nonFinite,
    scalars: new Map(
      [...names].map((name) => [
        name,
        Float64Array.from(specs, ({ scalars }) => scalars?.[name] ?? NaN),
      ]),
    ),
  };
}
