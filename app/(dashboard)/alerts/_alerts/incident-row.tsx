'use client';

import Link from 'next/link';
import type { Incident } from '@/lib/contract/incidents';
import { formatStep } from '@/lib/view/text/format-number';
import {
  describeIncident,
  incidentHref,
  incidentMark,
  postmortemHref,
  standingOf,
  titleOfIncident,
} from '@/lib/view/alerts/incidents-list';
import { Button } from '@/app/_components/button';
import { Mark } from '@/app/_design/marks';
import { formatWallTime, readersZone, utcZone } from '@/lib/view/text/wall-time';
import { SeverityWord } from './severity';
import styles from './alerts-page.module.css';
import table from './alerts-table.module.css';

/** An incident: how loud, what, where, since when, and whether somebody has it. */
export function IncidentRow({
  incident,
  now,
  onAcknowledge,
}: {
  readonly incident: Incident;
  readonly now: number;
  readonly onAcknowledge: () => void;
}) {
  const words = describeIncident(incident, now);
  const standing = standingOf(incident);
  const postmortem = postmortemHref(incident);
  const openedSeconds = Date.parse(incident.openedAt) / 1000;
  return (
    <tr data-standing={standing}>
      <td data-column="severity">
        <span className={table['severity']}>
          <Mark kind={incidentMark(incident.condition)} size={12} />
          <SeverityWord severity={incident.severity} isQuiet={standing === 'closed'} />
        </span>
      </td>
      <th scope="row" data-column="title">
        <span className={table['title']}>{titleOfIncident(incident)}</span>
        <span className={table['under']}>
          {incident.ruleName}
          {words.layers === null ? null : ` · ${words.layers}`}
          {postmortem === null ? null : (
            <>
              {' · '}
              <Link href={postmortem} prefetch={false}>
                Postmortem
              </Link>
            </>
          )}
        </span>
      </th>
      <td data-column="run">
        <Link
          href={incidentHref(incident)}
          prefetch={false}
          className={table['run'] ?? ''}
          title={incident.runName}
        >
          {incident.runName}
        </Link>
        {incident.attempt === 1 ? null : (
          <span className={styles['quiet']}> attempt {incident.attempt}</span>
        )}
      </td>
      <td data-column="step" data-empty={incident.openedStep === null || undefined}>
        {formatStep(incident.openedStep)}
      </td>
      <td data-column="peak" data-empty={words.peak === null || undefined}>
        {words.peak ?? '–'}
      </td>
      <td data-column="age">
        <time
          dateTime={incident.openedAt}
          title={`opened ${formatWallTime(openedSeconds, readersZone)}, ${formatWallTime(openedSeconds, utcZone)}`}
        >
          {words.age}
          {standing === 'closed' ? ' ago' : ''}
        </time>
      </td>
      <td data-column="state">
        {standing === 'waiting' ? (
          <span className={styles['waiting']}>
            <Button onClick={onAcknowledge} aria-label={`Acknowledge: ${incident.title}`}>
              Acknowledge
            </Button>
            {incident.wasMuted ? <span className={styles['quiet']}>was muted</span> : null}
          </span>
        ) : (
          <span className={styles['quiet']}>{words.state}</span>
        )}
      </td>
    </tr>
  );
}
