import { STABILITY_RATIO } from '@/lib/contract/warnings';
import {
  decodeHeatmapColumns,
  SAFETENSORS_MEDIA_TYPE,
  type HeatmapColumns,
} from '@/lib/contract/heatmap-columns';
import { timelineReplySchema, type Bucket } from '@/lib/contract/reads';
import { reduceOf } from '@/lib/view/colours/column-shows';
import { differenceTable } from '@/lib/view/comparison/difference-table';
import { formatStep } from '@/lib/view/text/format-number';
import { differenceKind, pairCells, pairLayers } from '@/lib/view/comparison/heatmap-difference';
import type { StepWindow } from '@/lib/view/axes/step-axis';
import { bucketsTable, type NamedBuckets } from '@/lib/view/timelines/timeline-table';
import {
  fileNameOf,
  type ChartSubject,
  type PictureBand,
} from '@/app/_components/chart-menu/chart-subject';
import { readHeatmapTable } from '@/app/_components/chart-menu/read-heatmap-table';
import { apiPath, readBytes, readJson } from '@/app/_hooks/api-client';
import type { RunPlotModel } from './run-view-model';
import type { RunComparison } from './use-comparison';

export type RunChart = 'overview' | 'loss' | 'scalar' | 'ratio' | 'strip' | 'heatmap';

/** As many as the API gives by itself: more than a screen has pixels for. */
const POINTS = 1000;
const COLUMNS = 1000;

/** The steps that the chart shows: those on the screen, or all of them. */
function shownWindow(chart: RunChart, { axis, firstStep, newestStep }: RunPlotModel): StepWindow {
  if (chart === 'overview') return { fromStep: firstStep, toStep: newestStep };
  return {
    fromStep: Math.max(firstStep, Math.ceil(axis.low)),
    toStep: Math.min(newestStep, Math.floor(axis.high)),
  };
}

/**
 * What a chart of the run shows, read once more over the API: the numbers are those that
 * the copied call gives, exact, with everything that came over the socket meanwhile.
 */
export async function readChartSubject(
  chart: RunChart,
  model: RunPlotModel,
  bands: readonly PictureBand[],
): Promise<ChartSubject> {
  const { run } = model;
  const window = shownWindow(chart, model);
  const name = nameOf(chart, model);
  const steps = `steps ${formatStep(window.fromStep)}–${formatStep(window.toStep)}`;
  const heading = `${name} of ${run.name}, ${steps}`;
  const fileName = fileNameOf(run.id, name, String(window.fromStep), String(window.toStep));
  const read =
    chart === 'heatmap'
      ? await readCells(heading, model, window)
      : await readTimelineTable(heading, chart, model, window);
  return { heading, fileName, bands, ...read };
}

export function nameOf(
  chart: RunChart,
  { option, scalar, isPerplexity, comparison, columns }: RunPlotModel,
): string {
  switch (chart) {
    case 'overview':
      return isPerplexity ? 'Perplexity of all steps' : 'Loss of all steps';
    case 'loss':
      return isPerplexity ? 'Perplexity' : 'Loss';
    case 'scalar':
      return scalar?.label ?? '';
    case 'ratio':
      return 'Stability ratio';
    case 'strip':
      return 'Log perplexity';
    case 'heatmap':
      return comparison === null
        ? `${columns.shows === 'lowest' ? `Lowest ${option?.shortLabel ?? ''}` : (option?.label ?? '')} per layer`
        : `${option?.label ?? ''} against ${comparison.otherName}`;
  }
}

type Read = Pick<ChartSubject, 'table' | 'paths'>;

async function readTimelineTable(
  caption: string,
  chart: Exclude<RunChart, 'heatmap'>,
  model: RunPlotModel,
  window: StepWindow,
): Promise<Read> {
  const { run, scalar } = model;
  const isLoss = chart === 'loss' || chart === 'overview';
  const series =
    chart === 'scalar' ? (scalar?.name ?? '') : chart === 'ratio' ? STABILITY_RATIO : 'loss';
  const path = (attempt: number | 'effective', { fromStep, toStep }: StepWindow) =>
    apiPath(`/runs/${encodeURIComponent(run.id)}/timeline`, {
      series,
      fromStep,
      toStep,
      points: POINTS,
      attempt,
    });
  const reads = [
    { name: 'effective', path: path('effective', window) },
    // What restarts gave up is drawn behind the loss alone.
    ...(isLoss ? givenUp(model, window) : []).map(({ attempt, range }) => ({
      name: `attempt ${attempt}`,
      path: path(attempt, range),
    })),
  ];
  const named = await Promise.all(
    reads.map(async (read): Promise<NamedBuckets> => {
      const reply = await readJson(read.path, timelineReplySchema);
      const points = reply.series.find(({ name }) => name === series)?.points ?? [];
      return {
        name: read.name,
        points: isLoss && model.isPerplexity ? points.map(toPerplexity) : points,
      };
    }),
  );
  return {
    table: bucketsTable(caption, 'attempt', named),
    paths: reads.map((read) => read.path),
  };
}

/** Attempts that a newer one hides, from where it took over, as far as they lie in the window. */
function givenUp({ run }: RunPlotModel, window: StepWindow) {
  return run.attempts.slice(0, -1).flatMap(({ attempt }) => {
    const later = run.attempts.filter((other) => other.attempt > attempt);
    const hiddenFrom = Math.min(...later.map(({ resumeFromStep }) => resumeFromStep));
    const range = { ...window, fromStep: Math.max(window.fromStep, hiddenFrom) };
    return range.fromStep > range.toStep ? [] : [{ attempt, range }];
  });
}

function toPerplexity({ min, mean, max, ...rest }: Bucket): Bucket {
  const of = (nats: number | null) => (nats === null ? null : Math.exp(nats));
  return { ...rest, min: of(min), mean: of(mean), max: of(max) };
}

/** What a heatmap that is held against another shows, with what it was made of: two reads. */
async function readDifference(
  caption: string,
  { run, option, layerOfRow, layerNames }: RunPlotModel,
  { against, otherLayers, otherName, reason }: RunComparison,
  window: StepWindow,
): Promise<Read> {
  const kind = option === null ? null : differenceKind(option.scale);
  if (option === null || kind === null || otherLayers === null || reason !== null) {
    throw new Error(reason ?? 'No layer metric has been reported yet.');
  }
  const path = (runId: string, attempt: number | 'effective') =>
    apiPath(`/runs/${encodeURIComponent(runId)}/heatmap`, {
      metric: option.stored,
      ...window,
      columns: COLUMNS,
      attempt,
    });
  const paths = [
    path(run.id, 'effective'),
    against.kind === 'run' ? path(against.runId, 'effective') : path(run.id, against.attempt),
  ] as const;
  const [own, other] = await Promise.all(paths.map(readColumns));
  if (own === undefined || other === undefined) throw new Error('A read gave nothing.');
  const pair = pairCells(own, other, pairLayers(run.layers, otherLayers, option.isPerRootN));
  const layers = layerOfRow.map((index) => ({ index, name: layerNames[index] ?? String(index) }));
  return { table: differenceTable(caption, pair, kind, otherName, layers, window), paths };
}

async function readColumns(path: string): Promise<HeatmapColumns> {
  return decodeHeatmapColumns(await readBytes(path, SAFETENSORS_MEDIA_TYPE));
}

async function readCells(caption: string, model: RunPlotModel, window: StepWindow): Promise<Read> {
  const { run, option, comparison, layerOfRow, layerNames } = model;
  if (comparison !== null) return readDifference(caption, model, comparison, window);
  if (option === null) throw new Error('No layer metric has been reported yet.');
  return readHeatmapTable({
    ...{ caption, window },
    runId: run.id,
    metric: option.stored,
    reduce: reduceOf(model.columns.shows),
    layers: layerOfRow.map((index) => ({ index, name: layerNames[index] ?? String(index) })),
    ...(option.isPerRootN
      ? { factorOf: (layer) => 1 / Math.sqrt(run.layers[layer]?.parameterCount ?? 1) }
      : {}),
  });
}
