'use client';

import { useState } from 'react';
import type { AlertChannel } from '@/lib/contract/alert-channels';
import { describeChannel } from '@/lib/view/alert-words';
import { Button } from '@/app/_components/button';
import { testChannel, toFault } from './alert-api';
import styles from './alerts-page.module.css';
import table from './alerts-table.module.css';

type Test =
  | { readonly kind: 'running' }
  | { readonly kind: 'over'; readonly ok: boolean; readonly message: string };

export function ChannelRow({
  channel,
  now,
  onTested,
  onToggle,
  onEdit,
  onDelete,
}: {
  readonly channel: AlertChannel;
  readonly now: number;
  readonly onTested: () => void;
  readonly onToggle: () => void;
  readonly onEdit: () => void;
  readonly onDelete: () => void;
}) {
  const [test, setTest] = useState<Test | null>(null);
  const { name, target, isEnabled } = channel;
  const words = describeChannel(channel, now);
  const send = async () => {
    setTest({ kind: 'running' });
    try {
      setTest({ kind: 'over', ...(await testChannel(channel.project, channel.id)) });
    } catch (cause) {
      setTest({ kind: 'over', ok: false, message: toFault(cause) });
    }
    onTested();
  };
  return (
    <tr data-off={!isEnabled || undefined}>
      <th scope="row" data-column="title">
        <span className={table['title']}>{name}</span>
        <span className={table['under']}>{words.kind}</span>
      </th>
      <td data-column="target">{target}</td>
      <td data-column="delivered">
        <span>{words.state}</span>
        {words.fault === null ? null : <span className={styles['bad']}>✕ {words.fault}</span>}
        {test === null ? null : (
          <span role="status" className={styles['result']} data-ok={isOk(test)}>
            {test.kind === 'running'
              ? 'Sending a test.'
              : `${test.ok ? '✓ Test delivered' : '✕ Test failed'}: ${test.message}`}
          </span>
        )}
      </td>
      <td data-column="on">
        <label className={styles['switch']}>
          <input
            type="checkbox"
            role="switch"
            aria-label={`${name} is sent to`}
            checked={isEnabled}
            onChange={onToggle}
          />
          <span className={styles['knob']} aria-hidden />
        </label>
      </td>
      <td data-column="actions">
        <span className={table['actions']}>
          <Button
            variant="quiet"
            aria-label={`Test ${name}`}
            disabled={test?.kind === 'running'}
            onClick={() => void send()}
          >
            Test
          </Button>
          <Button variant="quiet" aria-label={`Edit ${name}`} onClick={onEdit}>
            Edit
          </Button>
          <Button variant="quiet" aria-label={`Delete ${name}`} onClick={onDelete}>
            Delete
          </Button>
        </span>
      </td>
    </tr>
  );
}

const isOk = (test: Test): boolean | undefined => (test.kind === 'over' ? test.ok : undefined);
