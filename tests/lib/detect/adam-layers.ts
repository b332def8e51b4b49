import type { DetectorContext, StepObservation } from '@/lib/detect/run-detector';
import { dipOfHistogram } from '@/lib/stats/dip-of-histogram';
import { type HistogramColumns, computeFrameStatistics } from '@/lib/stats/frame-statistics';
import { seededNormal, seededRandom } from '@/tests/seeded-random';

const BETA1 = 0.9;
const BETA2 = 0.95;
const EPSILON = 1e-8;
const COORDINATES = 2048;

/** Gradient of one coordinate: `sign` is the coordinate's own drift, fixed for the run. */
export type GradientAt = (step: number, coordinate: number, noise: number, sign: number) => number;

/**
 * Layers that really run Adam over given gradients, and their metrics as the worker would
 * compute them from samples.
 */
export function createAdamLayers(gradients: readonly GradientAt[], seed = 1) {
  const layerCount = gradients.length;
  const size = layerCount * COORDINATES;
  const normal = seededNormal(seed);
  const random = seededRandom(seed + 1);
  const signs = Float32Array.from({ length: size }, () => (random() < 0.5 ? -1 : 1));
  const m = new Float64Array(size);
  const v = new Float64Array(size);
  let previousGradient: Float32Array | null = null;
  const parameterCounts = new Array<number>(layerCount).fill(COORDINATES);
  const context: DetectorContext = {
    parameterCounts,
    beta1: BETA1,
    beta2: BETA2,
    epsilon: EPSILON,
  };

  /** Steps ascend by one from 1. */
  function observe(step: number, loss: number): StepObservation {
    const gradient = new Float32Array(size);
    const firstMoment = new Float32Array(size);
    const secondMoment = new Float32Array(size);
    for (let i = 0; i < size; i++) {
      const layer = Math.floor(i / COORDINATES);
      const g = gradients[layer]!(step, i % COORDINATES, normal(), signs[i]!);
      gradient[i] = g;
      m[i] = BETA1 * m[i]! + (1 - BETA1) * g;
      v[i] = BETA2 * v[i]! + (1 - BETA2) * g * g;
      firstMoment[i] = m[i]! / (1 - BETA1 ** step);
      secondMoment[i] = v[i]! / (1 - BETA2 ** step);
    }
    const { layerMetrics, histograms } = computeFrameStatistics({
      layerCount,
      sampleCount: COORDINATES,
      gradient,
      firstMoment,
      secondMoment,
      parameterCounts,
      epsilon: EPSILON,
      beta1: BETA1,
      beta2: BETA2,
      previousGradient,
    });
    previousGradient = gradient;
    layerMetrics.set('ratio_dip', dips(histograms.get('ratio')!, layerCount));
    layerMetrics.set('update_dip', dips(histograms.get('update')!, layerCount));
    const scalars = new Map([
      ['loss', loss],
      ['learning_rate', 1e-3],
    ]);
    return { step, scalars, layerMetrics };
  }
  return { observe, context, layerCount };
}

function dips({ edges, counts, outside }: HistogramColumns, layerCount: number): Float32Array {
  const bins = edges.length - 1;
  return Float32Array.from({ length: layerCount }, (_, layer) =>
    dipOfHistogram({
      edges,
      counts: counts.subarray(layer * bins, (layer + 1) * bins),
      outside: outside.subarray(layer * 4, layer * 4 + 4),
    }),
  );
}
