'use client';

import Link from 'next/link';
import { useState } from 'react';
import { type AlertDelivery, deliveriesReplySchema } from '@/lib/contract/alert-channels';
import { formatAge, formatCount } from '@/lib/view/text/format-number';
import { titleOfIncident } from '@/lib/view/alerts/incidents-list';
import { Button } from '@/app/_components/button';
import { SelectMenu } from '@/app/_components/select-menu';
import { useApi } from '@/app/_hooks/use-api';
import { useUrlState } from '@/app/_hooks/use-url-state';
import { deliveriesPath, retryDelivery, toFault } from './alert-api';
import { ListTools } from './list-tools';
import styles from './alerts-page.module.css';

const STATES = [
  { value: 'dead', label: 'Given up' },
  { value: 'pending', label: 'On their way' },
  { value: 'delivered', label: 'Delivered' },
] as const;
const EMPTY: Readonly<Record<(typeof STATES)[number]['value'], string>> = {
  dead: 'No message was given up.',
  pending: 'No message is on its way.',
  delivered: 'No message has been delivered yet.',
};
const REFRESH_MS = 5000;
const MOST = 100;

/** Messages by what became of them; those that were given up can be sent again. */
export function DeliveriesSection({
  project,
  now,
  onChanged,
}: {
  readonly project: string;
  readonly now: number;
  readonly onChanged: () => void;
}) {
  const [parameters, patchUrl] = useUrlState();
  const status = STATES.find(({ value }) => value === parameters.get('messages'))?.value ?? 'dead';
  const path = deliveriesPath(project, { status, limit: MOST });
  const { data, retry } = useApi(path, deliveriesReplySchema, { refreshMs: REFRESH_MS });
  const [faults, setFaults] = useState<ReadonlyMap<string, string>>(new Map());
  const [said, setSaid] = useState('');
  const sendAgain = async (deliveries: readonly AlertDelivery[]) => {
    const next = new Map<string, string>();
    for (const { id } of deliveries) {
      try {
        await retryDelivery(project, id);
      } catch (cause) {
        next.set(id, toFault(cause));
      }
    }
    setFaults(next);
    const count = deliveries.length - next.size;
    setSaid(
      count === 0
        ? ''
        : `${formatCount(count)} ${count === 1 ? 'message is' : 'messages are'} on the way again.`,
    );
    retry();
    onChanged();
  };
  const items = data?.items ?? [];
  return (
    <section className={styles['messages']} aria-labelledby="messages">
      <div className={styles['tools']}>
        <h2 id="messages">Messages</h2>
        <SelectMenu
          label="Which messages"
          options={STATES}
          value={status}
          onChange={(value) => patchUrl({ messages: value === 'dead' ? null : value }, 'push')}
        />
        {status === 'dead' && items.length > 1 ? (
          <Button onClick={() => void sendAgain(items)}>
            Send {formatCount(items.length)} again
          </Button>
        ) : null}
        <span role="status" className={styles['quiet']}>
          {said}
        </span>
        <ListTools name="Messages" paths={[path]} />
      </div>
      {data === null ? null : items.length === 0 ? (
        <p className={styles['nothing']}>{EMPTY[status]}</p>
      ) : (
        <ul className={styles['deliveries']}>
          {items.map((delivery) => (
            <Delivery
              key={delivery.id}
              delivery={delivery}
              now={now}
              fault={faults.get(delivery.id) ?? delivery.lastError}
              onSend={() => void sendAgain([delivery])}
            />
          ))}
        </ul>
      )}
      {data === null || data.total <= items.length ? null : (
        <p className={styles['more']}>
          Showing {formatCount(items.length)} of {formatCount(data.total)}.
        </p>
      )}
    </section>
  );
}

function Delivery({
  delivery: { runId, incidentTitle, channelName, status, attempts, createdAt, nextAttemptAt },
  now,
  fault,
  onSend,
}: {
  readonly delivery: AlertDelivery;
  readonly now: number;
  readonly fault: string | null;
  readonly onSend: () => void;
}) {
  const tries = `${formatCount(attempts)} ${attempts === 1 ? 'try' : 'tries'}`;
  const next =
    status === 'pending' && nextAttemptAt !== null && Date.parse(nextAttemptAt) > now
      ? `, next in ${formatAge(Date.parse(nextAttemptAt) - now)}`
      : '';
  return (
    <li>
      <span className={styles['delivery']}>
        <Link href={`/runs/${encodeURIComponent(runId)}`} prefetch={false}>
          {titleOfIncident({ title: incidentTitle })}
        </Link>
        <span className={styles['quiet']}>
          to {channelName} · {formatAge(now - Date.parse(createdAt))} ago · {tries}
          {next}
        </span>
        {fault === null || status === 'delivered' ? null : (
          <span className={styles['bad']}>✕ {fault}</span>
        )}
      </span>
      {status === 'dead' ? (
        <Button aria-label={`Send again: ${incidentTitle} to ${channelName}`} onClick={onSend}>
          Send again
        </Button>
      ) : null}
    </li>
  );
}
