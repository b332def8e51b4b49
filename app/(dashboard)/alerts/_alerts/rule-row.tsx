'use client';

import Link from 'next/link';
import type { AlertChannel } from '@/lib/contract/alert-channels';
import type { AlertRule, PatchAlertRule } from '@/lib/contract/alert-rules';
import { describeClosing, describeCondition } from '@/lib/view/alerts/alert-condition';
import { describeRule, muteEndMs } from '@/lib/view/alerts/alert-words';
import { SeverityWord } from './severity';
import { RowActions, RowSwitch } from './table-parts';
import styles from './alerts-page.module.css';
import table from './alerts-table.module.css';

export function RuleRow({
  rule,
  now,
  channels,
  onPatch,
  onMute,
  onDelete,
  onEdit,
}: {
  readonly rule: AlertRule;
  readonly now: number;
  readonly channels: readonly AlertChannel[];
  readonly onPatch: (change: PatchAlertRule) => void;
  readonly onMute: () => void;
  readonly onDelete: () => void;
  readonly onEdit: () => void;
}) {
  const { name, condition, runId, severity, channelIds, notifyBrowsers, isEnabled } = rule;
  const words = describeRule(rule, now);
  const isMuted = muteEndMs(rule, now) !== null;
  const told = [
    ...channelIds.map((id) => channels.find((channel) => channel.id === id)?.name ?? 'a channel'),
    ...(notifyBrowsers ? ['open pages'] : []),
  ];
  const closing = describeClosing(condition);
  const incidents = `/alerts?project=${encodeURIComponent(rule.project)}&byRule=${encodeURIComponent(rule.id)}`;
  return (
    <tr data-off={!isEnabled || isMuted || undefined}>
      <td data-column="severity">
        <SeverityWord severity={severity} isQuiet={!isEnabled} />
      </td>
      <th scope="row" data-column="title">
        <button type="button" className={table['name']} onClick={onEdit}>
          {name}
        </button>
        <span className={table['under']}>
          {describeCondition(condition)}
          {closing === null ? '' : `, ${closing}`} · {runId === null ? 'every run' : `run ${runId}`}
        </span>
      </th>
      <td data-column="told">
        {told.length === 0 ? <span className={styles['quiet']}>nobody</span> : told.join(', ')}
      </td>
      <td data-column="history">
        {rule.lastOpenedAt === null ? (
          <span className={styles['quiet']}>{words.history}</span>
        ) : (
          <Link href={incidents} prefetch={false} data-open={rule.openCount > 0 || undefined}>
            {words.history}
          </Link>
        )}
      </td>
      <td data-column="on">
        <RowSwitch
          label={`${name} watches`}
          isOn={isEnabled}
          onToggle={() => onPatch({ isEnabled: !isEnabled })}
        />
        {words.state === null || !isEnabled ? null : (
          <span className={table['until']}>{words.state}</span>
        )}
      </td>
      <td data-column="actions">
        <RowActions
          name={name}
          actions={[
            isMuted
              ? { label: 'Unmute', onClick: () => onPatch({ mutedUntil: null }) }
              : { label: 'Mute', onClick: onMute },
            { label: 'Edit', onClick: onEdit },
            { label: 'Delete', onClick: onDelete },
          ]}
        />
      </td>
    </tr>
  );
}
