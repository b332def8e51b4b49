'use client';

import Link from 'next/link';
import { useState } from 'react';
import type { AtRiskView } from '@/lib/view/outlook/at-risk';
import { formatFixed, formatStep } from '@/lib/view/text/format-number';
import { countText } from '@/lib/view/outlook/run-condition';
import type { StageShare } from '@/lib/view/stages/stage-colours';
import { Button } from '@/app/_components/button';
import { LayerName } from '@/app/_components/layer-name';
import { Sparkline } from '@/app/_components/sparkline';
import { SparklineLink } from '@/app/_components/sparkline-link';
import { classNames } from '@/app/_design/class-names';
import styles from './side-panel.module.css';

const SHOWN_LAYERS = 8;

/** Layers on the paper's way to a spike: the worst stage first, with the time in it. */
export function AtRiskSection({
  runId,
  view,
  shares,
  newestStep,
  layerCount,
}: {
  readonly runId: string;
  readonly view: AtRiskView;
  readonly shares: readonly StageShare[];
  readonly newestStep: number;
  readonly layerCount: number;
}) {
  const [isWhole, setIsWhole] = useState(false);
  const { rows, notes } = view;
  const shown = isWhole ? rows : rows.slice(0, SHOWN_LAYERS);
  const hasRms = rows.some(({ rms }) => rms !== null);
  return (
    <section className={styles['section']} aria-labelledby="at-risk">
      <header className={styles['header']}>
        <h2 id="at-risk">At risk now</h2>
        <span>{countText(layerCount, 'layer')}</span>
      </header>
      <StageBar shares={shares} />
      {rows.length === 0 ? (
        <p className={styles['text']}>No layer is at risk.</p>
      ) : (
        <table className={classNames(styles['table'], styles['at_risk'])}>
          <caption className="visually-hidden">
            Layers that are not healthy at step {formatStep(newestStep)}, the worst stage first
          </caption>
          <thead>
            <tr>
              <th scope="col">Layer</th>
              <th scope="col">
                {hasRms ? (
                  <>
                    RMS<sub>t</sub>
                  </>
                ) : null}
              </th>
              <th scope="col" title="Steps in this stage">
                for
              </th>
              <th scope="col">60 steps</th>
            </tr>
          </thead>
          <tbody>
            {shown.map(({ layer, name, letter, word, note, steps, rms, recent }) => (
              <tr key={layer} title={note === null ? word : `${word}; ${note}`}>
                <td>
                  <span className={styles['layer']}>
                    <StageTick letter={letter} word={word} />
                    <Link
                      href={`/runs/${encodeURIComponent(runId)}/layers/${layer}?step=${newestStep}`}
                    >
                      <LayerName name={name} />
                    </Link>
                  </span>
                </td>
                <td>{rms === null ? '' : formatFixed(rms, 2)}</td>
                <td className={styles['quiet']}>{formatStep(steps)}</td>
                <td>
                  {recent.length === 0 ? null : (
                    <SparklineLink
                      href={`/runs/${encodeURIComponent(runId)}/layers/${layer}?step=${newestStep}`}
                    >
                      <Sparkline
                        values={recent}
                        width={54}
                        height={16}
                        log
                        hasEndDot
                        label={`Gradient norm of ${name} over the last 60 steps`}
                      />
                    </SparklineLink>
                  )}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {rows.length > shown.length || isWhole ? (
        <Button variant="link" onClick={() => setIsWhole(!isWhole)}>
          {isWhole ? 'Fewer' : `${formatStep(rows.length - shown.length)} more`}
        </Button>
      ) : null}
      {notes.map(({ meaning, count }) => (
        <p key={meaning} className={styles['text']}>
          {countText(count, 'layer')}: {meaning}.
        </p>
      ))}
    </section>
  );
}

/** 4 px of the stage's colour and its letter; the word is there for those who read by ear. */
function StageTick({ letter, word }: { readonly letter: string | null; readonly word: string }) {
  return (
    <span className={styles['tick']}>
      <span
        className={styles['tick_colour']}
        style={{
          background:
            letter === null ? 'var(--divergence)' : `var(--stage-${letter.toLowerCase()})`,
        }}
        aria-hidden
      />
      <b aria-hidden>{letter ?? '!'}</b>
      <span className="visually-hidden">{word}: </span>
    </span>
  );
}

/** How many layers stand in each stage, as wide as they are many. */
function StageBar({ shares }: { readonly shares: readonly StageShare[] }) {
  return (
    <ul className={styles['stage_bar']} aria-label="Layers by stage">
      {shares.map(({ stage, letter, word, count }) => (
        <li
          key={stage}
          title={`${word}: ${countText(count, 'layer')}`}
          style={{
            flexGrow: count,
            background: `var(--stage-${letter.toLowerCase()}, var(--raised))`,
            color: `var(--on-stage-${letter.toLowerCase()}, var(--text2))`,
          }}
        >
          <b>{letter}</b> {formatStep(count)}
        </li>
      ))}
    </ul>
  );
}
