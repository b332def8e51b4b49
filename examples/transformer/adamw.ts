/**
 * AdamW (Loshchilov and Hutter) in plain sight: both moments of every parameter are here
 * to be measured, which is the reason for not using a library's optimizer.
 *
 *   m ← β1·m + (1−β1)·g      m̂ = m / (1−β1ᵗ)
 *   v ← β2·v + (1−β2)·g²     v̂ = v / (1−β2ᵗ)
 *   θ ← θ − η·(m̂ / (√v̂+ε) + λ·θ)
 */
export interface AdamWOptions {
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  /** λ, decoupled from the gradient; norms are not decayed. */
  readonly weightDecay: number;
}

/** One parameter tensor and its moments, all [n] float32. */
export interface AdamWState {
  readonly weight: Float32Array;
  readonly firstMoment: Float32Array;
  readonly secondMoment: Float32Array;
  /** m̂ and v̂ of the newest step: what was divided. */
  readonly correctedFirstMoment: Float32Array;
  readonly correctedSecondMoment: Float32Array;
  readonly isDecayed: boolean;
}

export function startAdamW(weight: Float32Array, isDecayed: boolean): AdamWState {
  const zeros = () => new Float32Array(weight.length);
  return {
    weight,
    firstMoment: zeros(),
    secondMoment: zeros(),
    correctedFirstMoment: zeros(),
    correctedSecondMoment: zeros(),
    isDecayed,
  };
}

/** Takes the gradient into both moments. `updateCount` is t, from 1. */
export function updateMoments(
  state: AdamWState,
  gradient: Float32Array,
  { beta1, beta2 }: AdamWOptions,
  updateCount: number,
): void {
  const { firstMoment, secondMoment, correctedFirstMoment, correctedSecondMoment } = state;
  const firstCorrection = 1 - beta1 ** updateCount;
  const secondCorrection = 1 - beta2 ** updateCount;
  for (let i = 0; i < gradient.length; i++) {
    const g = gradient[i] ?? 0;
    const m = beta1 * (firstMoment[i] ?? 0) + (1 - beta1) * g;
    const v = beta2 * (secondMoment[i] ?? 0) + (1 - beta2) * g * g;
    firstMoment[i] = m;
    secondMoment[i] = v;
    correctedFirstMoment[i] = m / firstCorrection;
    correctedSecondMoment[i] = v / secondCorrection;
  }
}

/** Moves the weights by the moments as they are. 0/0 moves nothing. */
export function applyUpdate(
  state: AdamWState,
  { epsilon, weightDecay }: AdamWOptions,
  learningRate: number,
): void {
  const { weight, correctedFirstMoment, correctedSecondMoment, isDecayed } = state;
  const decay = isDecayed ? weightDecay : 0;
  for (let i = 0; i < weight.length; i++) {
    const moment = correctedFirstMoment[i] ?? 0;
    const divisor = Math.sqrt(correctedSecondMoment[i] ?? 0) + epsilon;
    const update = moment === 0 && divisor === 0 ? 0 : moment / divisor;
    const w = weight[i] ?? 0;
    weight[i] = w - learningRate * (update + decay * w);
  }
}
