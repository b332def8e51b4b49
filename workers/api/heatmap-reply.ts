import type { HeatmapColumns } from '../../lib/contract/heatmap-columns';
import type { HeatmapQuery, HeatmapReply } from '../../lib/contract/reads';

/** Heatmap columns as the JSON reply: non-finite and unreported values are null. */
export function toHeatmapReply(
  { metric, reduce }: Pick<HeatmapQuery, 'metric' | 'reduce'>,
  columns: HeatmapColumns,
): HeatmapReply {
  const { layerCount, columnCount } = columns;
  const rows = Array.from({ length: layerCount }, (_, layer) => layer * columnCount);
  const toRows = (cells: Float32Array): (number | null)[][] =>
    rows.map((start) => Array.from(cells.subarray(start, start + columnCount), finiteOrNull));
  return {
    metric,
    reduce,
    fromStep: Array.from(columns.fromStep),
    toStep: Array.from(columns.toStep),
    loss: Array.from(columns.loss, finiteOrNull),
    values: toRows(columns.values),
    nonFiniteCount: rows.map((start) =>
      Array.from(columns.nonFinite.subarray(start, start + columnCount)),
    ),
    ...(columns.minima === undefined ? {} : { minima: toRows(columns.minima) }),
  };
}

function finiteOrNull(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}
