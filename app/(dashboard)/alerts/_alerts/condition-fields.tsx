'use client';

import type { Run, RunMetrics } from '@/lib/contract/runs';
import { describeMetric } from '@/lib/contract/standard-metrics';
import { type ConditionField, STAGE_OPTIONS } from '@/lib/view/alerts/alert-condition';
import {
  changeMetric,
  type ConditionTexts,
  type Faults,
  layerMetricText,
  matchLayers,
  type RuleTexts,
  scalarText,
  shownFields,
} from '@/lib/view/alerts/alert-form';
import { formatCount } from '@/lib/view/text/format-number';
import { scalarLabel } from '@/lib/view/text/scalar-label';
import { Checkbox } from '@/app/_components/checkbox';
import { SelectMenu } from '@/app/_components/select-menu';
import { TextField } from '@/app/_components/text-field';
import form from '@/app/_components/form.module.css';
import { FieldFault } from './field-fault';
import styles from './rule-editor.module.css';

export type KnownMetrics = Pick<RunMetrics, 'scalars' | 'layerMetrics'>;

const SIDES = [
  { value: 'above', label: 'above it' },
  { value: 'below', label: 'below it' },
] as const;
const ALL_SIDES = [...SIDES, { value: 'either', label: 'on either side' }] as const;
const SHOWN_LAYERS = 3;

type Change = (fields: Partial<ConditionTexts>) => void;

/** The fields of a kind of condition, each with its unit and what is wrong with it. */
export function ConditionFields({
  texts,
  metrics,
  newestRun,
  faults,
  onChange,
}: {
  readonly texts: RuleTexts;
  readonly metrics: KnownMetrics;
  readonly newestRun: Run | null;
  readonly faults: Faults;
  readonly onChange: Change;
}) {
  return (
    <div className={styles['condition']}>
      {shownFields(texts).map((field) => (
        <div key={field.name} className={styles['pair']} data-field={field.name}>
          <span className={styles['label']}>{field.label}</span>
          <span className={styles['control']}>
            <Control
              field={field}
              texts={texts}
              metrics={metrics}
              newestLoss={newestRun?.lastLoss ?? null}
              fault={faults.get(`condition.${field.name}`) ?? null}
              onChange={onChange}
            />
            {field.unit === undefined ? null : <span>{field.unit}</span>}
          </span>
          {field.name === 'layers' ? (
            <LayerMatches pattern={texts.fields.layers} run={newestRun} />
          ) : null}
          <FieldFault faults={faults} path={`condition.${field.name}`} />
        </div>
      ))}
    </div>
  );
}

function Control({
  field: { name, label, empty, unit },
  texts: { kind, fields },
  metrics,
  newestLoss,
  fault,
  onChange,
}: {
  readonly field: ConditionField;
  readonly texts: RuleTexts;
  readonly metrics: KnownMetrics;
  readonly newestLoss: number | null;
  readonly fault: string | null;
  readonly onChange: Change;
}) {
  switch (name) {
    case 'outlierBatches':
      return (
        <Checkbox
          aria-label={label}
          checked={fields.outlierBatches === 'yes'}
          onChange={({ target }) => onChange({ outlierBatches: target.checked ? 'yes' : '' })}
        />
      );
    case 'metric':
      return (
        <SelectMenu
          label={label}
          options={metricOptions(metrics, fields.metric)}
          value={fields.metric}
          onChange={(metric) => onChange(changeMetric(fields, metric, newestLoss))}
        />
      );
    case 'side':
      return (
        <SelectMenu
          label={label}
          options={kind === 'z_score' ? ALL_SIDES : SIDES}
          value={ALL_SIDES.find(({ value }) => value === fields.side)?.value ?? 'above'}
          onChange={(side) => onChange({ side })}
        />
      );
    case 'stage':
      return (
        <SelectMenu
          label={label}
          options={STAGE_OPTIONS}
          value={STAGE_OPTIONS.find(({ value }) => value === fields.stage)?.value ?? 'armed'}
          onChange={(stage) => onChange({ stage })}
        />
      );
    default:
      return (
        <TextField
          label={unit === undefined ? label : `${label}, ${unit}`}
          inputMode={name === 'layers' ? 'text' : 'decimal'}
          className={(name === 'layers' ? styles['wide'] : styles['number']) ?? ''}
          placeholder={empty ?? ''}
          error={fault}
          value={fields[name]}
          onChange={({ target }) => onChange({ [name]: target.value })}
        />
      );
  }
}

function metricOptions({ scalars, layerMetrics }: KnownMetrics, chosen: string) {
  const options = [
    ...['loss', ...scalars.filter((name) => name !== 'loss' && name !== 'wall_time')].map(
      (name) => ({
        value: scalarText(name),
        label: name === 'loss' ? 'Loss' : scalarLabel(name),
        group: 'Of the whole model',
      }),
    ),
    ...layerMetrics.map((name) => ({
      value: layerMetricText(name),
      label: describeMetric(name).label,
      group: 'Of each layer',
    })),
  ];
  // A rule may watch a metric that these runs do not post.
  return options.some(({ value }) => value === chosen)
    ? options
    : [
        ...options,
        { value: chosen, label: chosen.replace(/^(layer|scalar):/, ''), group: 'Not posted yet' },
      ];
}

/** How many layers of the newest run the pattern fits, as it is typed. */
function LayerMatches({ pattern, run }: { readonly pattern: string; readonly run: Run | null }) {
  if (run === null || run.layers.length === 0) {
    return <p className={form['hint']}>A regular expression on the layers’ names.</p>;
  }
  const found = matchLayers(
    pattern,
    run.layers.map(({ name }) => name),
  );
  if (found.kind === 'fault') {
    return (
      <span className={form['fault']} role="status">
        {found.message}
      </span>
    );
  }
  const { matches } = found;
  const names = matches.slice(0, SHOWN_LAYERS).join(', ');
  const more = matches.length > SHOWN_LAYERS ? ', …' : '';
  return (
    <p className={form['hint']} role="status">
      {formatCount(matches.length)} of {formatCount(run.layers.length)} layers of {run.name}
      {matches.length === 0 ? '' : `: ${names}${more}`}
    </p>
  );
}
