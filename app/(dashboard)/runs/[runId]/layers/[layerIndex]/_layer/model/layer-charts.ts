import type { Bucket, DistributionsReply } from '@/lib/contract/reads';
import type { Run } from '@/lib/contract/runs';
import type { StepWindow } from '@/lib/view/layer/chosen-steps';
import { distributionTable } from '@/lib/view/layer/distribution-table';
import { formatStep } from '@/lib/view/text/format-number';
import { stepDistributionsTable } from '@/lib/view/layer/step-distributions-table';
import { bucketsTable } from '@/lib/view/timelines/timeline-table';
import { fileNameOf, type ChartSubject } from '@/app/_components/chart-menu/chart-subject';
import { apiPath } from '@/app/_hooks/api-client';
import type { LayerSeries } from './use-layer-series';

/** What the page has read, for those who take its charts along. */
export interface LayerChartData {
  readonly run: Run;
  readonly layerIndex: number;
  readonly layerName: string;
  readonly window: StepWindow;
  readonly items: DistributionsReply['items'];
  readonly losses: readonly Bucket[];
  readonly lossPath: string | null;
  readonly series: readonly LayerSeries[];
  /** The read of what is laid over; null where nothing is. */
  readonly otherPath: string | null;
}

type Take = (root: HTMLElement | null) => ChartSubject | null;

export interface LayerCharts {
  readonly loss: Take;
  readonly step: (step: number) => Take;
  readonly overSteps: (kind: string, symbol: string) => Take;
  readonly metrics: Take;
}

/** Each chart of the page as a picture, a table and the reads behind it. */
export function layerCharts(data: LayerChartData): LayerCharts {
  const { run, layerIndex, layerName, window, items, losses, series } = data;
  const base = `/runs/${encodeURIComponent(run.id)}/layers/${layerIndex}`;
  const steps = `steps ${formatStep(window.fromStep)}–${formatStep(window.toStep)}`;
  const subject = (
    root: HTMLElement | null,
    what: string,
    table: (heading: string) => ChartSubject['table'],
    paths: readonly string[],
  ): ChartSubject | null => {
    if (root === null) return null;
    const heading = `${what} of ${layerName}, ${run.name}`;
    return {
      heading,
      fileName: fileNameOf(run.id, layerName, what),
      table: table(heading),
      paths,
      bands: [{ root }],
    };
  };
  const range = { fromStep: window.fromStep, toStep: window.toStep };
  return {
    loss: (root) =>
      subject(
        root,
        `Loss and stages, ${steps}`,
        (heading) => bucketsTable(heading, 'series', [{ name: 'loss', points: losses }]),
        data.lossPath === null ? [] : [data.lossPath],
      ),
    step: (step) => (root) => {
      const item = items.find((candidate) => candidate.step === step);
      if (item === undefined) return null;
      return subject(
        root,
        `Distributions at step ${formatStep(step)}`,
        (heading) => stepDistributionsTable(heading, item),
        [
          apiPath(`${base}/distributions`, { step }),
          ...(data.otherPath === null ? [] : [data.otherPath]),
        ],
      );
    },
    overSteps: (kind, symbol) => (root) =>
      subject(
        root,
        `${symbol} over ${steps}`,
        (heading) => distributionTable(heading, kind, items),
        [apiPath(`${base}/distributions`, { ...range, limit: items.length })],
      ),
    metrics: (root) =>
      subject(
        root,
        `Metrics, ${steps}`,
        (heading) =>
          bucketsTable(
            heading,
            'metric',
            series.map(({ metric, points }) => ({ name: metric, points })),
          ),
        series.map(({ metric }) => apiPath(`${base}/series`, { metric, ...range })),
      ),
  };
}
