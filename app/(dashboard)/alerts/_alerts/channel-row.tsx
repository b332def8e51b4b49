'use client';

import { useState } from 'react';
import type { AlertChannel } from '@/lib/contract/alert-channels';
import { describeChannel } from '@/lib/view/alerts/alert-words';
import { testChannel, toFault } from './alert-api';
import { RowActions, RowSwitch } from './table-parts';
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
        <RowSwitch label={`${name} is sent to`} isOn={isEnabled} onToggle={onToggle} />
      </td>
      <td data-column="actions">
        <RowActions
          name={name}
          actions={[
            { label: 'Test', onClick: () => void send(), isDisabled: test?.kind === 'running' },
            { label: 'Edit', onClick: onEdit },
            { label: 'Delete', onClick: onDelete },
          ]}
        />
      </td>
    </tr>
  );
}

const isOk = (test: Test): boolean | undefined => (test.kind === 'over' ? test.ok : undefined);
