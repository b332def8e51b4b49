import { describe, expect, it } from 'vitest';
import { createWarmUp, isWarmingUp, observeLearningRate } from '@/lib/detect/warm-up';
import { loadPublicLog } from './recorded-run';

function lastWarmingStep(learningRates: readonly (number | null)[]): number {
  const warmUp = createWarmUp();
  const warming = learningRates.map((learningRate) => {
    observeLearningRate(warmUp, learningRate);
    return isWarmingUp(warmUp);
  });
  return warming.lastIndexOf(true);
}

describe('warm-up', () => {
  it('of a run that posts no learning rate is over', () => {
    expect(lastWarmingStep([null, null, NaN])).toBe(-1);
  });

  it('ends within 16 steps where the learning rate stays', () => {
    const rates = Array.from({ length: 200 }, (_, step) => Math.min(step, 100) * 1e-5);
    expect(lastWarmingStep(rates)).toBe(115);
  });

  it('ends at once where it falls', () => {
    const rates = Array.from({ length: 200 }, (_, step) => (100 - Math.abs(step - 100)) * 1e-5);
    expect(lastWarmingStep(rates)).toBe(100);
  });

  it('is seen through a log of six decimals (llm.c, 700 steps)', () => {
    const rates = loadPublicLog('llmc-gpt2-124M').map(({ learningRate }) => learningRate);
    expect(Math.abs(lastWarmingStep(rates) - 700)).toBeLessThanOrEqual(16);
  });

  it('once over is over', () => {
    expect(lastWarmingStep([1, 2, 1, 3, 4, 5])).toBe(1);
  });
});
