'use client';

import Link from 'next/link';
import type { FoundSpike } from '@/lib/contract/spike-search';
import { formatNumber, formatSetting, formatStep } from '@/lib/view/text/format-number';
import { recoveryWord } from '@/lib/view/spikes/recovery-words';
import { spikeKindWord, VERDICT_WORDS } from '@/lib/view/spikes/spike-facts';
import { formatParameters } from '@/lib/view/spikes/spike-search-table';
import { LocalTime } from '@/app/_components/notes/local-time';
import { Checkbox } from '@/app/_components/checkbox';
import { classNames } from '@/app/_design/class-names';
import { Mark } from '@/app/_design/marks';
import styles from './spikes-page.module.css';

const MOST_CHOSEN = 2;

const keyOf = ({ run, id }: FoundSpike) => `${run.id} ${id}`;

/** A row a spike; the step leads to its postmortem, two boxes to a comparison. */
export function FoundTable({
  spikes,
  chosen,
  isBusy,
  onChoose,
}: {
  readonly spikes: readonly FoundSpike[];
  readonly chosen: readonly FoundSpike[];
  readonly isBusy: boolean;
  readonly onChoose: (chosen: readonly FoundSpike[]) => void;
}) {
  const chosenKeys = chosen.map(keyOf);
  const toggle = (spike: FoundSpike) =>
    onChoose(
      chosenKeys.includes(keyOf(spike))
        ? chosen.filter((other) => keyOf(other) !== keyOf(spike))
        : [...chosen, spike].slice(-MOST_CHOSEN),
    );
  return (
    <div
      className={styles['scroll']}
      tabIndex={0}
      role="region"
      aria-label="Spikes"
      aria-busy={isBusy}
    >
      <table className={classNames(styles['table'], styles['found'])}>
        <caption className="visually-hidden">Spikes of all runs that match</caption>
        <thead>
          <tr>
            <td className={styles['choice']} />
            <th scope="col">onset</th>
            <th scope="col">run</th>
            <th scope="col">when</th>
            <th scope="col" className={styles['number']}>
              lead
            </th>
            <th scope="col">first mover</th>
            <th scope="col">recovery</th>
            <th scope="col" className={styles['number']}>
              lost steps
            </th>
            <th scope="col" className={styles['number']}>
              peak
            </th>
            <th scope="col" className={styles['number']}>
              size
            </th>
            <th scope="col" className={styles['number']}>
              β₂
            </th>
            <th scope="col" className={styles['number']}>
              ε
            </th>
          </tr>
        </thead>
        <tbody>
          {spikes.map((spike) => (
            <Row
              key={keyOf(spike)}
              spike={spike}
              isChosen={chosenKeys.includes(keyOf(spike))}
              onToggle={() => toggle(spike)}
            />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Row({
  spike,
  isChosen,
  onToggle,
}: {
  readonly spike: FoundSpike;
  readonly isChosen: boolean;
  readonly onToggle: () => void;
}) {
  const { run, kind, onsetStep, attempt, mover, optimizer } = spike;
  const base = `/runs/${encodeURIComponent(run.id)}`;
  return (
    <tr data-chosen={isChosen || undefined}>
      <td className={styles['choice']}>
        <label>
          <Checkbox
            checked={isChosen}
            onChange={onToggle}
            aria-label={`Compare the ${spikeKindWord(kind).toLowerCase()} at ${onsetStep} of ${run.name}`}
          />
        </label>
      </td>
      <th scope="row">
        <span className={styles['onset']}>
          <Mark kind={kind} title={spikeKindWord(kind)} />
          <Link href={spike.postmortem} prefetch={false}>
            {formatStep(onsetStep)}
          </Link>
        </span>
      </th>
      <td className={styles['name']}>
        <Link href={base} prefetch={false} title={run.name}>
          {run.name}
        </Link>
        <small>
          {run.project}
          {attempt > 1 ? `, attempt ${attempt}` : ''}
        </small>
      </td>
      <td data-column="when">{spike.at === null ? '–' : <LocalTime iso={spike.at} />}</td>
      <td className={styles['number']} data-column="lead">
        {mover === null ? '–' : formatStep(mover.leadSteps)}
      </td>
      <td className={styles['name']} data-column="mover">
        {mover === null ? (
          <small>{VERDICT_WORDS[spike.verdict].toLowerCase()}</small>
        ) : (
          <Link
            href={`${base}/layers/${mover.layer}?step=${mover.step}`}
            prefetch={false}
            title={mover.name}
          >
            {mover.name}
          </Link>
        )}
      </td>
      <td data-column="recovery">{recoveryWord(spike.recovery, spike.hasEnded)}</td>
      <td className={styles['number']} data-column="lost">
        {formatStep(spike.lostSteps)}
      </td>
      <td className={styles['number']} data-column="peak">
        {formatNumber(spike.peakValue)}
      </td>
      <td className={styles['number']}>
        {spike.parameters === 0 ? '–' : formatParameters(spike.parameters)}
      </td>
      <td className={styles['number']}>{formatSetting(optimizer.beta2 ?? null)}</td>
      <td className={styles['number']}>{formatSetting(optimizer.epsilon ?? null)}</td>
    </tr>
  );
}
