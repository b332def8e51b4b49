'use client';

import Link from 'next/link';
import { useState, type ReactNode } from 'react';
import type { Run, RunEvent } from '@/lib/contract/runs';
import type { Spike } from '@/lib/contract/reads';
import type { Warning } from '@/lib/contract/warnings';
import {
  formatFactor,
  formatFixed,
  formatSetting,
  formatStep,
} from '@/lib/view/text/format-number';
import { HISTORY_STEPS, type LayerChanges } from '@/lib/view/outlook/layer-changes';
import { countText } from '@/lib/view/outlook/run-condition';
import { Button } from '@/app/_components/button';
import { LayerName } from '@/app/_components/layer-name';
import { Sparkline } from '@/app/_components/sparkline';
import { SparklineLink } from '@/app/_components/sparkline-link';
import { Icon } from '@/app/_design/icons';
import { Mark, NAME_OF_MARK } from '@/app/_design/marks';
import { postmortemOf, titleOfSpike } from '../model/run-view-model';
import type { HappeningsState } from '../model/happenings-state';
import type { RecentLayers } from '../data/use-layer-changes';
import styles from './side-panel.module.css';

const SHOWN_LAYERS = 5;
const SHOWN_EVENTS = 6;
const SHOWN_SETTINGS = 6;

/** Layers by how far their gradient norm stands from its own median. */
export function ChangesSection({
  run,
  recent,
  layerNames,
  hasGradientNorm,
  missingStageInputs,
  note,
}: {
  readonly run: Run;
  readonly recent: RecentLayers | null;
  readonly layerNames: readonly string[];
  readonly hasGradientNorm: boolean;
  /** What no layer reports of what a stage is read from; empty where stages are known. */
  readonly missingStageInputs: readonly string[];
  /** What the layers alone do not tell of an open spike; null where they do. */
  readonly note: string | null;
}) {
  const [isWhole, setIsWhole] = useState(false);
  const changes = recent?.changes ?? null;
  const hasRms = recent?.figures.rms.some(Number.isFinite) === true;
  const shown = isWhole ? (changes?.items ?? []) : (changes?.items.slice(0, SHOWN_LAYERS) ?? []);
  const rest = (changes?.items.length ?? 0) - shown.length;
  return (
    <section className={styles['section']} aria-labelledby="changed-most">
      <header className={styles['header']}>
        <h2 id="changed-most">Changed most now</h2>
        <span>{countText(run.layerCount, 'layer')}</span>
      </header>
      {note === null ? null : <p className={styles['text']}>{note}</p>}
      {missingStageInputs.length === 0 ? null : (
        <p className={styles['text']}>
          Layers cannot be placed in a stage: this run lacks {missingStageInputs.join(', ')}.
        </p>
      )}
      <NonFiniteLayers
        runId={run.id}
        layers={changes?.nonFinite ?? []}
        layerNames={layerNames}
        newestStep={changes?.newestStep ?? null}
      />
      {!hasGradientNorm ? (
        <p className={styles['text']}>This run reports no gradient norm per layer.</p>
      ) : recent === null || changes === null ? null : changes.items.length === 0 ? (
        changes.nonFinite.length > 0 ? null : (
          <p className={styles['text']}>
            Too little history: {changes.historySteps} of {HISTORY_STEPS} steps.
          </p>
        )
      ) : (
        <>
          <table className={styles['table']}>
            <caption className="visually-hidden">
              Gradient norm at step {formatStep(changes.newestStep)} against its median of the last{' '}
              {changes.historySteps} reported steps
            </caption>
            <thead>
              <tr>
                <th scope="col">Layer</th>
                {hasRms ? (
                  <th scope="col">
                    RMS<sub>t</sub>
                  </th>
                ) : null}
                <th
                  scope="col"
                  title={`Gradient norm over its median of the last ${changes.historySteps} steps`}
                >
                  × median
                </th>
                <th scope="col">60 steps</th>
              </tr>
            </thead>
            <tbody>
              {shown.map(({ layer, factor, recent: values }) => (
                <tr key={layer}>
                  <td>
                    <Link
                      href={`/runs/${encodeURIComponent(run.id)}/layers/${layer}?step=${changes.newestStep ?? 0}`}
                    >
                      <LayerName name={layerNames[layer] ?? `layer ${layer}`} />
                    </Link>
                  </td>
                  {hasRms ? (
                    <td>{formatFixed(finiteOrNull(recent.figures.rms[layer]), 2)}</td>
                  ) : null}
                  <td>{formatFactor(factor)}</td>
                  <td>
                    <SparklineLink
                      href={`/runs/${encodeURIComponent(run.id)}/layers/${layer}?step=${changes.newestStep ?? 0}`}
                    >
                      <Sparkline
                        values={values}
                        width={54}
                        height={16}
                        log
                        hasEndDot
                        label={`Gradient norm of ${layerNames[layer] ?? ''} over the last 60 steps`}
                      />
                    </SparklineLink>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
          {rest > 0 ? (
            <Button variant="link" onClick={() => setIsWhole(true)}>
              {formatStep(rest)} more
            </Button>
          ) : isWhole ? (
            <Button variant="link" onClick={() => setIsWhole(false)}>
              Fewer
            </Button>
          ) : null}
        </>
      )}
    </section>
  );
}

/** Layers whose gradient norm is no number now, who was first at the top. */
function NonFiniteLayers({
  runId,
  layers,
  layerNames,
  newestStep,
}: {
  readonly runId: string;
  readonly layers: LayerChanges['nonFinite'];
  readonly layerNames: readonly string[];
  readonly newestStep: number | null;
}) {
  const [isWhole, setIsWhole] = useState(false);
  if (layers.length === 0) return null;
  const shown = isWhole ? layers : layers.slice(0, SHOWN_LAYERS);
  return (
    <>
      <table className={styles['table']}>
        <caption className="visually-hidden">
          Layers whose gradient norm is not finite at step {formatStep(newestStep)}, the first one
          first
        </caption>
        <thead>
          <tr>
            <th scope="col">Not finite now</th>
            <th scope="col">since</th>
          </tr>
        </thead>
        <tbody>
          {shown.map(({ layer, sinceStep }) => (
            <tr key={layer}>
              <td>
                <span className={styles['tick']}>
                  <Mark kind="divergence" size={10} />
                </span>
                <Link
                  href={`/runs/${encodeURIComponent(runId)}/layers/${layer}?step=${sinceStep ?? newestStep ?? 0}`}
                >
                  {layerNames[layer]}
                </Link>
              </td>
              <td>{sinceStep === null ? 'earlier' : formatStep(sinceStep)}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {layers.length > SHOWN_LAYERS ? (
        <Button variant="link" onClick={() => setIsWhole(!isWhole)}>
          {isWhole ? 'Fewer' : `${formatStep(layers.length - shown.length)} more`}
        </Button>
      ) : null}
    </>
  );
}

const finiteOrNull = (value: number | undefined): number | null =>
  value !== undefined && Number.isFinite(value) ? value : null;

/** The optimizer and the job's own settings. */
export function ConfigurationSection({ run }: { readonly run: Run }) {
  const [isWhole, setIsWhole] = useState(false);
  const { optimizer, config } = run;
  const settings: (readonly [ReactNode, string, string])[] = [];
  const add = (label: ReactNode, key: string, value: number | undefined) => {
    if (value !== undefined) settings.push([label, key, formatSetting(value)]);
  };
  add(
    <>
      β<sub>1</sub>
    </>,
    'beta1',
    optimizer.beta1,
  );
  add(
    <>
      β<sub>2</sub>
    </>,
    'beta2',
    optimizer.beta2,
  );
  add('ε', 'epsilon', optimizer.epsilon);
  add('weight decay', 'weightDecay', optimizer.weightDecay);
  const own = Object.entries(config);
  const shown = isWhole ? own : own.slice(0, SHOWN_SETTINGS);
  return (
    <section className={styles['section']} aria-labelledby="configuration">
      <header className={styles['header']}>
        <h2 id="configuration">Optimizer and settings</h2>
        <span>{optimizer.name}</span>
      </header>
      <dl className={styles['settings']}>
        {settings.map(([label, key, value]) => (
          <div key={key}>
            <dt>{label}</dt>
            <dd>{value}</dd>
          </div>
        ))}
        {shown.map(([key, value]) => (
          <div key={`config ${key}`}>
            <dt>{key}</dt>
            <dd>{settingText(value)}</dd>
          </div>
        ))}
      </dl>
      {own.length > shown.length ? (
        <Button variant="link" onClick={() => setIsWhole(true)}>
          {own.length - shown.length} more settings
        </Button>
      ) : isWhole ? (
        <Button variant="link" onClick={() => setIsWhole(false)}>
          Fewer settings
        </Button>
      ) : null}
    </section>
  );
}

function settingText(value: unknown): string {
  if (typeof value === 'number') return formatSetting(value);
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** What was posted and found, newest first. */
export function EventsSection({
  runId,
  events,
  spikes,
  warnings,
  state,
  onRetry,
  onGo,
  onNote,
  isWhole = false,
}: {
  readonly runId: string;
  readonly events: readonly RunEvent[];
  readonly spikes: readonly Spike[];
  readonly warnings: readonly Warning[];
  readonly state: HappeningsState;
  readonly onRetry: () => void;
  readonly onGo: (step: number) => void;
  readonly onNote: () => void;
  readonly isWhole?: boolean;
}) {
  const items = [
    ...events.map(({ id, kind, step, title }) => ({ id, kind, step, title, href: null })),
    ...spikes.map((spike) => ({
      id: spike.id,
      kind: spike.kind,
      step: spike.onsetStep,
      title: titleOfSpike(spike),
      href: postmortemOf(runId, spike.id),
    })),
    ...warnings.map(({ id, fromStep, title }) => ({
      id,
      kind: 'warning' as const,
      step: fromStep,
      title,
      href: null,
    })),
  ].sort((a, b) => b.step - a.step);
  const shown = isWhole ? items : items.slice(0, SHOWN_EVENTS);
  return (
    <section className={styles['section']} aria-labelledby="latest-events">
      <header className={styles['header']}>
        <h2 id="latest-events">Latest events</h2>
        <span>{items.length > shown.length ? `${shown.length} of ${items.length}` : null}</span>
      </header>
      {state.kind === 'reading' ? (
        <p className={styles['text']}>Reading spikes and events.</p>
      ) : state.kind === 'failed' ? (
        <p className={styles['text']} role="alert">
          Spikes and events could not be read: {state.message}.{' '}
          <Button variant="link" onClick={onRetry}>
            Try again
          </Button>
        </p>
      ) : items.length === 0 ? (
        <p className={styles['text']}>Nothing was posted.</p>
      ) : null}
      {items.length === 0 ? null : (
        <ul className={styles['events']}>
          {shown.map(({ id, kind, step, title, href }) => (
            <li key={id}>
              <button type="button" onClick={() => onGo(step)}>
                <Mark kind={kind} title={NAME_OF_MARK[kind]} />
                <span>{title}</span>
                <span>{formatStep(step)}</span>
              </button>
              {href === null ? null : (
                <Link
                  href={href}
                  prefetch={false}
                  aria-label={`Postmortem of ${title} at ${formatStep(step)}`}
                  title="Postmortem"
                >
                  <Icon name="arrowRight" size={10} />
                </Link>
              )}
            </li>
          ))}
        </ul>
      )}
      <p className={styles['actions']}>
        <Button variant="link" onClick={onNote}>
          Write a note
        </Button>
        <Link href={`/runs/${encodeURIComponent(runId)}/notes`} prefetch={false}>
          All notes
        </Link>
      </p>
    </section>
  );
}
