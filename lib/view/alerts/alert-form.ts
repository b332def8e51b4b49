/** A rule as it is typed: texts of fields to what is sent, and faults to their fields. */
import type { AlertChannel } from '../../contract/alert-channels';
import {
  alertConditionSchema,
  type AlertCondition,
  type AlertConditionKind,
  alertRuleDraftSchema,
  type AlertRule,
  type AlertRuleDraft,
  type AlertSeverity,
} from '../../contract/alert-rules';
import {
  conditionKind,
  type ConditionField,
  type ConditionFieldName,
  describeCondition,
} from './alert-condition';

export type ConditionTexts = Readonly<Record<ConditionFieldName, string>>;

export interface RuleTexts {
  /** Empty: the condition's words. */
  readonly name: string;
  /** Empty: every run of the project. */
  readonly runId: string;
  readonly kind: AlertConditionKind;
  readonly fields: ConditionTexts;
  readonly severity: AlertSeverity;
  readonly channelIds: readonly string[];
  readonly notifyBrowsers: boolean;
  readonly isEnabled: boolean;
}

/** What is wrong, by the path of the field in what is sent: "name", "condition.limit". */
export type Faults = ReadonlyMap<string, string>;

export type Parsed<T> =
  | { readonly kind: 'value'; readonly value: T }
  | { readonly kind: 'faults'; readonly faults: Faults };

const LAYER_PREFIX = 'layer:';
const SCALAR_PREFIX = 'scalar:';
const ALL_LAYERS = '.*';
const LONGEST_NAME = 128;

export const layerMetricText = (name: string): string => LAYER_PREFIX + name;
export const scalarText = (name: string): string => SCALAR_PREFIX + name;

/** Whether the chosen metric has a value a layer. */
const isLayerMetric = (fields: ConditionTexts): boolean => fields.metric.startsWith(LAYER_PREFIX);

/** What fields hold before somebody types: values that make sense for most runs. */
const START_TEXTS: ConditionTexts = {
  outlierBatches: '',
  metric: scalarText('loss'),
  side: 'above',
  limit: '',
  clear: '',
  z: '8',
  window: '128',
  stage: 'armed',
  layers: '',
  minimumLayers: '1',
  minutes: '10',
  openAfter: '1',
  closeAfter: '20',
};

/** So long NaN and RMS stay away before they count as over: they come in clusters. */
const CLUSTERED = '100';

/** A limit that a run at this loss is clearly not at: twice the loss, two digits. */
export function suggestLimit(newestLoss: number | null): string {
  if (newestLoss === null || !(newestLoss > 0)) return '';
  return String(Number((2 * newestLoss).toPrecision(2)));
}

/** Another metric: what was suggested for the loss is no limit for it. */
export function changeMetric(
  fields: ConditionTexts,
  metric: string,
  newestLoss: number | null,
): Partial<ConditionTexts> {
  const suggested = suggestLimit(newestLoss);
  if (metric === START_TEXTS.metric && fields.limit === '') return { metric, limit: suggested };
  return metric !== START_TEXTS.metric && fields.limit === suggested
    ? { metric, limit: '' }
    : { metric };
}

export function startRuleTexts(
  newestLoss: number | null,
  channels: readonly Pick<AlertChannel, 'id' | 'isEnabled'>[] = [],
): RuleTexts {
  const working = channels.filter(({ isEnabled }) => isEnabled);
  return {
    name: '',
    runId: '',
    kind: 'loss_spike',
    fields: { ...START_TEXTS, limit: suggestLimit(newestLoss) },
    severity: 'warn',
    // Where there is one way to tell, it is meant; of several somebody chooses.
    channelIds: working.length === 1 ? working.map(({ id }) => id) : [],
    notifyBrowsers: true,
    isEnabled: true,
  };
}

/** The same rule with another kind of condition: what the kinds share stays. */
export function changeKind(texts: RuleTexts, kind: AlertConditionKind): RuleTexts {
  const isClustered = kind === 'non_finite' || kind === 'rms_spike';
  const { closeAfter, side } = texts.fields;
  const isUntouched = closeAfter === CLUSTERED || closeAfter === START_TEXTS.closeAfter;
  return {
    ...texts,
    kind,
    fields: {
      ...texts.fields,
      closeAfter: isUntouched ? (isClustered ? CLUSTERED : START_TEXTS.closeAfter) : closeAfter,
      side: kind === 'threshold' && side === 'either' ? 'above' : side,
    },
  };
}

function toConditionTexts(condition: AlertCondition): ConditionTexts {
  const known: Record<string, string> = {};
  for (const [name, value] of Object.entries(condition)) {
    known[name] = typeof value === 'boolean' ? (value ? 'yes' : '') : String(value);
  }
  const metric =
    'metric' in condition
      ? condition.layers === undefined
        ? scalarText(condition.metric)
        : layerMetricText(condition.metric)
      : START_TEXTS.metric;
  const layers = known['layers'] === ALL_LAYERS ? '' : (known['layers'] ?? '');
  return { ...START_TEXTS, ...pickTexts(known), metric, layers };
}

function pickTexts(known: Readonly<Record<string, string>>): Partial<ConditionTexts> {
  const texts: Partial<Record<ConditionFieldName, string>> = {};
  for (const name of FIELD_NAMES) {
    const text = known[name];
    if (text !== undefined) texts[name] = text;
  }
  return texts;
}

const FIELD_NAMES: readonly ConditionFieldName[] = [
  'outlierBatches',
  'side',
  'limit',
  'clear',
  'z',
  'window',
  'stage',
  'minimumLayers',
  'minutes',
  'openAfter',
  'closeAfter',
];

export function toRuleTexts(rule: AlertRule): RuleTexts {
  return {
    name: rule.name,
    runId: rule.runId ?? '',
    kind: rule.condition.kind,
    fields: toConditionTexts(rule.condition),
    severity: rule.severity,
    channelIds: rule.channelIds,
    notifyBrowsers: rule.notifyBrowsers,
    isEnabled: rule.isEnabled,
  };
}

/** The fields that the condition has as it stands: layers belong to metrics of layers. */
export function shownFields({ kind, fields }: RuleTexts): readonly ConditionField[] {
  const all = conditionKind(kind).fields;
  const hasMetric = all.some(({ name }) => name === 'metric');
  return hasMetric && !isLayerMetric(fields) ? all.filter(({ name }) => name !== 'layers') : all;
}

/** undefined leaves it out; a text that is no number is sent on to be refused. */
function toValue(name: ConditionFieldName, text: string, texts: RuleTexts): unknown {
  const typed = text.trim().replaceAll('\u2212', '-');
  switch (name) {
    case 'outlierBatches':
      return text === 'yes';
    case 'metric':
      return text.replace(/^(layer|scalar):/, '');
    case 'side':
    case 'stage':
      return text;
    case 'layers':
      if (typed !== '') return typed;
      return conditionHasMetric(texts.kind) ? ALL_LAYERS : undefined;
    default:
      return typed === '' ? undefined : Number(typed);
  }
}

const conditionHasMetric = (kind: AlertConditionKind): boolean =>
  conditionKind(kind).fields.some(({ name }) => name === 'metric');

export function parseCondition(texts: RuleTexts): Parsed<AlertCondition> {
  const fields = shownFields(texts);
  const raw: Record<string, unknown> = { kind: texts.kind };
  const faults = new Map<string, string>();
  for (const { name, empty, expects, label } of fields) {
    const value = toValue(name, texts.fields[name], texts);
    if (value !== undefined) raw[name] = value;
    // The schema would put its own default in the place of an emptied field.
    else if (empty === undefined) {
      faults.set(`condition.${name}`, `${label}: expected ${expects}.`);
    }
  }
  const parsed = alertConditionSchema.safeParse(raw);
  if (parsed.success && faults.size === 0) return { kind: 'value', value: parsed.data };
  for (const { path } of parsed.error?.issues ?? []) {
    const field = fields.find(({ name }) => name === path[0]);
    const key = field === undefined ? 'condition' : `condition.${field.name}`;
    faults.set(key, `${field?.label ?? 'Condition'}: expected ${field?.expects ?? 'another one'}.`);
  }
  return { kind: 'faults', faults };
}

/** What a rule is called when nobody named it. */
export function nameOfCondition(condition: AlertCondition): string {
  const words = describeCondition(condition);
  return (words.charAt(0).toUpperCase() + words.slice(1)).slice(0, LONGEST_NAME);
}

export function parseRule(texts: RuleTexts): Parsed<AlertRuleDraft> {
  const condition = parseCondition(texts);
  const faults = new Map(condition.kind === 'faults' ? condition.faults : []);
  const typed = texts.name.trim();
  if (typed.length > LONGEST_NAME) {
    faults.set('name', `Name: expected at most ${LONGEST_NAME} characters.`);
  }
  if (condition.kind === 'faults' || faults.size > 0) return { kind: 'faults', faults };
  const { runId, severity, channelIds, notifyBrowsers, isEnabled } = texts;
  return {
    kind: 'value',
    value: alertRuleDraftSchema.parse({
      name: typed === '' ? nameOfCondition(condition.value) : typed,
      runId: runId === '' ? null : runId,
      condition: condition.value,
      ...{ severity, channelIds, notifyBrowsers, isEnabled },
    }),
  };
}

/** How many layers the pattern fits, by their whole names; what is wrong with it otherwise. */
export function matchLayers(
  pattern: string,
  names: readonly string[],
):
  | { readonly kind: 'matches'; readonly matches: readonly string[] }
  | { readonly kind: 'fault'; readonly message: string } {
  try {
    const expression = new RegExp(pattern.trim(), 'u');
    return { kind: 'matches', matches: names.filter((name) => expression.test(name)) };
  } catch (cause) {
    return { kind: 'fault', message: cause instanceof Error ? cause.message : 'unreadable' };
  }
}
