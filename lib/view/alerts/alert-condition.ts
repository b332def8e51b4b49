/** Conditions of alert rules as people meet them: a menu, a sentence each, fields, and words. */
import {
  ALERT_STAGES,
  type AlertCondition,
  type AlertConditionKind,
  type AlertSeverity,
} from '../../contract/alert-rules';
import { describeMetric } from '../../contract/standard-metrics';
import { formatCount, formatSetting } from '../text/format-number';
import { stageLabel } from '../stages/stage-label';

export type ConditionFieldName =
  | 'outlierBatches'
  | 'metric'
  | 'side'
  | 'limit'
  | 'clear'
  | 'z'
  | 'window'
  | 'stage'
  | 'layers'
  | 'minimumLayers'
  | 'minutes'
  | 'openAfter'
  | 'closeAfter';

export interface ConditionField {
  readonly name: ConditionFieldName;
  readonly label: string;
  /** After the field: "steps", "min". */
  readonly unit?: string;
  /** What an empty field means, where it may be empty. */
  readonly empty?: string;
  /** What has to be typed, for a fault: "a number". */
  readonly expects: string;
}

export interface ConditionKind {
  readonly kind: AlertConditionKind;
  readonly label: string;
  readonly sentence: string;
  readonly fields: readonly ConditionField[];
}

const STEPS = 'a whole number from 1 to 100 000';
const LAYERS: ConditionField = {
  name: 'layers',
  label: 'Layers',
  empty: 'all layers',
  expects: 'a regular expression of at most 512 characters',
};
const MINIMUM_LAYERS: ConditionField = {
  name: 'minimumLayers',
  label: 'At least',
  unit: 'layers',
  expects: 'a whole number from 1 to 65 536',
};
const OPEN_AFTER: ConditionField = {
  name: 'openAfter',
  label: 'Open after',
  unit: 'steps in a row',
  expects: STEPS,
};
const CLOSE_AFTER: ConditionField = {
  name: 'closeAfter',
  label: 'Close after',
  unit: 'quiet steps',
  expects: STEPS,
};
const METRIC: ConditionField = { name: 'metric', label: 'Metric', expects: 'a metric' };
const SIDE: ConditionField = { name: 'side', label: 'Side', expects: 'a side' };

/** In the order of the menu: what most people want first. */
export const CONDITION_KINDS: readonly ConditionKind[] = [
  {
    kind: 'loss_spike',
    label: 'Loss spike',
    sentence: 'Opens when a loss spike is confirmed, closes when the loss has recovered.',
    fields: [
      { name: 'outlierBatches', label: 'Outlier batches as well', expects: 'a mark or none' },
    ],
  },
  {
    kind: 'divergence',
    label: 'Divergence',
    sentence: 'Opens when the loss runs away for good or is NaN, closes with the attempt.',
    fields: [],
  },
  {
    kind: 'non_finite',
    label: 'NaN or infinite values',
    sentence: 'Opens at the first NaN or ±∞ in the loss, the gradient norm or any layer.',
    fields: [CLOSE_AFTER],
  },
  {
    kind: 'rms_spike',
    label: 'RMS spike',
    sentence:
      'Opens when RMS of enough layers leaves its limit on one step: often before the loss.',
    fields: [MINIMUM_LAYERS, LAYERS, CLOSE_AFTER],
  },
  {
    kind: 'stage',
    label: 'Layers reach a stage',
    sentence: 'Opens when enough layers stand in this stage of the process or a worse one.',
    fields: [
      { name: 'stage', label: 'Stage', expects: 'a stage' },
      MINIMUM_LAYERS,
      LAYERS,
      CLOSE_AFTER,
    ],
  },
  {
    kind: 'threshold',
    label: 'Metric beyond a limit',
    sentence: 'Opens when a value is beyond the limit or not finite, closes well within it.',
    fields: [
      METRIC,
      LAYERS,
      SIDE,
      { name: 'limit', label: 'Limit', expects: 'a number' },
      {
        name: 'clear',
        label: 'Well again at',
        empty: 'the limit',
        expects: 'a number, or nothing',
      },
      OPEN_AFTER,
      CLOSE_AFTER,
    ],
  },
  {
    kind: 'z_score',
    label: 'Metric far from its usual',
    sentence: 'Opens when a value is many robust deviations from the median of those before it.',
    fields: [
      METRIC,
      LAYERS,
      SIDE,
      { name: 'z', label: 'Distance', unit: 'deviations', expects: 'a number from 1 to 1 000' },
      {
        name: 'window',
        label: 'Usual is',
        unit: 'reports back',
        expects: 'a whole number from 16 to 1 024',
      },
      OPEN_AFTER,
      CLOSE_AFTER,
    ],
  },
  {
    kind: 'no_data',
    label: 'No data',
    sentence:
      'Opens when a running run has posted nothing for so long, closes with its next frame.',
    fields: [
      {
        name: 'minutes',
        label: 'Silent for',
        unit: 'min',
        expects: 'a number from 0.1 to 10 080',
      },
    ],
  },
  {
    kind: 'curvature',
    label: 'Edge of stability',
    sentence: 'Opens while κ, the stability ratio of jobs that measure curvature, warns.',
    fields: [],
  },
];

export function conditionKind(kind: AlertConditionKind): ConditionKind {
  const found = CONDITION_KINDS.find((known) => known.kind === kind);
  if (found === undefined) throw new Error(`no condition is called ${kind}`);
  return found;
}

export const SEVERITIES: readonly {
  readonly value: AlertSeverity;
  readonly label: string;
  readonly sentence: string;
}[] = [
  { value: 'page', label: 'Page', sentence: 'wakes somebody' },
  { value: 'warn', label: 'Warn', sentence: 'is for the day' },
  { value: 'note', label: 'Note', sentence: 'stays on the screen' },
];

export const severityLabel = (severity: AlertSeverity): string =>
  SEVERITIES.find(({ value }) => value === severity)?.label ?? severity;

export const STAGE_OPTIONS = ALERT_STAGES.map((stage) => ({
  value: stage,
  label: stageLabel(stage).word,
}));

/** A pattern that every name fits is no condition on names. */
const EVERY_LAYER = ['', '.*'];

const isNarrowed = (layers: string | undefined): layers is string =>
  layers !== undefined && !EVERY_LAYER.includes(layers);

/** "3 or more layers like attn", "a layer". */
function layersPhrase(minimum: number, layers: string | undefined): string {
  const like = isNarrowed(layers) ? ` like ${layers}` : '';
  return minimum === 1 ? `a layer${like}` : `${formatCount(minimum)} or more layers${like}`;
}

const stepsPhrase = (openAfter: number): string =>
  openAfter === 1 ? '' : ` on ${formatCount(openAfter)} steps in a row`;

/** "loss", "gradient norm", "RMS": as in the middle of a sentence. */
function metricWord(metric: string): string {
  const { label } = describeMetric(metric);
  return /^[A-Z][a-z]/.test(label) ? label.charAt(0).toLowerCase() + label.slice(1) : label;
}

function seriesPhrase(metric: string, layers: string | undefined): string {
  const word = metricWord(metric);
  if (layers === undefined) return word;
  return `${word} of ${isNarrowed(layers) ? `a layer like ${layers}` : 'any layer'}`;
}

/** What opens an incident, in words: "loss above 5 on 3 steps in a row". */
export function describeCondition(condition: AlertCondition): string {
  switch (condition.kind) {
    case 'loss_spike':
      return condition.outlierBatches ? 'loss spike or outlier batch' : 'loss spike';
    case 'divergence':
      return 'the loss diverges';
    case 'non_finite':
      return 'NaN or ±∞ in loss, gradient norm or a layer';
    case 'rms_spike':
      return `RMS of ${layersPhrase(condition.minimumLayers, condition.layers)} leaves its limit`;
    case 'stage': {
      const stage = stageLabel(condition.stage).word;
      return `${layersPhrase(condition.minimumLayers, condition.layers)} in stage ${stage} or worse`;
    }
    case 'threshold': {
      const { metric, layers, side, limit, openAfter } = condition;
      return `${seriesPhrase(metric, layers)} ${side} ${formatSetting(limit)}${stepsPhrase(openAfter)}`;
    }
    case 'z_score': {
      const { metric, layers, side, z, window, openAfter } = condition;
      const where = side === 'either' ? 'from' : side;
      return `${seriesPhrase(metric, layers)} ${formatSetting(z)} deviations ${where} the median of ${formatCount(window)} reports${stepsPhrase(openAfter)}`;
    }
    case 'no_data':
      return `no data for ${formatSetting(condition.minutes)} min`;
    case 'curvature':
      return 'κ warns of the edge of stability';
  }
}

/** When it closes again, in words; null where the condition says it by itself. */
export function describeClosing(condition: AlertCondition): string | null {
  if (!('closeAfter' in condition)) return null;
  const steps = `${formatCount(condition.closeAfter)} quiet ${condition.closeAfter === 1 ? 'step' : 'steps'}`;
  return condition.kind === 'threshold' && condition.clear !== undefined
    ? `closes after ${steps} ${condition.side === 'above' ? 'under' : 'over'} ${formatSetting(condition.clear)}`
    : `closes after ${steps}`;
}
