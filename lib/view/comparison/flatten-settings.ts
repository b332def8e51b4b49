import type { Optimizer, RunSettings } from '../../contract/runs';
import { formatExactly } from '../text/format-exactly';
import { formatCount, formatStep } from '../text/format-number';

export interface SettingValue {
  readonly text: string;
  readonly isSet: boolean;
  /** Equal exactly when two values are the same; null where nothing is set. */
  readonly identity: string | null;
}

/** In the order in which they are shown. */
export const SETTING_KINDS = ['optimizer', 'layers', 'config'] as const;

export interface Setting {
  readonly kind: (typeof SETTING_KINDS)[number];
  /** Apart from all others: a config may have "layers" of its own. */
  readonly key: string;
  readonly label: string;
  readonly value: SettingValue;
}

type Json = RunSettings['config'][string];

const OPTIMIZER_FIELDS: readonly (readonly [keyof Optimizer, string])[] = [
  ['name', 'optimizer'],
  ['beta1', 'β₁'],
  ['beta2', 'β₂'],
  ['epsilon', 'ε'],
  ['weightDecay', 'weight decay'],
];

const LAYERS_LABEL = 'layers';

/** Names that a key of the config would share with something else. */
const TAKEN_LABELS = new Set([LAYERS_LABEL, ...OPTIMIZER_FIELDS.map(([, label]) => label)]);

/**
 * What a run was told as a flat list: the optimizer with its changes from attempt to
 * attempt, the number of layers, then the config, keys of nested objects joined by dots.
 */
export function flattenSettings({ attempts, layerCount, config }: RunSettings): readonly Setting[] {
  const optimizer = OPTIMIZER_FIELDS.flatMap(([field, label]): Setting[] => {
    const value = overAttempts(attempts, field);
    return value === null ? [] : [{ kind: 'optimizer', key: `optimizer ${field}`, label, value }];
  });
  const layers: Setting = {
    ...{ kind: 'layers', key: 'layers', label: LAYERS_LABEL },
    value: { text: formatCount(layerCount), isSet: true, identity: String(layerCount) },
  };
  return [...optimizer, layers, ...flattenConfig(config)];
}

/** "3e−3", or "3e−3, from 340: 1e−3" where a later attempt had another; null where none had any. */
function overAttempts(
  attempts: RunSettings['attempts'],
  field: keyof Optimizer,
): SettingValue | null {
  const parts: string[] = [];
  let before: string | null = null;
  let isSet = false;
  for (const { resumeFromStep, optimizer } of attempts) {
    const value = optimizer[field];
    const text = value === undefined ? '–' : formatJson(value);
    isSet ||= value !== undefined;
    if (text !== before) {
      parts.push(before === null ? text : `from ${formatStep(resumeFromStep)}: ${text}`);
    }
    before = text;
  }
  const text = parts.join(', ');
  return isSet ? { text, isSet, identity: text } : null;
}

function flattenConfig(config: RunSettings['config'], path = ''): readonly Setting[] {
  return Object.entries(config).flatMap(([name, value]): readonly Setting[] => {
    const key = path === '' ? name : `${path}.${name}`;
    if (isObject(value) && Object.keys(value).length > 0) return flattenConfig(value, key);
    return [
      {
        ...{ kind: 'config', key: `config ${key}` },
        label: TAKEN_LABELS.has(key) ? `config.${key}` : key,
        value: { text: formatJson(value), isSet: true, identity: JSON.stringify(value) },
      },
    ];
  });
}

function isObject(value: Json): value is Record<string, Json> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Strings that look like another kind of value are quoted, so that "1" and 1 read differently. */
function formatJson(value: Json): string {
  if (typeof value === 'number') return formatExactly(value);
  if (typeof value !== 'string') return JSON.stringify(value);
  const isAmbiguous =
    value.trim() === '' || /^(true|false|null|[-+]?[\d.]+(e[-+]?\d+)?)$/i.test(value);
  return isAmbiguous ? JSON.stringify(value) : value;
}
