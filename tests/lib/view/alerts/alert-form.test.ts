import { describe, expect, it } from 'vitest';
import { alertConditionSchema, type AlertRule } from '@/lib/contract/alert-rules';
import { CONDITION_KINDS } from '@/lib/view/alerts/alert-condition';
import {
  changeKind,
  changeMetric,
  layerMetricText,
  matchLayers,
  nameOfCondition,
  parseCondition,
  parseRule,
  type RuleTexts,
  scalarText,
  shownFields,
  startRuleTexts,
  suggestLimit,
  toRuleTexts,
} from '@/lib/view/alerts/alert-form';

const withFields = (texts: RuleTexts, fields: Partial<RuleTexts['fields']>): RuleTexts => ({
  ...texts,
  fields: { ...texts.fields, ...fields },
});
const ofKind = (kind: RuleTexts['kind'], fields: Partial<RuleTexts['fields']> = {}): RuleTexts =>
  withFields(changeKind(startRuleTexts(2.7), kind), fields);

const RULE: AlertRule = {
  id: 'r',
  project: 'p',
  name: 'Norms',
  runId: null,
  condition: { kind: 'divergence' },
  severity: 'page',
  channelIds: ['c'],
  notifyBrowsers: false,
  isEnabled: true,
  mutedUntil: null,
  createdAt: '2026-01-01T00:00:00.000Z',
  updatedAt: '2026-01-01T00:00:00.000Z',
  openCount: 0,
  lastOpenedAt: null,
};

describe('a rule that nobody has touched', () => {
  it('can be saved and tried whatever its kind', () => {
    for (const { kind } of CONDITION_KINDS) {
      const parsed = parseRule(ofKind(kind));
      expect(parsed.kind, kind).toBe('value');
      if (parsed.kind === 'value') expect(parsed.value.condition.kind).toBe(kind);
    }
  });

  it('has a limit that the newest loss is not at', () => {
    expect(suggestLimit(2.72)).toBe('5.4');
    expect(suggestLimit(0.00471)).toBe('0.0094');
    expect([suggestLimit(null), suggestLimit(0), suggestLimit(-3)]).toEqual(['', '', '']);
  });

  it('is named by its condition until somebody names it', () => {
    const parsed = parseRule(ofKind('threshold'));
    expect(parsed).toMatchObject({ value: { name: 'Loss above 5.4' } });
    const named = parseRule({ ...ofKind('threshold'), name: '  Too high ' });
    expect(named).toMatchObject({ value: { name: 'Too high' } });
    expect(nameOfCondition({ kind: 'divergence' })).toBe('The loss diverges');
  });
});

describe('parseCondition', () => {
  it('reads back what it wrote, for every kind of condition', () => {
    const conditions = [
      { kind: 'loss_spike', outlierBatches: true },
      { kind: 'divergence' },
      { kind: 'non_finite', closeAfter: 7 },
      { kind: 'rms_spike', minimumLayers: 3, layers: 'mlp', closeAfter: 9 },
      { kind: 'stage', stage: 'explosion', minimumLayers: 2, closeAfter: 5 },
      {
        kind: 'threshold',
        metric: 'loss',
        side: 'below',
        limit: -1.5,
        clear: 2,
        openAfter: 2,
        closeAfter: 3,
      },
      {
        kind: 'z_score',
        metric: 'rms',
        layers: '^h\\.0',
        side: 'either',
        z: 6.5,
        window: 64,
        openAfter: 1,
        closeAfter: 20,
      },
      { kind: 'no_data', minutes: 0.5 },
      { kind: 'curvature' },
    ].map((condition) => alertConditionSchema.parse(condition));
    for (const condition of conditions) {
      const texts = toRuleTexts({ ...RULE, condition });
      expect(parseCondition(texts)).toEqual({ kind: 'value', value: condition });
    }
  });

  it('asks every layer of a metric of layers where no pattern is typed', () => {
    const texts = ofKind('threshold', { metric: layerMetricText('rms'), limit: '2' });
    expect(parseCondition(texts)).toMatchObject({ value: { metric: 'rms', layers: '.*' } });
    expect(toRuleTexts({ ...RULE, condition: conditionOf(texts) }).fields.layers).toBe('');
  });

  it('asks no layers of a value of the whole model, whatever was typed before', () => {
    const texts = ofKind('threshold', { metric: scalarText('loss'), layers: 'mlp' });
    expect(conditionOf(texts)).not.toHaveProperty('layers');
    expect(shownFields(texts).map(({ name }) => name)).not.toContain('layers');
  });

  it('names the field and what it expects', () => {
    const faults = (texts: RuleTexts) => {
      const parsed = parseCondition(texts);
      return parsed.kind === 'faults' ? [...parsed.faults] : [];
    };
    expect(faults(ofKind('threshold', { limit: 'high' }))).toEqual([
      ['condition.limit', 'Limit: expected a number.'],
    ]);
    expect(faults(ofKind('threshold', { limit: '' }))).toEqual([
      ['condition.limit', 'Limit: expected a number.'],
    ]);
    expect(faults(ofKind('stage', { minimumLayers: '0', closeAfter: '1.5' }))).toEqual([
      ['condition.minimumLayers', 'At least: expected a whole number from 1 to 65 536.'],
      ['condition.closeAfter', 'Close after: expected a whole number from 1 to 100 000.'],
    ]);
    expect(faults(ofKind('rms_spike', { layers: '(' })).map(([path]) => path)).toEqual([
      'condition.layers',
    ]);
    expect(faults(ofKind('z_score', { z: '' }))).toHaveLength(1);
  });

  it('takes a number with a true minus', () => {
    const texts = ofKind('threshold', { limit: '\u22123' });
    expect(conditionOf(texts)).toMatchObject({ limit: -3 });
  });
});

function conditionOf(texts: RuleTexts) {
  const parsed = parseCondition(texts);
  if (parsed.kind === 'faults') throw new Error([...parsed.faults.values()].join());
  return parsed.value;
}

describe('changes', () => {
  it('keep what kinds share, and leave a side that the new kind has not', () => {
    const score = ofKind('z_score', { side: 'either', openAfter: '4', closeAfter: '33' });
    const limit = changeKind(score, 'threshold');
    expect(limit.fields).toMatchObject({ side: 'above', openAfter: '4', closeAfter: '33' });
  });

  it('wait longer for what comes in clusters, unless somebody said how long', () => {
    expect(ofKind('non_finite').fields.closeAfter).toBe('100');
    expect(changeKind(ofKind('non_finite'), 'stage').fields.closeAfter).toBe('20');
  });

  it('take the limit of the loss away from another metric, and bring it back', () => {
    const { fields } = ofKind('threshold');
    const norm = { ...fields, ...changeMetric(fields, scalarText('gradient_norm'), 2.7) };
    expect(norm.limit).toBe('');
    expect(changeMetric(norm, scalarText('loss'), 2.7)).toMatchObject({ limit: '5.4' });
    expect(changeMetric({ ...fields, limit: '9' }, scalarText('gradient_norm'), 2.7)).toEqual({
      metric: scalarText('gradient_norm'),
    });
  });
});

describe('matchLayers', () => {
  it('finds names by the pattern, all of them by none', () => {
    const names = ['wte', 'h.0.mlp', 'h.1.mlp'];
    expect(matchLayers('mlp$', names)).toEqual({ kind: 'matches', matches: names.slice(1) });
    expect(matchLayers(' ', names)).toEqual({ kind: 'matches', matches: names });
  });

  it('says what is wrong with a pattern', () => {
    expect(matchLayers('h.(', ['wte'])).toMatchObject({ kind: 'fault' });
  });
});

it('means the one way to tell where there is one, and none of several', () => {
  const [one, other] = ['a', 'b'].map((id) => ({ id, isEnabled: true }));
  const off = { id: 'c', isEnabled: false };
  const chosenOf = (channels: Parameters<typeof startRuleTexts>[1]) =>
    startRuleTexts(null, channels).channelIds;
  expect(chosenOf([])).toEqual([]);
  expect(chosenOf([one!, off])).toEqual(['a']);
  expect(chosenOf([one!, other!])).toEqual([]);
});
