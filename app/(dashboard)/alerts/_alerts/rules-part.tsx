'use client';

import { useState } from 'react';
import { channelsReplySchema } from '@/lib/contract/alert-channels';
import {
  alertRulesReplySchema,
  type AlertRule,
  type PatchAlertRule,
} from '@/lib/contract/alert-rules';
import { Button } from '@/app/_components/button';
import { Skeleton } from '@/app/_components/skeleton';
import { EmptyState, ErrorState } from '@/app/_components/states';
import { refreshOpenIncidents, useIncidents } from '@/app/_hooks/incident-feed';
import { patchUrl } from '@/app/_hooks/url-store';
import { useApi } from '@/app/_hooks/use-api';
import { changeRule, channelsPath, deleteRule, rulesPath, toFault } from './alert-api';
import { ConfirmDialog } from './confirm-dialog';
import { ListTools } from './list-tools';
import { MuteDialog } from './mute-dialog';
import { RuleRow } from './rule-row';
import { useGathered } from './use-incident-list';
import styles from './alerts-page.module.css';
import table from './alerts-table.module.css';

const REFRESH_MS = 20_000;

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
  const [fault, setFault] = useState<string | null>(null);
  useIncidents(useGathered(rules.retry));

  const attempt = async (work: () => Promise<unknown>) => {
    setFault(null);
    try {
      await work();
    } catch (cause) {
      setFault(toFault(cause));
    }
    rules.retry();
    refreshOpenIncidents();
  };
  const patch = (rule: AlertRule, change: PatchAlertRule) =>
    void attempt(() => changeRule(project, rule.id, change));
  const openEditor = (rule: string) => patchUrl({ rule, project }, 'push');
  const items = rules.data?.items ?? [];
  return (
    <>
      <div className={styles['tools']}>
        <Button variant="primary" onClick={() => openEditor('new')}>
          New rule
        </Button>
        <ListTools name="Rules" paths={[rulesPath(project)]} />
      </div>
      {fault === null ? null : (
        <p className={styles['fault']} role="alert">
          {fault}
        </p>
      )}
      {rules.data === null && rules.error !== null ? (
        <ErrorState
          title="The rules could not be read."
          message={rules.error.message}
          onRetry={rules.retry}
        />
      ) : rules.data === null || now === null ? (
        <Skeleton text="Reading the rules." shape="rows" />
      ) : items.length === 0 ? (
        <EmptyState
          title={`Nothing watches ${project} yet.`}
          text="A rule is a condition on runs and who is told. It is tried on the runs that are stored before it is saved, so you see what it would have done."
        />
      ) : (
        <table className={table['table']} data-list="rules">
          <caption className="visually-hidden">Rules of {project}</caption>
          <thead>
            <tr>
              <th scope="col" data-column="severity">
                Severity
              </th>
              <th scope="col">Rule</th>
              <th scope="col" data-column="told">
                Told
              </th>
              <th scope="col" data-column="history">
                Incidents
              </th>
              <th scope="col" data-column="on">
                On
              </th>
              <th scope="col" data-column="actions">
                <span className="visually-hidden">What can be done</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {items.map((rule) => (
              <RuleRow
                key={rule.id}
                rule={rule}
                now={now}
                channels={channels.data?.items ?? []}
                onPatch={(change) => patch(rule, change)}
                onMute={() => setAsked({ kind: 'mute', rule })}
                onDelete={() => setAsked({ kind: 'delete', rule })}
                onEdit={() => openEditor(rule.id)}
              />
            ))}
          </tbody>
        </table>
      )}
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
          onConfirm={() => void attempt(() => deleteRule(project, asked.rule.id))}
          onClose={() => setAsked(null)}
        />
      )}
    </>
  );
}
