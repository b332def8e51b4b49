'use client';

import Link from 'next/link';
import type { Incident } from '@/lib/contract/incidents';
import { severityLabel } from '@/lib/view/alerts/alert-condition';
import { formatCount } from '@/lib/view/text/format-number';
import {
  describeIncident,
  incidentMark,
  orderIncidents,
  standingOf,
} from '@/lib/view/alerts/incidents-list';
import { Mark } from '../../_design/marks';
import { useNow } from '../../_hooks/use-now';
import styles from './run-incidents.module.css';

const NOW_MS = 5000;

/** What alert rules have open of a run, in one line under its verdict; nothing where nothing is. */
export function RunIncidents({
  runId,
  incidents,
}: {
  readonly runId: string;
  readonly incidents: readonly Incident[];
}) {
  const now = useNow(NOW_MS);
  const open = orderIncidents(incidents.filter((incident) => standingOf(incident) !== 'closed'));
  const [first] = open;
  if (first === undefined || now === null) return null;
  const isWaiting = standingOf(first) === 'waiting';
  const { age, state } = describeIncident(first, now);
  const more = open.length - 1;
  return (
    <section
      className={styles['line']}
      aria-label="Open incidents"
      data-severity={isWaiting ? first.severity : undefined}
    >
      <Mark kind={incidentMark(first.condition)} size={10} />
      <strong>{severityLabel(first.severity)}</strong>
      <span className={styles['title']} role="status">
        {first.title}
      </span>
      <span className={styles['quiet']}>
        {age}
        {isWaiting ? '' : `, ${state}`}
      </span>
      <Link href={`/alerts?run=${encodeURIComponent(runId)}`} prefetch={false}>
        {more === 0
          ? 'Open in alerts'
          : `and ${formatCount(more)} more ${more === 1 ? 'incident' : 'incidents'}`}
      </Link>
    </section>
  );
}
