import { describe, expect, it } from 'vitest';
import { adamRatioBound } from '@/lib/stats/adam-ratio-bound';

const BETAS = { beta1: 0.9, beta2: 0.95 };

describe('adamRatioBound', () => {
  it.each(['adam', 'AdamW', 'torch.optim.AdamW', 'FusedAdam', 'StableAdamW', 'adam_amsgrad'])(
    'holds r of %s against its betas',
    (name) => {
      expect(adamRatioBound({ name, ...BETAS })).toBeCloseTo(1.165, 3);
    },
  );

  it.each([
    'lion',
    'sgd',
    'muon',
    'adafactor',
    'NAdam',
    'Adamax',
    'adam-mini',
    'AdamW8bit',
    'unknown',
  ])('knows no bound for %s, whose moments are others', (name) => {
    expect(adamRatioBound({ name, ...BETAS })).toBeNull();
  });

  it('knows none without both betas, nor where β1² ≥ β2', () => {
    expect(adamRatioBound({ name: 'adamw' })).toBeNull();
    expect(adamRatioBound({ name: 'adamw', beta1: 0.9 })).toBeNull();
    expect(adamRatioBound({ name: 'adamw', beta2: 0.95 })).toBeNull();
    expect(adamRatioBound({ name: 'adamw', beta1: 0.9, beta2: 0.81 })).toBeNull();
    expect(adamRatioBound({ name: 'adamw', beta1: 0.9, beta2: 0.812 })).not.toBeNull();
  });
});
