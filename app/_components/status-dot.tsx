import type { ReactNode } from 'react';
import { Mark } from '../_design/marks';
import { classNames } from '../_design/class-names';
import styles from './status-dot.module.css';

/** How a run stands for a viewer: the wire's status, with live and stale told apart. */
export type StatusKind =
  'live' | 'stale' | 'held' | 'catching_up' | 'disconnected' | 'finished' | 'failed' | 'stopped';

const LABELS: Readonly<Record<StatusKind, string>> = {
  live: 'Live',
  stale: 'Stale',
  held: 'View held',
  catching_up: 'Catching up',
  disconnected: 'Connection lost',
  finished: 'Finished',
  failed: 'Failed',
  stopped: 'Stopped',
};

function Shape({ kind }: { readonly kind: StatusKind }) {
  if (kind === 'failed' || kind === 'disconnected') return <Mark kind="divergence" size={9} />;
  if (kind === 'held') return <span className={styles['pause']} aria-hidden />;
  return <span className={classNames(styles['dot'], styles[kind])} aria-hidden />;
}

/** Dot, word and, in grey, a detail such as the age of the newest frame. */
export function StatusDot({
  kind,
  detail,
  label = LABELS[kind],
}: {
  readonly kind: StatusKind;
  readonly detail?: ReactNode;
  readonly label?: string;
}) {
  return (
    <span className={styles['status']}>
      <Shape kind={kind} />
      <span>{label}</span>
      {detail === undefined ? null : (
        <span className={styles['detail']} data-detail>
          {detail}
        </span>
      )}
    </span>
  );
}
