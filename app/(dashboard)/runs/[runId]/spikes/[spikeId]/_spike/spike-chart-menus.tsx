'use client';

import type { Postmortem } from '@/lib/contract/postmortem';
import { timelineReplySchema } from '@/lib/contract/reads';
import { formatStep } from '@/lib/view/text/format-number';
import { bucketsTable } from '@/lib/view/timelines/timeline-table';
import { ChartMenu } from '@/app/_components/chart-menu/chart-menu';
import { fileNameOf, type ChartSubject } from '@/app/_components/chart-menu/chart-subject';
import { readHeatmapTable } from '@/app/_components/chart-menu/read-heatmap-table';
import { apiPath, readJson } from '@/app/_hooks/api-client';
import styles from './spike-chart-menus.module.css';

/** Every step of the window, which holds some hundreds. */
const POINTS = 1000;

/** The menus of the figures: both are one picture, for they share their steps. */
export function SpikeChartMenus({
  postmortem,
  names,
  metric,
  metricLabel,
}: {
  readonly postmortem: Postmortem;
  readonly names: readonly string[];
  readonly metric: string;
  readonly metricLabel: string;
}) {
  const { run, spike, fromStep, toStep } = postmortem;
  const window = { fromStep, toStep };
  const take =
    (what: string, read: (heading: string) => Promise<Pick<ChartSubject, 'table' | 'paths'>>) =>
    (button: HTMLElement) => {
      const root = button.closest('section')?.querySelector<HTMLElement>('[data-picture]') ?? null;
      if (root === null) return null;
      const heading = `${what} around the spike at ${formatStep(spike.onsetStep)} of ${run.name}`;
      return read(heading).then((parts) => ({
        heading,
        fileName: fileNameOf(run.id, 'spike', String(spike.onsetStep), what),
        bands: [{ root }],
        ...parts,
      }));
    };
  const readCourses = async (heading: string) => {
    const paths = postmortem.attempts.map(({ attempt }) =>
      apiPath(`/runs/${encodeURIComponent(run.id)}/timeline`, {
        series: 'loss,gradient_norm',
        ...window,
        points: POINTS,
        attempt,
      }),
    );
    const replies = await Promise.all(paths.map((path) => readJson(path, timelineReplySchema)));
    const series = replies.flatMap((reply, index) =>
      reply.series.map(({ name, points }) => ({
        name: `${name} of attempt ${postmortem.attempts[index]?.attempt ?? ''}`,
        points,
      })),
    );
    return { table: bucketsTable(heading, 'series', series), paths };
  };
  return (
    <span className={styles['menus']}>
      Loss
      <ChartMenu
        name="Loss around the spike"
        subject={take('Loss and gradient norm', readCourses)}
      />
      {names.length === 0 ? null : 'Layers'}
      {names.length === 0 ? null : (
        <ChartMenu
          name="Layers around the spike"
          subject={take(metricLabel, (caption) =>
            readHeatmapTable({
              ...{ caption, metric, window },
              runId: run.id,
              attempt: spike.attempt,
              layers: names.map((name, index) => ({ index, name })),
            }),
          )}
        />
      )}
    </span>
  );
}
