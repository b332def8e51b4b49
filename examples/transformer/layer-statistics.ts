import { missingColumn } from '../../lib/contract/missing-value';
import { computeGradientAgreement } from '../../lib/stats/gradient-agreement';
import { RATIO_BIN_COUNT } from '../../lib/stats/ratio-edges';
import { type SampleBins, buildSampleBins } from '../../lib/stats/sample-bins';
import { computeSampleStatistics } from '../../lib/stats/sample-statistics';
import { UPDATE_BIN_COUNT } from '../../lib/stats/update-edges';
import type { HistogramInput } from '../../clients/typescript/to-frame';
import type { AdamWOptions, AdamWState } from './adamw';

export interface StepStatistics {
  /** Norm of the gradient of all parameters together. */
  readonly gradientNorm: number;
  /** Metric → [L]; missing where undefined, as the cosine of the first step is. */
  readonly layers: Record<string, Float32Array>;
  /** `ratio` and `update`, every coordinate of every layer counted. */
  readonly histograms: Record<string, HistogramInput>;
}

/** Bins of r fitted to the betas, made once for a run. */
export function makeBins({ beta1, beta2 }: AdamWOptions): SampleBins {
  return buildSampleBins(beta1, beta2);
}

/**
 * Every standard metric of every layer from the real g, m̂, v̂ and weights, after the
 * moments took g in and before the weights move. The whole layer is the sample, so the
 * norms are exact.
 */
export function computeStepStatistics(
  states: readonly AdamWState[],
  gradients: readonly Float32Array[],
  previousGradients: readonly Float32Array[] | null,
  epsilon: number,
  bins: SampleBins,
): StepStatistics {
  const layerCount = states.length;
  const layers: Record<string, Float32Array> = {};
  const ratio = emptyCounts(layerCount, RATIO_BIN_COUNT);
  const update = emptyCounts(layerCount, UPDATE_BIN_COUNT);
  let gradientSquares = 0;
  const write = (layer: number, values: object): void => {
    for (const [metric, value] of Object.entries(values)) {
      const column = (layers[metric] ??= missingColumn(layerCount));
      if (typeof value === 'number') column[layer] = value;
    }
  };

  states.forEach((state, layer) => {
    const gradient = gradients[layer] ?? new Float32Array();
    const statistics = computeSampleStatistics(
      {
        gradient,
        firstMoment: state.correctedFirstMoment,
        secondMoment: state.correctedSecondMoment,
      },
      { epsilon, parameterCount: gradient.length, bins },
      {
        ratioCounts: rowOf(ratio.counts, layer, RATIO_BIN_COUNT),
        updateCounts: rowOf(update.counts, layer, UPDATE_BIN_COUNT),
        ratioOutside: rowOf(ratio.outside, layer, 4),
        updateOutside: rowOf(update.outside, layer, 4),
      },
    );
    if (statistics === null) return;
    gradientSquares += statistics.gradient_norm ** 2;
    write(layer, { ...statistics, weight_norm: norm(state.weight) });
    const previous = previousGradients?.[layer];
    if (previous !== undefined) write(layer, computeGradientAgreement(gradient, previous));
  });

  return {
    gradientNorm: Math.sqrt(gradientSquares),
    layers,
    histograms: {
      ratio: { edges: bins.ratioEdges, ...ratio },
      update: { edges: bins.updateEdges, ...update },
    },
  };
}

function emptyCounts(
  layerCount: number,
  binCount: number,
): { counts: Uint32Array; outside: Uint32Array } {
  return {
    counts: new Uint32Array(layerCount * binCount),
    outside: new Uint32Array(layerCount * 4),
  };
}

function rowOf(values: Uint32Array, layer: number, width: number): Uint32Array {
  return values.subarray(layer * width, (layer + 1) * width);
}

function norm(values: Float32Array): number {
  let squares = 0;
  for (const value of values) squares += value * value;
  return Math.sqrt(squares);
}
