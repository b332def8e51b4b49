'use client';

import { useState, type SyntheticEvent } from 'react';
import type { AlertChannel } from '@/lib/contract/alert-channels';
import type { AlertRule } from '@/lib/contract/alert-rules';
import type { Run, RunSummary } from '@/lib/contract/runs';
import { CONDITION_KINDS, conditionKind, SEVERITIES } from '@/lib/view/alerts/alert-condition';
import {
  changeKind,
  type Faults,
  nameOfCondition,
  parseCondition,
  parseRule,
  type RuleTexts,
  shownFields,
} from '@/lib/view/alerts/alert-form';
import { placeFaults } from '@/lib/view/alerts/channel-form';
import { Button } from '@/app/_components/button';
import { SegmentedControl } from '@/app/_components/segmented-control';
import { SelectMenu } from '@/app/_components/select-menu';
import { TextField } from '@/app/_components/text-field';
import form from '@/app/_components/form.module.css';
import { classNames } from '@/app/_design/class-names';
import { ApiFailure } from '@/app/_hooks/api-client';
import { patchUrl } from '@/app/_hooks/url-store';
import { changeRule, createRule, toFault } from './alert-api';
import { BacktestPanel } from './backtest-panel';
import { ChannelChoice } from './channel-choice';
import { ConditionFields, type KnownMetrics } from './condition-fields';
import { FieldFault } from './field-fault';
import { NewChannel } from './new-channel';
import styles from './rule-editor.module.css';

const NO_FAULTS: Faults = new Map();
const KIND_OPTIONS = CONDITION_KINDS.map(({ kind, label }) => ({ value: kind, label }));

/** A rule as it is typed, and beside it what it would have done on the runs that are stored. */
export function RuleEditor({
  project,
  rule,
  start,
  runs,
  newestRun,
  metrics,
  channels,
  canSendEmail,
  onChannelMade,
}: {
  readonly project: string;
  /** null for a new one. */
  readonly rule: AlertRule | null;
  readonly start: RuleTexts;
  readonly runs: readonly RunSummary[];
  readonly newestRun: Run | null;
  readonly metrics: KnownMetrics;
  readonly channels: readonly AlertChannel[];
  readonly canSendEmail: boolean;
  readonly onChannelMade: () => void;
}) {
  const [texts, setTexts] = useState(start);
  const [serverFaults, setServerFaults] = useState<Faults>(NO_FAULTS);
  const [hasTried, setHasTried] = useState(false);
  const [isSaving, setIsSaving] = useState(false);
  const [isMakingChannel, setIsMakingChannel] = useState(false);
  const change = (patch: Partial<RuleTexts>) => {
    setTexts((before) => ({ ...before, ...patch }));
    setServerFaults(NO_FAULTS);
  };

  const parsed = parseRule(texts);
  const condition = parseCondition(texts);
  const kind = conditionKind(texts.kind);
  const typedFaults = parsed.kind === 'faults' ? parsed.faults : NO_FAULTS;
  // A field that was never touched is not wrong yet; one with something in it is at once.
  const shown = new Map(
    [...typedFaults].filter(([path]) => hasTried || isTyped(texts, path)).concat([...serverFaults]),
  );
  const leave = () => patchUrl({ rule: null }, 'push');
  const save = async (event: SyntheticEvent) => {
    event.preventDefault();
    setHasTried(true);
    if (parsed.kind === 'faults' || isSaving) return;
    setIsSaving(true);
    try {
      if (rule === null) await createRule(project, parsed.value);
      else {
        const { name, runId, condition, severity, channelIds, notifyBrowsers } = parsed.value;
        const patch = { name, runId, condition, severity, channelIds, notifyBrowsers };
        await changeRule(project, rule.id, patch);
      }
      leave();
    } catch (cause) {
      const fields = ['name', 'severity', 'channelIds', 'runId'].concat(
        shownFields(texts).map(({ name }) => `condition.${name}`),
      );
      const details = cause instanceof ApiFailure ? cause.details : [];
      setServerFaults(placeFaults(details, fields, toFault(cause)));
    }
    setIsSaving(false);
  };
  const hasOtherRun = rule !== null && texts.runId !== (rule.runId ?? '');
  const hasOtherCondition =
    rule !== null &&
    condition.kind === 'value' &&
    JSON.stringify(condition.value) !== JSON.stringify(rule.condition);
  return (
    <div className={styles['editor']}>
      <form className={styles['rule']} onSubmit={(event) => void save(event)} noValidate>
        <h2 className={styles['heading']}>{rule === null ? 'New rule' : `Edit ${rule.name}`}</h2>
        <div className={form['field']}>
          <span>When</span>
          <SelectMenu
            label="Condition"
            options={KIND_OPTIONS}
            value={texts.kind}
            onChange={(next) => {
              setTexts(changeKind(texts, next));
              setServerFaults(NO_FAULTS);
            }}
          />
          <p className={form['hint']}>{kind.sentence}</p>
        </div>
        <ConditionFields
          texts={texts}
          metrics={metrics}
          newestRun={newestRun}
          faults={shown}
          onChange={(fields) => change({ fields: { ...texts.fields, ...fields } })}
        />
        <FieldFault faults={shown} path="condition" />
        <div className={form['field']}>
          <span>Runs</span>
          <SelectMenu
            label="Runs"
            options={runOptions(runs, rule?.runId ?? null)}
            value={texts.runId}
            onChange={(runId) => change({ runId })}
          />
          <FieldFault faults={shown} path="runId" />
        </div>
        <div className={form['field']}>
          <span>How loud</span>
          <SegmentedControl
            label="Severity"
            options={SEVERITIES}
            value={texts.severity}
            onChange={(severity) => change({ severity })}
          />
          <p className={form['hint']}>
            {SEVERITIES.map(({ label, sentence }) => `${label} ${sentence}`).join(', ')}.
          </p>
        </div>
        <ChannelChoice
          channels={channels}
          chosen={texts.channelIds}
          notifyBrowsers={texts.notifyBrowsers}
          faults={shown}
          onChange={change}
          onMake={() => setIsMakingChannel(true)}
        />
        <label className={form['field']}>
          Name
          <TextField
            label="Name"
            className={form['input'] ?? ''}
            placeholder={condition.kind === 'value' ? nameOfCondition(condition.value) : ''}
            error={shown.get('name') ?? null}
            value={texts.name}
            onChange={({ target }) => change({ name: target.value })}
          />
          <FieldFault faults={shown} path="name" />
        </label>
        <FieldFault faults={shown} path="" />
        {hasOtherCondition || hasOtherRun ? (
          <p className={form['hint']}>
            With another {hasOtherCondition ? 'condition' : 'choice of runs'} the rule begins anew
            at the newest step, and what it has open closes.
          </p>
        ) : null}
        <div className={classNames(form['buttons'], styles['save'])}>
          <Button variant="primary" type="submit" disabled={isSaving}>
            {isSaving ? 'Saving' : rule === null ? 'Save the rule' : 'Save the changes'}
          </Button>
          <Button onClick={leave}>Cancel</Button>
        </div>
      </form>
      {isMakingChannel ? (
        <NewChannel
          project={project}
          canSendEmail={canSendEmail}
          onMade={(id) => {
            change({ channelIds: [...texts.channelIds, id] });
            onChannelMade();
          }}
          onClose={() => setIsMakingChannel(false)}
        />
      ) : null}
      <BacktestPanel
        project={project}
        condition={condition.kind === 'value' ? condition.value : null}
        runs={texts.runId === '' ? runs : runs.filter(({ id }) => id === texts.runId)}
      />
    </div>
  );
}

/** With the one that is chosen, which may be older than those that are listed. */
function runOptions(runs: readonly RunSummary[], chosen: string | null) {
  const isListed = chosen === null || runs.some(({ id }) => id === chosen);
  return [
    { value: '', label: 'Every run, those to come too' },
    ...(isListed ? [] : [{ value: chosen, label: chosen }]),
    ...runs.map(({ id, name }) => ({ value: id, label: name })),
  ];
}

/** Whether somebody has put something into the field that the path names. */
function isTyped(texts: RuleTexts, path: string): boolean {
  const field = shownFields(texts).find(({ name }) => path === `condition.${name}`);
  return field === undefined || texts.fields[field.name].trim() !== '';
}
