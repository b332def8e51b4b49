import { describe, expect, it } from 'vitest';
import {
  meaningOfField,
  meaningOfLayerField,
  parseRecordedNumber,
} from '@/workers/launcher/tools/import-recording/recorded-fields';

describe('meaningOfField', () => {
  it('knows the fields of a recorded step', () => {
    expect(meaningOfField('lr')).toEqual({ kind: 'known', name: 'learning_rate' });
    expect(meaningOfField('grad_norm')).toEqual({ kind: 'known', name: 'gradient_norm' });
    expect(meaningOfField('wall_time')).toEqual({ kind: 'structural' });
  });

  it('makes anything else a custom scalar of its own name', () => {
    expect(meaningOfField('loss_scale')).toEqual({ kind: 'custom', name: 'loss_scale' });
  });
});

describe('meaningOfLayerField', () => {
  it.each([
    ['grad_norm', 'gradient_norm'],
    ['grad_absmax', 'gradient_abs_max'],
    ['u_std', 'update_std'],
    ['frac_u_lt_0p01', 'update_small_fraction'],
    ['frac_g_lt_eps', 'gradient_below_epsilon_fraction'],
    ['rms_t', 'rms'],
    ['cos_lag1', 'gradient_cosine'],
    ['gradient_sign_agreement', 'gradient_sign_agreement'],
  ])('calls %s %s', (field, name) => {
    expect(meaningOfLayerField(field)).toEqual({ kind: 'known', name });
  });

  it('leaves names and histograms to their own readers, and keeps the rest as custom metrics', () => {
    expect(meaningOfLayerField('u_hist')).toEqual({ kind: 'structural' });
    expect(meaningOfLayerField('trust_ratio')).toEqual({ kind: 'custom', name: 'trust_ratio' });
  });
});

describe('parseRecordedNumber', () => {
  it('reads what JSON cannot say, and nothing else', () => {
    expect(parseRecordedNumber(0.5)).toBe(0.5);
    expect(parseRecordedNumber('NaN')).toBeNaN();
    expect(parseRecordedNumber('-Infinity')).toBe(-Infinity);
    expect(parseRecordedNumber('Infinity')).toBe(Infinity);
    expect(parseRecordedNumber('B_run')).toBeNull();
    expect(parseRecordedNumber(null)).toBeNull();
    expect(parseRecordedNumber([1])).toBeNull();
  });
});
