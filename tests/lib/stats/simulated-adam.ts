import type { GradientNoise } from '@/lib/stats/correlated-ratio';
import { normalFrom, seededRandom } from '@/tests/seeded-random';

export interface SimulatedAdam {
  /** [coordinates] m/√v after the last step, moments bias-corrected. */
  readonly ratios: Float64Array;
  /** Between the gradients of the last two steps. */
  readonly lagOneCosine: number;
}

/**
 * Adam's moments over `coordinates` independent coordinates whose gradients are a drift of
 * fixed sign and size plus noise of variance 1. As the optimizer does it, step by step:
 * nothing here comes from the formulas under test.
 */
export function simulateAdam(options: {
  readonly drift: number;
  readonly noise: GradientNoise;
  readonly coordinates: number;
  readonly steps: number;
  readonly seed: number;
  readonly beta1?: number;
  readonly beta2?: number;
}): SimulatedAdam {
  const { drift, noise, coordinates, steps, seed, beta1 = 0.9, beta2 = 0.95 } = options;
  const random = seededRandom(seed);
  const normal = normalFrom(random);
  const draw = noise === 'gaussian' ? normal : () => (random() < 0.5 ? -1 : 1);
  const ratios = new Float64Array(coordinates);
  let product = 0;
  let squares = 0;
  let previousSquares = 0;
  for (let coordinate = 0; coordinate < coordinates; coordinate++) {
    const shift = random() < 0.5 ? drift : -drift;
    let m = 0;
    let v = 0;
    let gradient = 0;
    let previous = 0;
    for (let step = 0; step < steps; step++) {
      previous = gradient;
      gradient = shift + draw();
      m = beta1 * m + (1 - beta1) * gradient;
      v = beta2 * v + (1 - beta2) * gradient * gradient;
    }
    const corrected = m / (1 - beta1 ** steps);
    ratios[coordinate] = corrected / Math.sqrt(v / (1 - beta2 ** steps));
    product += gradient * previous;
    squares += gradient * gradient;
    previousSquares += previous * previous;
  }
  return { ratios, lagOneCosine: product / Math.sqrt(squares * previousSquares) };
}
