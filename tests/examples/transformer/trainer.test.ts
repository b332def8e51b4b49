import { beforeAll, describe, expect, it } from 'vitest';
import { startBackend } from '@/examples/transformer/backend';
import { parseCorpus } from '@/examples/transformer/corpus';
import { Trainer, type TrainerSettings } from '@/examples/transformer/trainer';
import { bitsOf, MISSING_FLOAT32_BITS } from '@/lib/contract/missing-value';
import { STANDARD_METRICS } from '@/lib/contract/standard-metrics';
import { TINY_TEXT } from './tiny-model';

const corpus = parseCorpus(TINY_TEXT);
const settings: TrainerSettings = {
  model: {
    vocabularySize: corpus.characters.length,
    contextLength: 16,
    width: 16,
    depth: 1,
    headCount: 2,
  },
  optimizer: { beta1: 0.9, beta2: 0.95, epsilon: 1e-8, weightDecay: 0.01 },
  batchSize: 4,
  batchCount: 0,
  seed: 1,
};

beforeAll(async () => {
  await startBackend();
});

describe('Trainer', () => {
  it('learns: the loss falls by more than a half in 30 steps', () => {
    const trainer = new Trainer(corpus, settings);

    const losses = Array.from({ length: 30 }, () => trainer.takeStep(0.02).loss);

    expect(losses[0]).toBeCloseTo(Math.log(corpus.characters.length), 1);
    expect(losses.at(-1)).toBeLessThan(losses[0]! / 2);
  });

  it('reports every metric that is measured and not derived, for every layer', () => {
    const trainer = new Trainer(corpus, settings);
    trainer.takeStep(0.01);
    const { layers, histograms } = trainer.takeStep(0.01);

    const measured = STANDARD_METRICS.filter(({ isDerived }) => !isDerived).map(({ name }) => name);
    expect(Object.keys(layers).sort()).toEqual(measured.sort());
    for (const column of Object.values(layers)) expect(column.length).toBe(trainer.specs.length);
    expect(Object.keys(histograms)).toEqual(['ratio', 'update']);
  });

  it('counts every coordinate of every layer once in each histogram', () => {
    const trainer = new Trainer(corpus, settings);
    const { histograms } = trainer.takeStep(0.01);

    for (const { edges, counts, outside } of Object.values(histograms)) {
      const binCount = edges.length - 1;
      trainer.specs.forEach(({ name, shape }, layer) => {
        const inBins = [...counts.slice(layer * binCount, (layer + 1) * binCount)];
        const beside = [...outside!.slice(layer * 4, layer * 4 + 4)];
        const total = [...inBins, ...beside].reduce((sum, count) => sum + count, 0);
        expect(total, name).toBe(shape.reduce((product, size) => product * size, 1));
      });
    }
  });

  it('has every r at ±1 on the first step, and no cosine yet', () => {
    const trainer = new Trainer(corpus, settings);
    const first = trainer.takeStep(0.01);

    expect(first.layers['gradient_cosine']).toBeUndefined();
    const head = trainer.specs.findIndex(({ name }) => name === 'lm_head.weight');
    expect(first.layers['ratio_std']![head]).toBeCloseTo(1, 2);
    expect(first.layers['rms']![head]).toBeCloseTo(1, 2);

    const second = trainer.takeStep(0.01);
    const cosine = second.layers['gradient_cosine']!;
    expect(Math.abs(cosine[head]!)).toBeLessThanOrEqual(1);
    expect(bitsOf(cosine)[head]).not.toBe(MISSING_FLOAT32_BITS);
  });

  it('reports the global norm as that of all layers together', () => {
    const { gradientNorm, layers } = new Trainer(corpus, settings).takeStep(0.01);

    expect(gradientNorm).toBeCloseTo(Math.hypot(...layers['gradient_norm']!), 5);
  });

  it('goes on from a checkpoint exactly where it was', () => {
    const whole = new Trainer(corpus, settings);
    for (let step = 1; step <= 3; step++) whole.takeStep(0.01);
    const { step, parameters } = whole.checkpoint();
    const copy = {
      step,
      parameters: parameters.map(({ weight, firstMoment, secondMoment }) => ({
        weight: weight.slice(),
        firstMoment: firstMoment.slice(),
        secondMoment: secondMoment.slice(),
      })),
    };
    const resumed = new Trainer(corpus, { ...settings, seed: 1 });
    resumed.restore(copy);

    const [expected, actual] = [whole.takeStep(0.01), resumed.takeStep(0.01)];

    expect(actual.step).toBe(4);
    expect(actual.loss).toBe(expected.loss);
    expect(actual.layers['update_std']).toEqual(expected.layers['update_std']);
    expect(() => resumed.restore({ step: 1, parameters: [] })).toThrow(/expected 13 parameters/);
  });

  it('trains on one batch for ever when told to', () => {
    const trainer = new Trainer(corpus, { ...settings, batchCount: 1 });

    const losses = Array.from({ length: 4 }, () => trainer.takeStep(0).loss);

    expect(new Set(losses).size).toBe(1);
  });
});
