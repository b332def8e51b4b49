import { describe, expect, it } from 'vitest';
import { missingColumn } from '@/lib/contract/missing-value';
import { aContext, aStep, aThreshold, foldAll, losses } from '@/tests/builders/alerts';

const spans = (...args: Parameters<typeof foldAll>) =>
  foldAll(...args).map(({ openedStep, closed }) => [openedStep, closed?.step ?? null]);

describe('a threshold', () => {
  it('opens beyond its limit and not at it, and says what, where and how much', () => {
    const condition = aThreshold({ closeAfter: 2 });
    const [incident, ...others] = foldAll(condition, losses(1, 6, 7.314, 9, 6, 1, 1));
    expect(others).toEqual([]);
    expect(incident).toEqual({
      ...{ opening: '2', openedStep: 2, title: 'loss 7.31 above 6.00 at step 2' },
      ...{ peakValue: 9, peakStep: 3, layers: [], layerCount: 0, spikeId: null },
      closed: { step: 5, by: 'recovered' },
    });
  });

  it('asks for so many reports in a row, and steps that report nothing are none', () => {
    const condition = aThreshold({ openAfter: 3 });
    expect(foldAll(condition, losses(7, 7, 1, 7, 7))).toEqual([]);
    const steps = [7, 7, 7].flatMap((loss, index) => [
      aStep(2 * index, { scalars: { loss } }),
      aStep(2 * index + 1, { scalars: { learning_rate: 1 } }),
    ]);
    expect(spans(condition, steps)).toEqual([[4, null]]);
  });

  it('makes one incident of a value that trembles at its limit', () => {
    const condition = aThreshold({ clear: 5, closeAfter: 3 });
    const trembling = losses(7, 5.5, 7, 5.5, 4, 4, 5.5, 4, 4, 4, 7);
    expect(spans(condition, trembling)).toEqual([
      [0, 9],
      [10, null],
    ]);
    // Without a `clear` of its own the limit is where it is well again.
    expect(spans(aThreshold({ closeAfter: 1 }), losses(7, 5.5, 7))).toEqual([
      [0, 1],
      [2, null],
    ]);
  });

  it('counts what is not finite as beyond, on either side', () => {
    for (const side of ['above', 'below'] as const) {
      for (const value of [NaN, Infinity, -Infinity]) {
        const limit = side === 'above' ? 6 : -6;
        const condition = aThreshold({ side, limit, closeAfter: 1 });
        expect(spans(condition, losses(0, value, 0))).toEqual([[1, 2]]);
      }
    }
    const [incident] = foldAll(aThreshold(), losses(NaN, 9));
    expect(incident).toMatchObject({
      ...{ title: 'loss is NaN at step 0', peakValue: null, peakStep: 0 },
    });
  });

  it('below its limit takes the lowest for the peak', () => {
    const condition = aThreshold({ metric: 'learning_rate', side: 'below', limit: 1e-4 });
    const steps = [1e-3, 5e-5, 2e-5, 3e-5].map((rate, step) =>
      aStep(step, { scalars: { learning_rate: rate } }),
    );
    expect(foldAll(condition, steps)).toMatchObject([
      { title: 'learning_rate 5e−5 below 1e−4 at step 1', peakValue: 2e-5, peakStep: 2 },
    ]);
  });

  it('over layers looks at those that are named, and counts each by itself', () => {
    const condition = aThreshold({
      metric: 'rms',
      layers: '^h',
      limit: 2,
      openAfter: 2,
      closeAfter: 2,
    });
    const context = aContext({ layerMask: Uint8Array.from([0, 1, 1, 0]) });
    const rows = [
      [9, 3, 1, 9],
      // Another layer: neither has been beyond twice in a row.
      [9, 1, 3, 9],
      [9, 1, 4.5, 9],
      [9, 3, 3, 9],
      [9, 3, 1, 9],
      [9, 1, 1, 9],
      [9, 1, 1, 9],
    ];
    const steps = rows.map((rms, step) => aStep(step, { layers: { rms } }));
    expect(foldAll(condition, steps, { context })).toMatchObject([
      {
        ...{ openedStep: 2, title: 'RMS 4.50 in h.0.mlp above 2.00 at step 2' },
        ...{ peakValue: 4.5, layers: [1, 2], layerCount: 2, closed: { step: 6 } },
      },
    ]);
  });

  it('names three of many layers, and at most 64 by index', () => {
    const names = Array.from({ length: 100 }, (_, index) => `h.${index}`);
    const context = aContext({ layerNames: names, layerMask: new Uint8Array(100).fill(1) });
    const rms = names.map((_, index) => 3 + index / 100);
    const [incident] = foldAll(
      aThreshold({ metric: 'rms', layers: '', limit: 2 }),
      [aStep(1, { layers: { rms } })],
      { context },
    );
    expect(incident?.title).toBe(
      'RMS up to 3.99 in 100 layers above 2.00 at step 1: h.0, h.1, h.2, …',
    );
    expect(incident?.layers).toHaveLength(64);
    expect(incident?.layerCount).toBe(100);
  });

  it('passes over layers that report nothing', () => {
    const column = missingColumn(4);
    column[2] = 1;
    const steps = [
      aStep(0, { layers: { rms: [1, 5, 1, 1] } }),
      { ...aStep(1), layerMetrics: new Map([['rms', missingColumn(4)]]) },
      { ...aStep(2), layerMetrics: new Map([['rms', column]]) },
    ];
    const condition = aThreshold({ metric: 'rms', layers: '.', limit: 2, closeAfter: 1 });
    expect(spans(condition, steps)).toEqual([[0, 2]]);
  });
});
