'use client';

import Link from 'next/link';
import { useState } from 'react';
import type { Postmortem, PostmortemMover } from '@/lib/contract/postmortem';
import { describeMetric } from '@/lib/contract/standard-metrics';
import { colourRamp, hexOfPacked, RAMP_LENGTH } from '@/lib/view/colours/colour-ramp';
import { formatFactor, formatFixed, formatStep } from '@/lib/view/text/format-number';
import { describeNoMovers } from '@/lib/view/spikes/spike-facts';
import { Button } from '@/app/_components/button';
import { LayerName } from '@/app/_components/layer-name';
import { classNames } from '@/app/_design/class-names';
import { useTheme, type Theme } from '@/app/_hooks/use-theme';
import own from './movers-table.module.css';
import styles from './spike-table.module.css';

const SHOWN = 10;
const CELL = { width: 6, height: 18 } as const;
/** Shapes of fewer coordinates than this are noise, and so are their norms. */
const LARGE = 1000;

/** Who moved first, by lead, each with its metric over the steps around the rise. */
export function MoversTable({ postmortem }: { readonly postmortem: Postmortem }) {
  const { movers, moverCount, moverSteps, run } = postmortem;
  const [isWhole, setIsWhole] = useState(false);
  const theme = useTheme();
  const large = movers.filter(({ parameterCount }) => parameterCount >= LARGE);
  const ranked = large.length === 0 || isWhole ? movers : large;
  const shown = isWhole ? ranked : ranked.slice(0, SHOWN);
  const rest = moverCount - shown.length;
  const top = Math.max(10, ...movers.flatMap((mover) => factorsOf(mover).map((one) => one ?? 0)));
  return (
    <section aria-labelledby="movers">
      <h2 id="movers">
        First movers
        <small>
          {movers.length === 0
            ? ''
            : large.length > 0 && !isWhole
              ? `layers of ${formatStep(LARGE)} parameters or more`
              : 'by lead, then by distance from their median'}
        </small>
      </h2>
      {movers.length === 0 ? (
        <p className={own['text']}>{describeNoMovers(postmortem)}</p>
      ) : (
        <div className={styles['scroll']}>
          <table className={classNames(styles['table'], own['movers'])}>
            <caption className="visually-hidden">
              Layers by how many steps before the loss they left their baseline
            </caption>
            <thead>
              <tr>
                <th scope="col" className={styles['number']}>
                  lead
                </th>
                <th scope="col">Layer</th>
                <th scope="col">Metric</th>
                <th scope="col" className={styles['number']}>
                  step
                </th>
                <th scope="col" className={styles['number']}>
                  rise
                </th>
                <th scope="col" className={styles['number']}>
                  σ
                </th>
                <th scope="col">
                  {formatStep(moverSteps[0] ?? null)}–{formatStep(moverSteps.at(-1) ?? null)}
                </th>
              </tr>
            </thead>
            <tbody>
              {shown.map((mover) => (
                <tr key={`${mover.layer} ${mover.metric}`}>
                  <td className={styles['number']} data-label="lead">
                    {formatStep(mover.leadSteps)}
                  </td>
                  <td className={classNames(styles['layer'], own['mover'])}>
                    <Link
                      href={`/runs/${encodeURIComponent(run.id)}/layers/${mover.layer}?step=${mover.step}`}
                      prefetch={false}
                    >
                      <LayerName name={mover.name} />
                    </Link>
                  </td>
                  <td>{describeMetric(mover.metric).label}</td>
                  <td className={styles['number']} data-label="step">
                    {formatStep(mover.step)}
                  </td>
                  <td className={styles['number']} data-label="rise">
                    {riseOf(mover)}
                  </td>
                  <td className={styles['number']} data-label="σ">
                    {mover.z === null ? '–' : formatFixed(mover.z, 1)}
                  </td>
                  <td>
                    <MoverCells mover={mover} steps={moverSteps} top={top} theme={theme} />
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {rest > 0 && !isWhole ? (
        <Button variant="link" onClick={() => setIsWhole(true)}>
          {rest} more layers
        </Button>
      ) : isWhole ? (
        <Button variant="link" onClick={() => setIsWhole(false)}>
          Fewer
        </Button>
      ) : null}
    </section>
  );
}

function factorsOf({ recent, usual }: PostmortemMover): (number | null)[] {
  return recent.map((value) =>
    value === null || usual === null || usual <= 0 ? null : value / usual,
  );
}

function riseOf({ value, usual }: PostmortemMover): string {
  return value === null || usual === null || usual <= 0 ? '–' : formatFactor(value / usual);
}

/** A cell a step: brighter is farther above the layer's own median, on a logarithmic scale. */
function MoverCells({
  mover,
  steps,
  top,
  theme,
}: {
  readonly mover: PostmortemMover;
  readonly steps: readonly number[];
  readonly top: number;
  readonly theme: Theme;
}) {
  const ramp = colourRamp(theme, 'above');
  const factors = factorsOf(mover);
  const at = steps.indexOf(mover.step);
  return (
    <svg
      width={steps.length * CELL.width}
      height={CELL.height}
      role="img"
      aria-label={`${describeMetric(mover.metric).label} of ${mover.name}, times its median: ${riseOf(mover)} at ${mover.step}`}
    >
      {factors.map((factor, index) => {
        const share = factor === null ? null : Math.log(Math.max(1, factor)) / Math.log(top);
        return (
          <rect
            key={steps[index]}
            x={index * CELL.width}
            y={3}
            width={CELL.width - 1}
            height={CELL.height - 6}
            fill={
              share === null
                ? 'var(--line)'
                : hexOfPacked(ramp[Math.round(Math.min(1, share) * (RAMP_LENGTH - 1))] ?? 0)
            }
          />
        );
      })}
      {at === -1 ? null : (
        <path
          d={`M${at * CELL.width - 0.5} 0V${CELL.height}`}
          stroke="var(--rms-spike)"
          strokeWidth={1}
        />
      )}
    </svg>
  );
}
