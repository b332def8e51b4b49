'use client';

import Link from 'next/link';
import { memo } from 'react';
import type { RunRow } from '@/lib/view/runs-list';
import { Mark } from '@/app/_design/marks';
import { StageChip } from '@/app/_components/stage-chip';
import { StatusDot } from '@/app/_components/status-dot';
import { LossSparkline } from './loss-sparkline';
import styles from './runs-table.module.css';

export interface RunColumns {
  readonly hasEvents: boolean;
  readonly hasStages: boolean;
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
  if (row.spikeCount === 0) return <span className={styles['missing']}>–</span>;
  const isOpen = row.openSpikeCount > 0;
  return (
    <span className={styles['events']} data-open={isOpen || undefined}>
      <Mark kind="loss_spike" size={10} title="Loss spikes" />
      {row.spikeCount}
      {isOpen ? `, ${row.openSpikeCount} open` : ''}
    </span>
  );
}

function RunRowView({ row, columns }: { readonly row: RunRow; readonly columns: RunColumns }) {
  return (
    <tr className={styles['row']}>
      <th scope="row" className={styles['run']}>
        <span className={styles['run_words']}>
          {/* Not fetched ahead: a list of 500 would ask for 500 pages. */}
          <Link
            href={`/runs/${encodeURIComponent(row.id)}`}
            prefetch={false}
            className={styles['name']}
          >
            {row.name}
          </Link>
          {row.isPinned ? <span className={styles['tags']}>pinned</span> : null}
          {row.attempt === null ? null : <span className={styles['tags']}>{row.attempt}</span>}
          {row.tags.length === 0 ? null : (
            <span className={styles['tags']} title={row.tags.join(', ')}>
              {row.tags.join(', ')}
            </span>
          )}
        </span>
      </th>
      <td className={styles['status']}>
        <Status row={row} />
      </td>
      {columns.hasEvents ? (
        <td className={styles['events_cell']}>
          <Events row={row} />
        </td>
      ) : null}
      <td className={styles['stage']}>
        {columns.hasStages && row.worstStage !== null ? (
          <StageChip stage={row.worstStage} />
        ) : (
          <span className={styles['missing']}>{row.layers}</span>
        )}
      </td>
      <td className={styles['loss']}>
        <LossSparkline runId={row.id} name={row.name} lastStep={row.lastStep} />
      </td>
      <td
        className={styles['number']}
        data-label="loss"
        data-nonfinite={row.isLastLossNonFinite || undefined}
      >
        {row.lastLoss}
      </td>
      <td className={styles['number']} data-label="step">
        {row.step}
      </td>
      <td className={styles['number']} data-label="steps/s" data-quiet>
        {row.stepsPerSecond}
      </td>
      <td className={styles['number']} data-label="heard" data-quiet>
        {row.heard}
      </td>
    </tr>
  );
}

/** Words decide whether a row is drawn anew: most stay the same from poll to poll. */
export const RunRowMemo = memo(
  RunRowView,
  (before, after) =>
    before.columns.hasEvents === after.columns.hasEvents &&
    before.columns.hasStages === after.columns.hasStages &&
    writtenRow(before.row) === writtenRow(after.row),
);

function writtenRow({ status, ...rest }: RunRow): string {
  // The age behind the status is written in `heard` and `statusDetail`.
  return JSON.stringify({ ...rest, kind: status.kind });
}
