import { decodeHeatmapColumns, SAFETENSORS_MEDIA_TYPE } from '@/lib/contract/heatmap-columns';
import { STAGE_NAMES } from '@/lib/contract/stages';
import { heatmapTable } from '@/lib/view/heatmap/heatmap-table';
import { stageLabel } from '@/lib/view/stages/stage-label';
import type { StepWindow } from '@/lib/view/axes/step-axis';
import { apiPath, readBytes } from '@/app/_hooks/api-client';
import type { ChartSubject } from './chart-subject';

/** More than a screen has pixels for. */
const COLUMNS = 1000;

const stageWord = (stage: number): string => stageLabel(STAGE_NAMES[stage] ?? '').word;

/** The cells of a heatmap as a table, read anew; stages in words. */
export async function readHeatmapTable({
  caption,
  runId,
  metric,
  attempt = 'effective',
  reduce = 'max',
  window,
  layers,
  factorOf = () => 1,
}: {
  readonly caption: string;
  readonly runId: string;
  readonly metric: string;
  readonly attempt?: number | 'effective';
  /** What a column of several steps says of them. */
  readonly reduce?: 'max' | 'min';
  readonly window: StepWindow;
  /** As they are drawn, with their places in the model. */
  readonly layers: readonly { readonly index: number; readonly name: string }[];
  /** What a layer's values are multiplied by, as in "÷ √n". */
  readonly factorOf?: (layer: number) => number;
}): Promise<Pick<ChartSubject, 'table' | 'paths'>> {
  const { fromStep, toStep } = window;
  const path = apiPath(`/runs/${encodeURIComponent(runId)}/heatmap`, {
    ...{ metric, fromStep, toStep },
    columns: COLUMNS,
    attempt,
    ...(reduce === 'max' ? {} : { reduce }),
  });
  const columns = decodeHeatmapColumns(await readBytes(path, SAFETENSORS_MEDIA_TYPE));
  const cell = (column: number, layer: number) => {
    const at = layer * columns.columnCount + column;
    if ((columns.nonFinite[at] ?? 0) > 0) return NaN;
    const value = columns.values[at] ?? NaN;
    return Number.isNaN(value) ? null : value * factorOf(layer);
  };
  const readable = { ...columns, cell };
  const table =
    metric === 'stage'
      ? heatmapTable(caption, readable, layers, window, stageWord)
      : heatmapTable(caption, readable, layers, window);
  return { table, paths: [path] };
}
