'use client';

import Link from 'next/link';
import { Fragment, useState } from 'react';
import type { Postmortem } from '@/lib/contract/postmortem';
import type { Run } from '@/lib/contract/runs';
import { comparePath } from '@/lib/view/comparison/compared-sides';
import { prepareSpikeTimeline } from '@/lib/view/spikes/spike-timeline';
import { SegmentedControl } from '@/app/_components/segmented-control';
import { useElementSize } from '@/app/_hooks/use-element-size';
import { SpikeChartMenus } from './spike-chart-menus';
import { SpikeHeatmap } from './spike-heatmap';
import { SpikeTimelineChart } from './spike-timeline-chart';
import styles from './spike-figures.module.css';

const METRICS = [
  { value: 'gradient_norm', label: 'Gradient norm' },
  { value: 'rms', label: 'RMS' },
  { value: 'stage', label: 'Stage' },
] as const;
type Metric = (typeof METRICS)[number]['value'];

/** Loss and gradient norm of all attempts, over every layer on the same steps. */
export function SpikeFigures({
  postmortem,
  layers,
  names,
}: {
  readonly postmortem: Postmortem;
  readonly layers: Run['layers'];
  readonly names: readonly string[];
}) {
  const [ref, size] = useElementSize();
  const [metric, setMetric] = useState<Metric>('gradient_norm');
  const width = size?.width ?? 0;
  const { run, spike } = postmortem;
  const side = { runId: run.id, attempt: spike.attempt, step: spike.onsetStep };
  return (
    <section aria-label="Around the spike" className={styles['around']}>
      <div ref={ref} data-picture>
        {width === 0 ? null : (
          <SpikeTimelineChart timeline={prepareSpikeTimeline(postmortem, width)} />
        )}
        {width === 0 || layers.length === 0 ? null : (
          <SpikeHeatmap
            postmortem={postmortem}
            names={names}
            metric={metric}
            width={width}
            devicePixelRatio={size?.devicePixelRatio ?? 1}
          />
        )}
      </div>
      {postmortem.attempts.length > 1 ? (
        <p className={styles['caption']}>
          Blue: {postmortem.attempts.slice(1).map(describeAttempt).join('; ')}.
          {postmortem.attempts.slice(1).map(({ attempt }) => (
            <Fragment key={attempt}>
              {' '}
              <Link href={comparePath(side, { ...side, attempt })}>
                Compare with attempt {attempt}
              </Link>
            </Fragment>
          ))}
        </p>
      ) : null}
      <div className={styles['tools']}>
        {layers.length === 0 ? null : (
          <SegmentedControl label="Heatmap" options={METRICS} value={metric} onChange={setMetric} />
        )}
        <SpikeChartMenus
          postmortem={postmortem}
          names={layers.length === 0 ? [] : names}
          metric={metric}
          metricLabel={METRICS.find(({ value }) => value === metric)?.label ?? metric}
        />
      </div>
    </section>
  );
}

function describeAttempt({ attempt, skippedBatches }: Postmortem['attempts'][number]): string {
  const skipped = skippedBatches.map(({ title }) => title).join(', ');
  return `attempt ${attempt}${skipped === '' ? '' : `, which skipped ${skipped}`}`;
}
