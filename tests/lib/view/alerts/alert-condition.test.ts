import { describe, expect, it } from 'vitest';
import { alertConditionSchema } from '@/lib/contract/alert-rules';
import {
  CONDITION_KINDS,
  conditionKind,
  describeClosing,
  describeCondition,
  STAGE_OPTIONS,
} from '@/lib/view/alerts/alert-condition';

const say = (condition: unknown) => describeCondition(alertConditionSchema.parse(condition));

describe('describeCondition', () => {
  it('says every kind in words with its numbers', () => {
    expect([
      say({ kind: 'loss_spike' }),
      say({ kind: 'loss_spike', outlierBatches: true }),
      say({ kind: 'non_finite' }),
      say({ kind: 'rms_spike' }),
      say({ kind: 'rms_spike', minimumLayers: 3, layers: 'attn' }),
      say({ kind: 'stage', stage: 'armed', minimumLayers: 2 }),
      say({ kind: 'threshold', metric: 'loss', limit: 5 }),
      say({ kind: 'threshold', metric: 'rms', layers: '.*', limit: 2.3, openAfter: 3 }),
      say({ kind: 'z_score', metric: 'gradient_norm', layers: 'mlp', z: 8 }),
      say({ kind: 'z_score', metric: 'loss', z: 8, side: 'either' }),
      say({ kind: 'no_data', minutes: 10 }),
    ]).toEqual([
      'loss spike',
      'loss spike or outlier batch',
      'NaN or ±∞ in loss, gradient norm or a layer',
      'RMS of a layer leaves its limit',
      'RMS of 3 or more layers like attn leaves its limit',
      '2 or more layers in stage Armed or worse',
      'loss above 5',
      'RMS of any layer above 2.3 on 3 steps in a row',
      'gradient norm of a layer like mlp 8 deviations above the median of 128 reports',
      'loss 8 deviations from the median of 128 reports',
      'no data for 10 min',
    ]);
  });

  it('says when it closes only where the condition does not say it by itself', () => {
    const closing = (condition: unknown) => describeClosing(alertConditionSchema.parse(condition));
    expect(closing({ kind: 'loss_spike' })).toBeNull();
    expect(closing({ kind: 'non_finite', closeAfter: 1 })).toBe('closes after 1 quiet step');
    expect(closing({ kind: 'threshold', metric: 'loss', limit: 6, clear: 5 })).toBe(
      'closes after 20 quiet steps under 5',
    );
  });
});

describe('the menu', () => {
  it('has every kind of condition once, with a sentence', () => {
    const kinds = alertConditionSchema.options.map((option) => option.shape.kind.value);
    expect(CONDITION_KINDS.map(({ kind }) => kind).sort()).toEqual([...kinds].sort());
    expect(new Set(CONDITION_KINDS.map(({ sentence }) => sentence)).size).toBe(kinds.length);
    for (const kind of kinds) expect(conditionKind(kind).sentence).toMatch(/\.$/);
  });

  it('offers no stage that is health', () => {
    expect(STAGE_OPTIONS.map(({ value }) => value)).not.toContain('healthy');
    expect(STAGE_OPTIONS.length).toBeGreaterThan(5);
  });
});
