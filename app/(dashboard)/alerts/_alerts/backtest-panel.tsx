'use client';

import Link from 'next/link';
import { useState } from 'react';
import {
  alertBacktestSchema,
  type AlertCondition,
  type BacktestIncident,
} from '@/lib/contract/alert-rules';
import type { RunSummary } from '@/lib/contract/runs';
import { describeLead, prepareBacktest, VERDICT_WORDS } from '@/lib/view/alerts/backtest-summary';
import { formatCount, formatStep } from '@/lib/view/text/format-number';
import { Button } from '@/app/_components/button';
import { SelectMenu } from '@/app/_components/select-menu';
import { Mark } from '@/app/_design/marks';
import { useBacktest } from './use-backtest';
import styles from './backtest-panel.module.css';

const COUNTS = ['4', '16', '64'] as const;
const SHOWN = 200;
/** The API's own, since none is asked for. */
const HORIZON_STEPS = alertBacktestSchema.shape.horizon.parse(undefined);

const SIGNS: Readonly<Record<BacktestIncident['verdict'], string>> = {
  true: '✓',
  false: '✕',
  too_early_to_say: '?',
};

/** What the rule would have done on stored runs, tried again whenever it changes. */
export function BacktestPanel({
  project,
  condition,
  runs,
}: {
  readonly project: string;
  /** null while a field holds nothing that can be tried. */
  readonly condition: AlertCondition | null;
  /** The newest first. */
  readonly runs: readonly RunSummary[];
}) {
  const [wanted, setWanted] = useState<(typeof COUNTS)[number]>('16');
  const tried = runs.slice(0, Number(wanted));
  const backtest = useBacktest(
    project,
    condition,
    tried.map(({ id }) => id),
  );
  const { replies, doneCount, isRunning, isStopped, fault } = backtest;
  const view = prepareBacktest(replies);
  const nameOf = (id: string) => runs.find((run) => run.id === id)?.name ?? id;
  const counts = COUNTS.filter(
    (count, index) => index === 0 || runs.length > Number(COUNTS[index - 1]),
  );
  const title =
    condition === null
      ? 'Fill in the condition to see what it would have done.'
      : runs.length === 0
        ? 'There is no run to try it on yet.'
        : doneCount === 0
          ? fault === null
            ? 'Trying it on what is stored.'
            : 'It could not be tried.'
          : view.summary;
  return (
    <section className={styles['panel']} aria-labelledby="backtest">
      <header className={styles['head']}>
        <h2 id="backtest" aria-live="polite" data-done={(!isRunning && doneCount > 0) || undefined}>
          {title}
        </h2>
        {condition === null || doneCount === 0 ? null : (
          <p>
            {view.detail}. True is what a spike followed within {formatStep(HORIZON_STEPS)} steps,
            or came with.
          </p>
        )}
      </header>
      <div className={styles['tools']}>
        {counts.length < 2 ? null : (
          <SelectMenu
            label="How many runs it is tried on"
            options={counts.map((count) => ({ value: count, label: `Newest ${count} runs` }))}
            value={wanted}
            onChange={setWanted}
          />
        )}
        {condition === null || runs.length === 0 ? null : isRunning ? (
          <>
            <progress
              className={styles['progress']}
              aria-label="Runs tried"
              max={tried.length}
              value={doneCount}
            />
            <span className={styles['quiet']}>
              {formatCount(doneCount)} of {formatCount(tried.length)} runs
            </span>
            <Button onClick={backtest.stop}>Stop</Button>
          </>
        ) : (
          <>
            <Button onClick={backtest.again}>Try again</Button>
            {isStopped ? (
              <span className={styles['quiet']}>
                Stopped after {formatCount(doneCount)} of {formatCount(tried.length)} runs.
              </span>
            ) : null}
          </>
        )}
      </div>
      {fault === null ? null : (
        <p className={styles['fault']} role="alert">
          {fault}
        </p>
      )}
      {view.incidents.length === 0 && view.missed.length === 0 ? null : (
        <ul className={styles['list']} aria-label="What it would have told, and missed">
          {view.incidents.slice(0, SHOWN).map((incident) => (
            <Told
              key={`${incident.runId} ${incident.attempt} ${incident.openedStep}`}
              incident={incident}
              runName={nameOf(incident.runId)}
            />
          ))}
          {view.missed.slice(0, SHOWN).map(({ runId, spikeId, onsetStep }) => (
            <li key={`${runId} ${spikeId}`} data-verdict="missed">
              <span className={styles['verdict']}>
                <Mark kind="loss_spike" size={10} /> missed
              </span>
              <span className={styles['what']}>
                <span className={styles['where']}>
                  <Link
                    href={`/runs/${encodeURIComponent(runId)}?step=${onsetStep}`}
                    prefetch={false}
                  >
                    {nameOf(runId)}, step {formatStep(onsetStep)}
                  </Link>
                </span>
                <span className={styles['quiet']}>
                  nothing was told of this spike · <Postmortem runId={runId} spikeId={spikeId} />
                </span>
              </span>
            </li>
          ))}
        </ul>
      )}
      {view.incidents.length <= SHOWN ? null : (
        <p className={styles['quiet']}>
          Showing {formatCount(SHOWN)} of {formatCount(view.incidents.length)}.
        </p>
      )}
      {view.caveats.length === 0 ? null : (
        <ul className={styles['caveats']} aria-label="What was not looked at">
          {view.caveats.map(({ runId, text }) => (
            <li key={runId}>
              {nameOf(runId)}: {text}
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}

function Postmortem({ runId, spikeId }: { readonly runId: string; readonly spikeId: string }) {
  const href = `/runs/${encodeURIComponent(runId)}/spikes/${encodeURIComponent(spikeId)}`;
  return (
    <Link href={href} prefetch={false}>
      Postmortem
    </Link>
  );
}

function Told({
  incident: { runId, openedStep, closedStep, title, verdict, spikeId, leadSteps },
  runName,
}: {
  readonly incident: BacktestIncident;
  readonly runName: string;
}) {
  const lead = describeLead(leadSteps);
  return (
    <li data-verdict={verdict}>
      <span className={styles['verdict']}>
        <span aria-hidden>{SIGNS[verdict]}</span> {VERDICT_WORDS[verdict]}
      </span>
      <span className={styles['what']}>
        <span className={styles['where']}>
          <Link href={`/runs/${encodeURIComponent(runId)}?step=${openedStep}`} prefetch={false}>
            {runName}, step {formatStep(openedStep)}
          </Link>
          <span className={styles['quiet']}>
            {closedStep === null ? 'open at the end' : `to ${formatStep(closedStep)}`}
          </span>
        </span>
        <span>{title}</span>
        {lead === null && spikeId === null ? null : (
          <span className={styles['quiet']}>
            {lead ?? ''}
            {lead === null || spikeId === null ? '' : ' · '}
            {spikeId === null ? null : <Postmortem runId={runId} spikeId={spikeId} />}
          </span>
        )}
      </span>
    </li>
  );
}
