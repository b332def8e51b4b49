import { describe, expect, it } from 'vitest';
import { missingColumn } from '@/lib/contract/missing-value';
import type { StageName } from '@/lib/contract/stages';
import { foldNoData } from '@/lib/alerts/no-data';
import type { AlertWarning } from '@/lib/alerts/rule-fold';
import { aContext, aStep, foldAll, losses } from '@/tests/builders/alerts';
import { aSpike } from '@/tests/builders/spike';

describe('a rule on what is not finite', () => {
  const condition = { kind: 'non_finite', closeAfter: 2 } as const;

  it('looks at the loss, the gradient norm and all metrics of layers, and at nothing else', () => {
    expect(foldAll(condition, losses(1, NaN, 1, 1))).toMatchObject([
      { title: 'loss is NaN at step 1', openedStep: 1, closed: { step: 3 } },
    ]);
    const rate = aStep(0, { scalars: { loss: 1, learning_rate: NaN } });
    expect(foldAll(condition, [rate])).toEqual([]);
    const norm = aStep(0, { scalars: { gradient_norm: -Infinity } });
    expect(foldAll(condition, [norm])[0]?.title).toBe('gradient norm is −∞ at step 0');
    const layers = aStep(7, { layers: { rms: [1, 1, 1, 1], update_std: [0, NaN, Infinity, 0] } });
    expect(foldAll(condition, [layers])).toMatchObject([
      {
        title: 'std of u is NaN in 2 layers at step 7: h.0.attn, h.0.mlp',
        ...{ layers: [1, 2], layerCount: 2, peakValue: null, peakStep: 7 },
      },
    ]);
  });

  it('does not take what was not reported for NaN, nor a step without values for a finite one', () => {
    const silent = { ...aStep(0), layerMetrics: new Map([['rms', missingColumn(4)]]) };
    expect(foldAll(condition, [silent])).toEqual([]);
    const steps = [...losses(NaN), aStep(1), aStep(2), aStep(3)];
    expect(foldAll(condition, steps)[0]?.closed).toBeNull();
  });
});

describe('a rule on stages', () => {
  const condition = {
    kind: 'stage',
    stage: 'correlating',
    minimumLayers: 2,
    closeAfter: 2,
  } as const;
  const change = (layer: number, stage: StageName) => ({ layer, stage });

  it('opens once enough layers stand in the stage or a worse one', () => {
    const steps = [
      aStep(0, { stageChanges: [change(0, 'correlating'), change(1, 'update_collapsed')] }),
      aStep(1, { stageChanges: [change(2, 'trigger')] }),
      aStep(2),
      aStep(3, { stageChanges: [change(2, 'recovering')] }),
      aStep(4),
      aStep(5),
    ];
    expect(foldAll(condition, steps)).toMatchObject([
      {
        ...{ openedStep: 1, layers: [0, 2], closed: { step: 4 } },
        title: '2 layers at correlating or worse at step 1: wte, h.0.mlp',
      },
    ]);
  });

  it('knows where layers stood when it began, and passes over others', () => {
    const stagesAtStart = [change(0, 'armed'), change(1, 'armed'), change(3, 'armed')];
    const context = aContext({ stagesAtStart, layerMask: Uint8Array.from([1, 1, 1, 0]) });
    expect(foldAll(condition, [aStep(9)], { context })).toMatchObject([
      { openedStep: 9, layerCount: 2 },
    ]);
    expect(foldAll({ ...condition, minimumLayers: 3 }, [aStep(9)], { context })).toEqual([]);
  });
});

describe('a rule on RMS spikes', () => {
  it('opens where enough layers leave their limit on one step', () => {
    const condition = { kind: 'rms_spike', minimumLayers: 2, closeAfter: 3 } as const;
    const steps = [
      aStep(0, { rmsStarting: [1] }),
      aStep(1, { rmsStarting: [3, 1], layers: { rms: [1, 2.5, 1, 4] } }),
      aStep(2),
      aStep(3, { rmsStarting: [0] }),
      aStep(4),
      aStep(5),
    ];
    expect(foldAll(condition, steps)).toMatchObject([
      {
        ...{ openedStep: 1, layers: [1, 3], peakValue: 4, closed: { step: 4 } },
        title: 'RMS of 2 layers left its limit at step 1, up to 4.00: h.0.attn, lm_head',
      },
    ]);
  });
});

describe('a rule on findings', () => {
  const steps = [aStep(560)];
  const spikes = (...all: ReturnType<typeof aSpike>[]) => ({
    findings: () => ({ spikes: all, warnings: [] }),
  });

  it('tells of a loss spike where it was confirmed, and closes where it recovered', () => {
    const condition = { kind: 'loss_spike', outlierBatches: false } as const;
    expect(foldAll(condition, steps, spikes(aSpike()))).toMatchObject([
      {
        ...{ opening: '1-loss_spike-552', spikeId: '1-loss_spike-552', openedStep: 554 },
        ...{ title: 'loss spike at step 552: loss 1.76 from 0.00480', closed: null },
        ...{ peakValue: 1.76, peakStep: 553, layers: [0], layerCount: 1 },
      },
    ]);
    const over = aSpike({ recoveredStep: 562, recovery: 'fast' });
    expect(foldAll(condition, steps, spikes(over))).toMatchObject([{ closed: { step: 562 } }]);
  });

  it('tells of it once, though its row is written late, moves, or flares up again', () => {
    const condition = { kind: 'loss_spike', outlierBatches: false } as const;
    const states = new Map([
      [0, []],
      [1, [aSpike()]],
      [2, [aSpike({ peakValue: 3, peakStep: 555 })]],
      [3, [aSpike({ peakValue: 3, recoveredStep: 562, recovery: 'fast' })]],
      [4, [aSpike({ peakValue: 3 })]],
    ]);
    const found = foldAll(
      condition,
      [0, 1, 2, 3, 4].map((step) => aStep(step)),
      {
        splits: [0, 1, 2, 3],
        findings: (step) => ({ spikes: states.get(step) ?? [], warnings: [] }),
      },
    );
    expect(found).toMatchObject([{ peakValue: 3, closed: { step: 562 }, openedStep: 554 }]);
    expect(found[0]?.title).toContain('loss 1.76');
  });

  it('says nothing of what was confirmed before it began', () => {
    const condition = { kind: 'loss_spike', outlierBatches: false } as const;
    const context = aContext({ startStep: 554 });
    expect(foldAll(condition, steps, { ...spikes(aSpike()), context })).toEqual([]);
  });

  it('takes outlier batches where they are asked for, and RMS spikes never', () => {
    const outlier = aSpike({ kind: 'outlier_batch', id: 'b', recoveredStep: 555, firstMovers: [] });
    const rms = aSpike({ kind: 'rms_spike', id: 'c' });
    const found = (outlierBatches: boolean) =>
      foldAll({ kind: 'loss_spike', outlierBatches }, steps, spikes(outlier, rms));
    expect(found(false)).toEqual([]);
    expect(found(true)).toMatchObject([{ spikeId: 'b', closed: { step: 555 } }]);
  });

  it('keeps a divergence open until its attempt is over', () => {
    const divergence = aSpike({
      ...{ kind: 'divergence', id: 'd', peakValue: null, recoveredStep: 600, baseline: 2 },
    });
    expect(foldAll({ kind: 'divergence' }, steps, spikes(divergence))).toMatchObject([
      { title: 'divergence at step 552: the loss is not finite', closed: null },
    ]);
  });

  it('tells of curvature while its warning holds', () => {
    const warning: AlertWarning = {
      ...{ id: 'w', kind: 'curvature_beyond_limit', fromStep: 40, toStep: null },
      ...{ peakStep: 44, peakValue: 1.3 },
    };
    const context = aContext({ startStep: 42 });
    const found = (toStep: number | null) =>
      foldAll({ kind: 'curvature' }, steps, {
        context,
        findings: () => ({ spikes: [], warnings: [{ ...warning, toStep }] }),
      });
    expect(found(null)).toMatchObject([
      {
        ...{ openedStep: 40, closed: null, peakValue: 1.3 },
        title: 'curvature beyond its limit: stability ratio 1.30 at step 44',
      },
    ]);
    expect(found(50)).toMatchObject([{ closed: { step: 50 } }]);
    expect(found(41)).toEqual([]);
  });
});

describe('a rule on silence', () => {
  const condition = { kind: 'no_data', minutes: 10 } as const;
  const minute = 60_000;

  it('opens when nothing has come for so long, once, and closes with the next frame', () => {
    const fold = foldNoData(condition, null);
    expect(fold.look(minute, { atMs: 0, step: 4210 }, 0)).toBe(10 * minute);
    expect(fold.changed).toEqual([]);
    expect(fold.look(10 * minute, { atMs: 0, step: 4210 }, 0)).toBe(Infinity);
    expect(fold.changed).toMatchObject([
      {
        ...{ title: 'nothing received for 10 minutes after step 4\u202f210', openedStep: null },
        ...{ opening: '0', closed: null },
      },
    ]);
    fold.forgetChanges();
    const restored = foldNoData(condition, JSON.parse(JSON.stringify(fold.save())));
    expect(restored.look(30 * minute, { atMs: 0, step: 4210 }, 0)).toBe(Infinity);
    expect(restored.changed).toEqual([]);
    expect(restored.look(31 * minute, { atMs: 31 * minute, step: 4211 }, 0)).toBe(41 * minute);
    expect(restored.changed).toMatchObject([{ opening: '0', closed: { step: 4211 } }]);
  });

  it('says so of an attempt that never began', () => {
    const fold = foldNoData({ kind: 'no_data', minutes: 0.1 }, null);
    fold.look(minute, { atMs: 0, step: null }, 0);
    expect(fold.changed[0]?.title).toBe('nothing received for 6 seconds since it began');
  });

  it('does not tell of a silence that had lasted long enough when the rule was made', () => {
    const fold = foldNoData(condition, null);
    expect(fold.look(20 * minute, { atMs: 0, step: 1 }, 15 * minute)).toBe(Infinity);
    expect(fold.changed).toEqual([]);
    const again = { atMs: 20 * minute, step: 2 };
    expect(fold.look(20 * minute, again, 15 * minute)).toBe(30 * minute);
    fold.look(30 * minute, again, 15 * minute);
    expect(fold.changed).toHaveLength(1);
  });
});
