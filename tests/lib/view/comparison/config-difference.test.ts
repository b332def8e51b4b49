import { describe, expect, it } from 'vitest';
import type { RunSettings } from '@/lib/contract/runs';
import { prepareConfigDifference } from '@/lib/view/comparison/config-difference';

const adam = { name: 'adamw', beta1: 0.9, beta2: 0.95, epsilon: 1e-5 };

function aComparedRun(name: string, over: Partial<RunSettings> = {}) {
  return {
    id: name,
    name,
    settings: {
      ...{ id: name, config: {}, layerCount: 69 },
      attempts: [{ attempt: 1, resumeFromStep: 0, optimizer: adam }],
      ...over,
    },
  };
}

const b = aComparedRun('B', { config: { lr: 0.003, model: { depth: 8, act: 'relu' }, seed: 1 } });
const c = aComparedRun('C', {
  config: { lr: 0.006, model: { depth: 6, act: 'relu' }, warmup: 20 },
  attempts: [{ attempt: 1, resumeFromStep: 0, optimizer: { ...adam, beta2: 0.999 } }],
});
const textsOf = (runs: Parameters<typeof prepareConfigDifference>[0], isShowingAll = false) =>
  prepareConfigDifference(runs, isShowingAll).rows.map(({ label, values }) => [
    label,
    ...values.map(({ text }) => text),
  ]);

describe('the settings of two runs', () => {
  it('are those that differ, the optimizer first and nested keys with dots', () => {
    const view = prepareConfigDifference([b, c], false);
    expect(
      view.rows.map(({ label, values }) => [label, ...values.map(({ text }) => text)]),
    ).toEqual([
      ['β₂', '0.95', '0.999'],
      ['lr', '3e−3', '6e−3'],
      ['model.depth', '8', '6'],
      ['seed', '1', '–'],
      ['warmup', '–', '20'],
    ]);
    expect(view.summary).toBe('5 of 10 settings differ');
    expect(view.layout).toBe('row_per_run');
  });

  it('are all of them on demand, with those that differ said', () => {
    const view = prepareConfigDifference([b, c], true);
    expect(view.rows).toHaveLength(10);
    expect(view.rows.filter(({ isDifferent }) => isDifferent)).toHaveLength(5);
    expect(view.rows.find(({ label }) => label === 'layers')).toMatchObject({ isDifferent: false });
    expect(view.layout).toBe('row_per_setting');
  });

  it('tell what a restart changed', () => {
    const restarted = aComparedRun('R', {
      attempts: [
        { attempt: 1, resumeFromStep: 0, optimizer: adam },
        { attempt: 2, resumeFromStep: 1340, optimizer: { ...adam, beta2: 0.99 } },
        { attempt: 3, resumeFromStep: 2000, optimizer: { ...adam, beta2: 0.99 } },
      ],
    });
    expect(textsOf([aComparedRun('B'), restarted])).toEqual([
      ['β₂', '0.95', '0.95, from 1\u202f340: 0.99'],
    ]);
  });

  it('keep apart what is not set, null, and text that looks like a number', () => {
    const runs = [
      aComparedRun('a', { config: { clip: null, lr: '0.1', empty: '' } }),
      aComparedRun('b', { config: { lr: 0.1, empty: ' ' } }),
    ];
    expect(textsOf(runs)).toEqual([
      ['clip', 'null', '–'],
      ['lr', '"0.1"', '0.1'],
      ['empty', '""', '" "'],
    ]);
  });

  it('compare lists and empty objects whole, and a key of the config that others have too', () => {
    const runs = [
      aComparedRun('a', { config: { data: ['x', { y: 1 }], layers: 1, extra: {} } }),
      aComparedRun('b', { config: { data: ['x', { y: 2 }], layers: 1, extra: {} }, layerCount: 3 }),
    ];
    expect(textsOf(runs)).toEqual([
      ['layers', '69', '3'],
      ['data', '["x",{"y":1}]', '["x",{"y":2}]'],
    ]);
  });

  it('keep their kinds together and their names apart', () => {
    const runs = [
      aComparedRun('a', { config: { optimizer: 'adam', layers: 2 } }),
      aComparedRun('b', {
        config: { optimizer: 'soap', layers: 4 },
        attempts: [{ attempt: 1, resumeFromStep: 0, optimizer: { ...adam, weightDecay: 0.1 } }],
      }),
    ];
    expect(textsOf(runs)).toEqual([
      ['weight decay', '–', '0.1'],
      ['config.optimizer', 'adam', 'soap'],
      ['config.layers', '2', '4'],
    ]);
  });

  it('may be the same', () => {
    expect(prepareConfigDifference([b, b], false)).toMatchObject({
      rows: [],
      summary: 'no difference in 9 settings',
    });
  });
});

describe('the settings of one run', () => {
  it('differ from nothing and are shown on demand', () => {
    expect(prepareConfigDifference([b], false).rows).toEqual([]);
    expect(prepareConfigDifference([b], true)).toMatchObject({ summary: '9 settings' });
    expect(prepareConfigDifference([], true)).toMatchObject({ summary: 'no settings were sent' });
  });
});
