import { describe, expect, it } from 'vitest';
import {
  type AdamWOptions,
  applyUpdate,
  startAdamW,
  updateMoments,
} from '@/examples/transformer/adamw';

function run(
  gradients: readonly number[],
  weight: number,
  learningRate: number,
  options: AdamWOptions,
  isDecayed = true,
) {
  const state = startAdamW(Float32Array.of(weight), isDecayed);
  const weights = gradients.map((gradient, index) => {
    updateMoments(state, Float32Array.of(gradient), options, index + 1);
    applyUpdate(state, options, learningRate);
    return state.weight[0]!;
  });
  return { state, weights };
}

describe('AdamW', () => {
  // Expected values: PyTorch's formula, p ← p·(1−lr·wd); p ← p − lr/(1−β1ᵗ) · m / (√v/√(1−β2ᵗ) + ε),
  // evaluated in float64; float32 state agrees to 7 digits.
  it('moves a decayed weight as PyTorch’s formula does', () => {
    const { weights, state } = run([0.5, -0.25, 1e-3, 0], 1, 0.01, {
      beta1: 0.9,
      beta2: 0.95,
      epsilon: 1e-5,
      weightDecay: 0.1,
    });

    [0.9890001999960001, 0.985327573734474, 0.9822293158209418, 0.9794937411120281].forEach(
      (expected, index) => expect(weights[index]).toBeCloseTo(expected, 6),
    );
    expect(state.firstMoment[0]).toBeCloseTo(0.01629, 7);
    expect(state.secondMoment[0]).toBeCloseTo(0.0135375475, 7);
    expect(state.correctedFirstMoment[0]).toBeCloseTo(0.01629 / (1 - 0.9 ** 4), 7);
  });

  it('hardly moves under gradients far below ε', () => {
    const { weights } = run([1e-7, -3e-7, 2e-7, 0], -2, 0.003, {
      beta1: 0.9,
      beta2: 0.999,
      epsilon: 1e-5,
      weightDecay: 0,
    });

    const expected = [
      -2.000029702970297, -1.9999972704342146, -1.9999984623943516, -1.9999993101595341,
    ];
    expected.forEach((value, index) => expect(weights[index]).toBeCloseTo(value, 6));
  });

  it('moves by the whole learning rate on the first step, whatever the gradient', () => {
    const options = { beta1: 0.9, beta2: 0.95, epsilon: 1e-12, weightDecay: 0 };

    expect(run([1e-4], 0, 0.01, options).weights[0]).toBeCloseTo(-0.01, 7);
    expect(run([-70], 0, 0.01, options).weights[0]).toBeCloseTo(0.01, 7);
  });

  it('leaves norms undecayed and a weight without gradient alone, even at ε = 0', () => {
    const options = { beta1: 0.9, beta2: 0.95, epsilon: 0, weightDecay: 0.5 };

    expect(run([0, 0], 3, 0.1, options, false).weights).toEqual([3, 3]);
    expect(run([0], 4, 0.25, options, true).weights).toEqual([3.5]);
  });
});
