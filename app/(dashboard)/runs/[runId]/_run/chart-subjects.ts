import { STABILITY_RATIO } from '@/lib/contract/warnings';
import { timelineReplySchema, type Bucket } from '@/lib/contract/reads';
import { formatStep } from '@/lib/view/format-number';
import { heatmapTable } from '@/lib/view/heatmap-table';
import { CODE_NON_FINITE } from '@/lib/view/magnitude-code';
import type { StepWindow } from '@/lib/view/step-axis';
import { bucketsTable, type NamedBuckets } from '@/lib/view/timeline-table';
import {
  fileNameOf,
  type ChartSubject,
  type PictureBand,
} from '@/app/_components/chart-menu/chart-subject';
import { readHeatmapTable } from '@/app/_components/chart-menu/read-heatmap-table';
import { apiPath, readJson } from '@/app/_hooks/api-client';
import type { RunPlotModel } from './run-view-model';

export type RunChart = 'loss' | 'scalar' | 'ratio' | 'strip' | 'heatmap';

/** As many as the API gives by itself: more than a screen has pixels for. */
const POINTS = 1000;
const COLUMNS = 1000;

/** The steps on the screen. */
function shownWindow({ axis, firstStep, newestStep }: RunPlotModel): StepWindow {
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
  const window = shownWindow(model);
  const name = nameOf(chart, model);
  const steps = `steps ${formatStep(window.fromStep)}–${formatStep(window.toStep)}`;
  const heading = `${name} of ${run.name}, ${steps}`;
  const fileName = fileNameOf(run.id, name, String(window.fromStep), String(window.toStep));
  const read =
    chart === 'heatmap'
      ? (differenceTable(heading, model, window) ?? (await readCells(heading, model, window)))
      : await readTimelineTable(heading, chart, model, window);
  return { heading, fileName, bands, ...read };
}

export function nameOf(
  chart: RunChart,
  { option, scalar, isPerplexity, comparison }: RunPlotModel,
): string {
  switch (chart) {
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
        ? `${option?.label ?? ''} per layer`
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
    ...(chart === 'loss' ? givenUp(model, window) : []).map(({ attempt, range }) => ({
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
        points: chart === 'loss' && model.isPerplexity ? points.map(toPerplexity) : points,
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

/** What a heatmap that is held against another shows: made of two reads, which are both named. */
function differenceTable(
  caption: string,
  { run, option, comparison, layerOfRow, layerNames }: RunPlotModel,
  window: StepWindow,
): Read | null {
  const cells = comparison?.cells ?? null;
  if (comparison === null || cells === null || option === null) return null;
  const { against } = comparison;
  const path = (runId: string, attempt: number | 'effective') =>
    apiPath(`/runs/${encodeURIComponent(runId)}/heatmap`, {
      metric: option.stored,
      ...window,
      columns: COLUMNS,
      attempt,
    });
  const cell = (column: number, layer: number) => {
    const at = column * cells.layerCount + layer;
    if (cells.codes[at] === CODE_NON_FINITE) return NaN;
    const value = cells.values[at] ?? NaN;
    return Number.isNaN(value) ? null : value;
  };
  return {
    table: heatmapTable(
      // A difference over decades is a power of ten: −1 is a tenth.
      cells.kind === 'decades' ? `${caption}, as powers of ten` : caption,
      { columnCount: cells.columnCount, fromStep: cells.fromStep, toStep: cells.toStep, cell },
      layerOfRow.map((index) => ({ index, name: layerNames[index] ?? String(index) })),
      window,
    ),
    paths: [
      path(run.id, 'effective'),
      against.kind === 'run' ? path(against.runId, 'effective') : path(run.id, against.attempt),
    ],
  };
}

async function readCells(
  caption: string,
  { run, option, layerOfRow, layerNames }: RunPlotModel,
  window: StepWindow,
): Promise<Read> {
  if (option === null) throw new Error('No layer metric has been reported yet.');
  return readHeatmapTable({
    ...{ caption, window },
    runId: run.id,
    metric: option.stored,
    layers: layerOfRow.map((index) => ({ index, name: layerNames[index] ?? String(index) })),
    ...(option.isPerRootN
      ? { factorOf: (layer) => 1 / Math.sqrt(run.layers[layer]?.parameterCount ?? 1) }
      : {}),
  });
}
