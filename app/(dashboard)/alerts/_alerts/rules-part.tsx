'use client';

import { useState } from 'react';
import { channelsReplySchema } from '@/lib/contract/alert-channels';
import {
  alertRulesReplySchema,
  type AlertRule,
  type PatchAlertRule,
} from '@/lib/contract/alert-rules';
import { refreshOpenIncidents, useIncidents } from '@/app/_hooks/incident-feed';
import { patchUrl } from '@/app/_hooks/url-store';
import { useApi } from '@/app/_hooks/use-api';
import { changeRule, channelsPath, deleteRule, rulesPath } from './alert-api';
import { useAttempt } from './attempt';
import { ConfirmDialog } from './confirm-dialog';
import { ListPart } from './list-part';
import { MuteDialog } from './mute-dialog';
import { RuleRow } from './rule-row';
import { TableHead } from './table-parts';
import { useGathered } from './use-incident-list';
import table from './alerts-table.module.css';

const REFRESH_MS = 20_000;
/** Rule 2 comes before rule 11. */
const BY_NAME = new Intl.Collator('en', { numeric: true });
const COLUMNS = [
  { key: 'severity', label: 'Severity' },
  { key: 'title', label: 'Rule' },
  { key: 'told', label: 'Told' },
  { key: 'history', label: 'Incidents' },
  { key: 'on', label: 'On' },
  { key: 'actions', label: 'What can be done' },
] as const;

/** The rules of a project: what each watches, whom it tells, and what it has found. */
export function RulesPart({
  project,
  now,
}: {
  readonly project: string;
  readonly now: number | null;
}) {
  const rules = useApi(rulesPath(project), alertRulesReplySchema, { refreshMs: REFRESH_MS });
  const channels = useApi(channelsPath(project), channelsReplySchema);
  const [asked, setAsked] = useState<{
    readonly kind: 'mute' | 'delete';
    readonly rule: AlertRule;
  } | null>(null);
  useIncidents(useGathered(rules.retry));
  const [fault, attempt] = useAttempt(() => {
    rules.retry();
    refreshOpenIncidents();
  });
  const patch = (rule: AlertRule, change: PatchAlertRule) =>
    attempt(() => changeRule(project, rule.id, change));
  const openEditor = (rule: string) => patchUrl({ rule, project }, 'push');
  const items = (rules.data?.items ?? []).toSorted((a, b) => BY_NAME.compare(a.name, b.name));
  return (
    <>
      <ListPart
        noun="rule"
        path={rulesPath(project)}
        reply={rules}
        isReady={now !== null}
        fault={fault}
        onNew={() => openEditor('new')}
        empty={{
          title: `Nothing watches ${project} yet.`,
          text: 'A rule is a condition on runs and who is told. It is tried on the runs that are stored before it is saved, so you see what it would have done.',
        }}
      >
        <table className={table['table']} data-list="rules">
          <caption className="visually-hidden">Rules of {project}</caption>
          <TableHead columns={COLUMNS} />
          <tbody>
            {items.map((rule) => (
              <RuleRow
                key={rule.id}
                rule={rule}
                now={now ?? 0}
                channels={channels.data?.items ?? []}
                onPatch={(change) => patch(rule, change)}
                onMute={() => setAsked({ kind: 'mute', rule })}
                onDelete={() => setAsked({ kind: 'delete', rule })}
                onEdit={() => openEditor(rule.id)}
              />
            ))}
          </tbody>
        </table>
      </ListPart>
      {asked?.kind !== 'mute' ? null : (
        <MuteDialog
          name={asked.rule.name}
          onMute={(mutedUntil) => patch(asked.rule, { mutedUntil })}
          onClose={() => setAsked(null)}
        />
      )}
      {asked?.kind !== 'delete' ? null : (
        <ConfirmDialog
          title={`Delete the rule ${asked.rule.name}`}
          text="Nobody is told of what it watches any more. What it has open closes; all that it found stays among the incidents."
          label="Delete the rule"
          onConfirm={() => attempt(() => deleteRule(project, asked.rule.id))}
          onClose={() => setAsked(null)}
        />
      )}
    </>
  );
}
