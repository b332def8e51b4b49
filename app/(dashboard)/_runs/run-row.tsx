'use client';

import Link from 'next/link';
import { memo } from 'react';
import type { RunRow } from '@/lib/view/runs/runs-list';
import { Icon } from '@/app/_design/icons';
import { Mark } from '@/app/_design/marks';
import { Checkbox } from '@/app/_components/checkbox';
import { StageChip } from '@/app/_components/stage-chip';
import { StatusDot } from '@/app/_components/status-dot';
import { LossSparkline } from './loss-sparkline';
import styles from './run-row.module.css';

/** What a row can be asked to do; the same functions from poll to poll. */
export interface RowActions {
  readonly toggleChosen: (id: string) => void;
  readonly togglePinned: (id: string) => void;
  readonly edit: (id: string) => void;
}

const WORDS_OF_STATUS = {
  finished: 'Finished',
  stopped: 'Stopped',
  waiting: 'No frames yet',
} as const;

/** A mark where someone should look; how most runs end is a word. */
function Status({ row }: { readonly row: RunRow }) {
  const { kind } = row.status;
  if (kind === 'finished' || kind === 'stopped' || kind === 'waiting')
    return <span className={styles['quiet']}>{WORDS_OF_STATUS[kind]}</span>;
  return (
    <StatusDot kind={kind} {...(row.statusDetail === null ? {} : { detail: row.statusDetail })} />
  );
}

function Events({ row }: { readonly row: RunRow }) {
  if (row.findings.length === 0) return <span className={styles['missing']}>–</span>;
  return (
    <span className={styles['events']}>
      {row.findings.map(({ kind, text, label, isOpen }) => (
        <span
          key={kind}
          className={styles['event']}
          data-kind={kind}
          data-open={isOpen || undefined}
          title={label}
        >
          <Mark kind={kind} size={10} title={label} />
          <span aria-hidden="true">{text}</span>
        </span>
      ))}
    </span>
  );
}

function WorstStage({ view }: { readonly view: RunRow['worstStage'] }) {
  if (view.kind === 'words') {
    return (
      <span className={styles['missing']} title={view.title ?? undefined}>
        {view.words}
      </span>
    );
  }
  return (
    <>
      <StageChip stage={view.stage} />
      {view.detail === null ? null : (
        <span className={styles['stage_detail']} title={`${view.detail} layers`}>
          {view.detail}
        </span>
      )}
    </>
  );
}

/** Grey words after the name: restarts, tags, the first of the notes. */
function Words({ row }: { readonly row: RunRow }) {
  const words = [row.attempt, ...row.tags].filter((word) => word !== null).join(', ');
  return (
    <>
      {words === '' ? null : (
        <span className={styles['words']} title={words}>
          {words}
        </span>
      )}
      {row.notes === '' ? null : (
        <span className={styles['notes']} title={row.notes}>
          <Mark kind="note" size={10} title="Notes" />
          <span className={styles['words']}>{row.notes}</span>
        </span>
      )}
    </>
  );
}

function RunRowView({
  row,
  isChosen,
  actions,
}: {
  readonly row: RunRow;
  readonly isChosen: boolean;
  readonly actions: RowActions;
}) {
  return (
    <tr className={styles['row']} data-run={row.id} data-chosen={isChosen || undefined}>
      <td data-column="choice">
        <label className={styles['choice_label']}>
          <Checkbox
            checked={isChosen}
            onChange={() => actions.toggleChosen(row.id)}
            aria-label={`Choose ${row.name}`}
          />
        </label>
      </td>
      <th scope="row" className={styles['run']} data-column="run">
        <span className={styles['run_words']}>
          {row.isPinned ? (
            <span className={styles['pinned']} title="Pinned">
              <Icon name="pin" size={11} />
              <span className="visually-hidden">Pinned</span>
            </span>
          ) : null}
          {/* Not fetched ahead: a list of 500 would ask for 500 pages. */}
          <Link
            href={`/runs/${encodeURIComponent(row.id)}`}
            prefetch={false}
            className={styles['name']}
            title={row.name}
          >
            {row.name}
          </Link>
          <Words row={row} />
        </span>
        {/* For the mouse; the keyboard has P and E, touch the panel of chosen runs. */}
        <span className={styles['row_actions']}>
          <button
            type="button"
            tabIndex={-1}
            title={row.isPinned ? 'Unpin (P)' : 'Pin (P)'}
            aria-label={`${row.isPinned ? 'Unpin' : 'Pin'} ${row.name}`}
            onClick={() => actions.togglePinned(row.id)}
          >
            <Icon name="pin" />
          </button>
          <button
            type="button"
            tabIndex={-1}
            title="Name, tags, notes (E)"
            aria-label={`Edit ${row.name}`}
            onClick={() => actions.edit(row.id)}
          >
            <Icon name="pencil" />
          </button>
        </span>
      </th>
      <td data-column="status">
        <Status row={row} />
      </td>
      <td data-column="events" data-empty={row.findings.length === 0 || undefined}>
        <Events row={row} />
      </td>
      <td data-column="stage" data-known={row.worstStage.kind === 'stage' || undefined}>
        <WorstStage view={row.worstStage} />
      </td>
      <td data-column="trace">
        <LossSparkline
          runId={row.id}
          name={row.name}
          lastStep={row.lastStep}
          spikeCount={row.spikeCount}
        />
      </td>
      <td
        className={styles['number']}
        data-column="loss"
        data-nonfinite={row.isLastLossNonFinite || undefined}
      >
        {row.lastLoss}
      </td>
      <td className={styles['number']} data-column="step">
        {row.step}
      </td>
      <td className={styles['number']} data-column="speed" data-quiet>
        {row.stepsPerSecond}
      </td>
      <td className={styles['number']} data-column="heard" data-quiet>
        {row.heard}
      </td>
    </tr>
  );
}

/** Words decide whether a row is drawn anew: most stay the same from poll to poll. */
export const RunRowMemo = memo(
  RunRowView,
  (before, after) =>
    before.isChosen === after.isChosen &&
    before.actions === after.actions &&
    writtenRow(before.row) === writtenRow(after.row),
);

function writtenRow({ status, ...rest }: RunRow): string {
  // The age behind the status is written in `heard` and `statusDetail`.
  return JSON.stringify({ ...rest, kind: status.kind });
}
