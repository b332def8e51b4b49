import { describe, expect, it } from 'vitest';
import { prepareAtRisk, stageIndices } from '@/lib/view/outlook/at-risk';
import { aLayerNow } from '@/tests/builders/condition';

const names = ['wte', 'h.0.attn', 'h.0.mlp', 'h.1.mlp', 'lm_head'];

describe('layers at risk', () => {
  it('come with the worst stage first and, within it, the longest in it', () => {
    const { rows, healthyCount, unknownCount } = prepareAtRisk(
      [
        aLayerNow({ layer: 0, stage: 'decorrelating', fromStep: 100 }),
        aLayerNow({ layer: 1, stage: 'armed', fromStep: 559 }),
        aLayerNow({ layer: 2, stage: 'armed', fromStep: 550 }),
        aLayerNow({ layer: 3 }),
        aLayerNow({ layer: 4, stage: 'insufficient_data' }),
      ],
      560,
      names,
      [0.88, NaN, 1.2, 1, 1],
      null,
    );
    expect(rows.map(({ name, letter, steps }) => [name, letter, steps])).toEqual([
      ['h.0.mlp', 'A', 11],
      ['h.0.attn', 'A', 2],
      ['wte', 'D', 461],
    ]);
    expect(rows.map(({ rms }) => rms)).toEqual([1.2, null, 0.88]);
    expect([healthyCount, unknownCount]).toEqual([1, 1]);
  });

  it('carry the gradient norms that their sparkline is drawn from', () => {
    const changes = {
      nonFinite: [],
      layerCount: 2,
      items: [{ layer: 0, factor: 3, value: 3, recent: [1, null, 3] }],
      tenfoldCount: 0,
      historySteps: 64,
      newestStep: 560,
    };
    const layers = [aLayerNow({ stage: 'trigger', fromStep: 560 })];
    const { rows } = prepareAtRisk(layers, 560, names, [], changes);
    expect(rows[0]).toMatchObject({ recent: [1, null, 3], steps: 1, word: 'Trigger' });
  });

  it('tell side labels once, with how many layers have them', () => {
    const stale = { label: 'stale_v', meaning: 'v remembers' };
    const { notes } = prepareAtRisk(
      [aLayerNow(stale), aLayerNow({ ...stale, layer: 1 }), aLayerNow({ layer: 2 })],
      560,
      names,
      [],
      null,
    );
    expect(notes).toEqual([{ meaning: 'v remembers', count: 2 }]);
  });

  it('have no stage where none was told', () => {
    expect(stageIndices([aLayerNow({ layer: 1, stage: 'armed' })], 3)).toEqual([NaN, 5, NaN]);
  });
});
