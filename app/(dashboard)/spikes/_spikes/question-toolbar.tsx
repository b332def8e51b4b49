'use client';

import type { ReactNode } from 'react';
import { projectsReplySchema } from '@/lib/contract/reads';
import {
  GROUP_CHOICES,
  KIND_CHOICES,
  RECOVERY_CHOICES,
  RECURRING_KIND_CHOICES,
  SORT_CHOICES,
  STAGE_CHOICES,
  timeChoices,
  urlName,
  type QuestionView,
} from '@/lib/view/spikes/spike-question';
import { SelectMenu } from '@/app/_components/select-menu';
import { TextField } from '@/app/_components/text-field';
import { apiPath } from '@/app/_hooks/api-client';
import { useApi } from '@/app/_hooks/use-api';
import { useNow } from '@/app/_hooks/use-now';
import type { QuestionProps } from './question';
import styles from './spikes-page.module.css';

const HOUR_MS = 3_600_000;

export interface Fault {
  /** The parameter of the API that it names. */
  readonly field: string | null;
  readonly text: string;
}

/** The question in fields and menus; each is a parameter of the URL. */
export function QuestionToolbar({
  view,
  parameters,
  patchUrl,
  views,
  fault,
  showing,
  tools,
}: Omit<QuestionProps, 'asked'> & {
  readonly view: QuestionView;
  readonly fault: Fault | null;
  /** "Showing 200 of 640". */
  readonly showing: string;
  readonly tools: ReactNode;
}) {
  const nowMs = useNow(HOUR_MS);
  const projects = useApi(apiPath('/projects'), projectsReplySchema);
  const valueOf = (field: string) => parameters.get(urlName(view, field)) ?? '';
  const set = (field: string, value: string, isStep: boolean) =>
    patchUrl(
      { [urlName(view, field)]: value === '' ? null : value, rows: null },
      isStep ? 'push' : 'replace',
    );
  const text = (field: string, label: string, placeholder: string, className: string) => (
    <TextField
      label={label}
      placeholder={placeholder}
      className={styles[className] ?? ''}
      value={valueOf(field)}
      error={fault?.field === field ? fault.text : null}
      onChange={({ target }) => set(field, target.value, false)}
    />
  );
  const menu = (
    field: string,
    label: string,
    choices: readonly { readonly value: string; readonly label: string }[],
  ) => {
    const value = valueOf(field);
    const isKnown = choices.some((choice) => choice.value === value);
    return (
      <SelectMenu
        label={label}
        options={isKnown ? choices : [...choices, { value, label: value }]}
        value={value}
        onChange={(next) => set(field, next, true)}
      />
    );
  };
  const names = projects.data?.items ?? [];
  return (
    <div className={styles['toolbar']} role="search" aria-label="Question">
      <div className={styles['fields']}>
        {views}
        <span
          className={styles[fault === null ? 'showing' : 'fault']}
          role={fault === null ? 'status' : 'alert'}
        >
          {fault === null ? showing : `${FIELD_WORDS[fault.field ?? ''] ?? ''}${fault.text}`}
        </span>
        <span className={styles['tools']}>{tools}</span>
      </div>
      <div className={styles['fields']}>
        {text('q', 'Runs by name, tag, note or /regex/', 'Runs: name, tag or /regex/', 'wide')}
        {names.length < 2 && valueOf('project') === ''
          ? null
          : menu('project', 'Project', [
              { value: '', label: 'Any project' },
              ...names.map(({ name }) => ({ value: name, label: name })),
            ])}
        {text(
          'config',
          'Conditions on settings, such as optimizer.beta2<0.99',
          'Settings: optimizer.beta2<0.99',
          'wide',
        )}
        {view === 'spikes' ? (
          <>
            {menu('kind', 'Kind', KIND_CHOICES)}
            {menu('recovery', 'Recovery', RECOVERY_CHOICES)}
            {menu('from', 'When', timeChoices(nowMs, valueOf('from')))}
            {text(
              'layer',
              'Layer that moved before, by name or /regex/',
              'Moved: layer or /regex/',
              'middle',
            )}
            {text('minLead', 'Steps by which it moved earlier, at least', '≥ steps', 'narrow')}
            {menu('stage', 'Stage at onset', [
              { value: '', label: 'Any stage at onset' },
              ...STAGE_CHOICES,
            ])}
            {valueOf('stage') === ''
              ? null
              : text(
                  'stageLayer',
                  'Layer in that stage, by name or /regex/',
                  'of layer or /regex/',
                  'middle',
                )}
            <GroupFields valueOf={valueOf} set={set} text={text} menu={menu} />
            {menu('sort', 'Order', SORT_CHOICES)}
          </>
        ) : view === 'stages' ? (
          <>
            {text('layer', 'Layers by name or /regex/', 'Layers: name or /regex/', 'middle')}
            {menu('stage', 'Stage', [{ value: '', label: 'Armed and worse' }, ...STAGE_CHOICES])}
            {menu('groupBy', 'Rows', [
              { value: '', label: 'By layer' },
              { value: 'layer_kind', label: 'By kind of layer' },
            ])}
          </>
        ) : (
          <>
            {menu('kind', 'Kind', RECURRING_KIND_CHOICES)}
            {text('by', 'Settings that say the data order', 'Same data_order', 'middle')}
            {text('within', 'Steps apart at most', '± 1 step', 'narrow')}
          </>
        )}
      </div>
    </div>
  );
}

const FIELD_WORDS: Readonly<Record<string, string>> = {
  q: 'Runs: ',
  config: 'Settings: ',
  layer: 'Layer: ',
  minLead: 'Steps: ',
  stageLayer: 'Layer in that stage: ',
  groupBy: 'Groups: ',
  sizes: 'Sizes: ',
  by: 'Data order: ',
  within: 'Steps apart: ',
};

/** The menu of groups, and what some of them ask for besides. */
function GroupFields({
  valueOf,
  set,
  text,
  menu,
}: {
  readonly valueOf: (field: string) => string;
  readonly set: (field: string, value: string, isStep: boolean) => void;
  readonly text: (field: string, label: string, hint: string, className: string) => ReactNode;
  readonly menu: (
    field: string,
    label: string,
    choices: readonly { readonly value: string; readonly label: string }[],
  ) => ReactNode;
}) {
  const value = valueOf('groupBy');
  if (value.startsWith('config.')) {
    return (
      <>
        <SelectMenu
          label="Groups"
          options={[...GROUP_CHOICES, { value, label: 'By a setting' }]}
          value={value}
          onChange={(next) => set('groupBy', next, true)}
        />
        <TextField
          label="Setting to group by"
          className={styles['middle'] ?? ''}
          value={value.slice('config.'.length)}
          onChange={({ target }) => set('groupBy', `config.${target.value}`, false)}
        />
      </>
    );
  }
  return (
    <>
      {menu('groupBy', 'Groups', [
        ...GROUP_CHOICES,
        { value: 'config.dataset', label: 'By a setting' },
      ])}
      {value === 'model_size'
        ? text(
            'sizes',
            'Edges between sizes, ascending; else powers of ten',
            '1e8,1e9,1e10',
            'middle',
          )
        : null}
    </>
  );
}
