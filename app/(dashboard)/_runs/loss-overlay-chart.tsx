'use client';

import { useState } from 'react';
import type { RunSummary } from '@/lib/contract/runs';
import {
  prepareLossOverlay,
  type OverlaidRun,
  type OverlayLine,
} from '@/lib/view/timelines/loss-overlay';
import { bucketsTable } from '@/lib/view/timelines/timeline-table';
import { ChartMenu } from '@/app/_components/chart-menu/chart-menu';
import { fileNameOf, type ChartSubject } from '@/app/_components/chart-menu/chart-subject';
import { TickText } from '@/app/_components/tick-text';
import { useElementSize } from '@/app/_hooks/use-element-size';
import { lossPath, useLossTimelines } from './use-loss-timelines';
import styles from './loss-overlay-chart.module.css';

const PLOT_HEIGHT = 132;
const LABEL_HEIGHT = 16;

/** The losses of the chosen runs over each other; a name under the pointer lifts its line. */
export function LossOverlayChart({ runs }: { readonly runs: readonly RunSummary[] }) {
  const { runs: losses, error } = useLossTimelines(runs);
  const [lifted, setLifted] = useState<string | null>(null);
  const [ref, size] = useElementSize();
  const view = prepareLossOverlay(losses, LABEL_HEIGHT / PLOT_HEIGHT);
  const width = size?.width ?? 0;
  const top = (share: number) => (1 - share) * PLOT_HEIGHT;
  return (
    <figure className={styles['figure']} aria-label="Losses of the chosen runs">
      <div className={styles['axis']} aria-hidden="true">
        {view.yTicks.map(({ tick, at }) => (
          <span key={tick.value} style={{ top: top(at) }}>
            <TickText tick={tick} />
          </span>
        ))}
      </div>
      <div ref={ref} className={styles['plot']}>
        <svg width={width} height={PLOT_HEIGHT} aria-hidden="true">
          {view.yTicks.map(({ tick, at }) => (
            <line key={tick.value} x2={width} y1={top(at)} y2={top(at)} stroke="var(--line)" />
          ))}
          {view.lines.map((line) => (
            <Line
              key={line.id}
              line={line}
              width={width}
              emphasis={lifted === null ? 'none' : lifted === line.id ? 'lifted' : 'back'}
            />
          ))}
        </svg>
        <div className={styles['steps']} aria-hidden="true">
          {view.xTicks.map(({ tick, at }) => (
            <span key={tick.value} style={{ left: at * width }}>
              <TickText tick={tick} />
            </span>
          ))}
        </div>
      </div>
      <ul className={styles['names']}>
        {view.lines.map(({ id, name, dash, labelY }) => (
          <li
            key={id}
            style={{ top: top(labelY) }}
            onPointerEnter={() => setLifted(id)}
            onPointerLeave={() => setLifted(null)}
          >
            <svg width={26} height={2} aria-hidden="true">
              <line
                x2={26}
                y1={1}
                y2={1}
                stroke="var(--trace)"
                strokeDasharray={dash ?? undefined}
                strokeWidth={1.35}
              />
            </svg>
            <span title={name}>{name}</span>
          </li>
        ))}
      </ul>
      <figcaption className={styles['caption']}>
        {error !== null
          ? `The losses could not be read: ${error}`
          : view.lines.length === 0
            ? losses.length < runs.length
              ? 'Reading the losses.'
              : 'None of these runs has reported a loss.'
            : view.omitted}
      </figcaption>
      {view.lines.length === 0 ? null : (
        <>
          <span className={styles['menu']}>
            <ChartMenu
              name="Losses"
              subject={(button) => subjectOf(losses, button.closest('figure'))}
            />
          </span>
          <Table lines={view.lines} />
        </>
      )}
    </figure>
  );
}

/** The losses as they were read; what is not drawn for want of patterns is among them. */
function subjectOf(losses: readonly OverlaidRun[], root: HTMLElement | null): ChartSubject | null {
  if (root === null) return null;
  const heading = `Losses of ${losses.map(({ name }) => name).join(', ')}`;
  return {
    heading,
    fileName: fileNameOf('losses', ...losses.map(({ id }) => id)),
    table: bucketsTable(heading, 'run', losses),
    paths: losses.map(({ id }) => lossPath(id)),
    bands: [{ root }],
  };
}

function Line({
  line: { segments, nonFinite, dash },
  width,
  emphasis,
}: {
  readonly line: OverlayLine;
  readonly width: number;
  readonly emphasis: 'none' | 'lifted' | 'back';
}) {
  const path = segments
    .flatMap((points) =>
      points.map(
        ({ x, y }, index) =>
          `${index === 0 ? 'M' : 'L'}${(x * width).toFixed(1)} ${((1 - y) * PLOT_HEIGHT).toFixed(1)}`,
      ),
    )
    .join('');
  return (
    <g opacity={emphasis === 'back' ? 0.3 : 1}>
      <path
        d={path}
        fill="none"
        stroke={emphasis === 'lifted' ? 'var(--accent)' : 'var(--trace)'}
        strokeWidth={1.35}
        strokeLinejoin="round"
        strokeDasharray={dash ?? undefined}
      />
      {nonFinite.map((at) => (
        <path
          key={at}
          transform={`translate(${(at * width).toFixed(1)} 6)`}
          d="m-3-3 6 6m0-6-6 6"
          stroke="var(--divergence)"
          strokeWidth={1.5}
        />
      ))}
    </g>
  );
}

/** What the picture says, for readers. */
function Table({ lines }: { readonly lines: readonly OverlayLine[] }) {
  return (
    <table className="visually-hidden">
      <caption>Losses of the chosen runs</caption>
      <thead>
        <tr>
          <th scope="col">run</th>
          <th scope="col">last step</th>
          <th scope="col">last loss</th>
          <th scope="col">lowest loss</th>
        </tr>
      </thead>
      <tbody>
        {lines.map(({ id, name, lastStep, last, lowest }) => (
          <tr key={id}>
            <th scope="row">{name}</th>
            <td>{lastStep}</td>
            <td>{last}</td>
            <td>{lowest}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
