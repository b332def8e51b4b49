import { describe, expect, it } from 'vitest';
import { parseConditions, runConditionsSchema } from '@/lib/contract/run-conditions';
import { parseGroup, spikeSearchSchema } from '@/lib/contract/spike-search';

describe('conditions on settings', () => {
  it('are a path, an operator and a value each', () => {
    const text = 'optimizer.beta2<0.99, batch size >= 512,dataset=c4\\,en,a.b!=x<y,steps=';
    expect(runConditionsSchema.parse(text)).toBe(text);
    expect(parseConditions(text)).toEqual([
      { path: 'optimizer.beta2', operator: '<', value: '0.99' },
      { path: 'batch size', operator: '>=', value: '512' },
      { path: 'dataset', operator: '=', value: 'c4,en' },
      { path: 'a.b', operator: '!=', value: 'x<y' },
      { path: 'steps', operator: '=', value: '' },
    ]);
  });

  it.each([
    ['beta2', /"beta2": expected one of <= >= != < > = and a value/],
    ['<3', /expected a path before </],
    ['lr<fast', /expected a number after </],
    ['lr<1e999', /expected a number after </],
    ['lr>', /expected a number after >/],
    ['a=b!', null],
    [Array.from({ length: 17 }, () => 'a=1').join(','), /at most 16 conditions/],
    ['a\0=1', /without NUL/],
  ])('say what is wrong with %s', (text, message) => {
    const result = runConditionsSchema.safeParse(text);
    if (message === null) expect(result.success).toBe(true);
    else expect(result.error!.issues[0]!.message).toMatch(message);
  });
});

describe('a search of spikes', () => {
  it('is for loss spikes and divergences unless it says otherwise', () => {
    expect(spikeSearchSchema.parse({})).toEqual({
      ...{ kind: ['loss_spike', 'divergence'], sort: 'newest', limit: 200 },
    });
  });

  it('takes groups that are known and any path of the config', () => {
    expect(parseGroup('beta2')).toEqual({ of: 'attempt', name: 'beta2' });
    expect(parseGroup('mover_layer')).toEqual({ of: 'spike', name: 'mover_layer' });
    expect(parseGroup('config.data.seed')).toEqual({ of: 'setting', path: 'data.seed' });
    expect(parseGroup('config.')).toBeNull();
    expect(spikeSearchSchema.safeParse({ groupBy: 'weather' }).error!.issues[0]!.message).toMatch(
      /expected project, optimizer, model_size/,
    );
  });

  it('takes edges of sizes that ascend', () => {
    expect(spikeSearchSchema.parse({ sizes: '1e8,1e9' }).sizes).toEqual([1e8, 1e9]);
    expect(spikeSearchSchema.safeParse({ sizes: '1e9,1e8' }).success).toBe(false);
    expect(spikeSearchSchema.safeParse({ sizes: '' }).success).toBe(false);
  });
});
