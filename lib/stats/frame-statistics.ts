import { ADAM_DEFAULTS } from './adam-defaults';
import { computeGradientAgreement } from './gradient-agreement';
import { QUIET_NAN_BITS, writeValue } from './missing-value';
import { RATIO_BIN_COUNT } from './ratio-edges';
import { buildSampleBins, type SampleBins } from './sample-bins';
import { computeSampleStatistics } from './sample-statistics';
import { UPDATE_BIN_COUNT } from './update-edges';

export interface FrameStatisticsInput {
  readonly layerCount: number;
  readonly sampleCount: number;
  /** [L, S] row-major, moments bias-corrected. */
  readonly gradient: Float32Array;
  readonly firstMoment: Float32Array;
  readonly secondMoment: Float32Array;
  /** [L] */
  readonly parameterCounts: ArrayLike<number>;
  /** null where the run does not say: ADAM_DEFAULTS for ε, their range for r. */
  readonly epsilon: number | null;
  readonly beta1: number | null;
  readonly beta2: number | null;
  /** [L, S] the same coordinates one step before; null where they are not at hand. */
  readonly previousGradient: Float32Array | null;
  /**
   * Bits written where a metric is undefined for a layer (a cosine with a zero
   * gradient), so that it is told apart from a NaN that training made. Quiet NaN if absent.
   */
  readonly missingBits?: number;
}

/** The shape of the contract's HistogramFrame. */
export interface HistogramColumns {
  readonly edges: Float32Array;
  /** [L, B] */
  readonly counts: Uint32Array;
  /** [L, 4] underflow, overflow, exact zeros, non-finite. */
  readonly outside: Uint32Array;
}

export interface FrameStatistics {
  /** Metric → [L] float32. */
  readonly layerMetrics: Map<string, Float32Array>;
  /** `ratio` and `update`. */
  readonly histograms: Map<string, HistogramColumns>;
}

/** The bins of the last pair of betas: a run posts thousands of frames with the same. */
let lastBins: { beta1: number | null; beta2: number | null; bins: SampleBins } | null = null;

function binsFor(beta1: number | null, beta2: number | null): SampleBins {
  if (lastBins?.beta1 !== beta1 || lastBins.beta2 !== beta2) {
    lastBins = { beta1, beta2, bins: buildSampleBins(beta1, beta2) };
  }
  return lastBins.bins;
}

/**
 * Metrics and histograms of all layers of one frame of raw samples. Accelerator backends
 * have this signature.
 *
 * Shape    [L, S] in; a column [L] a metric and [L, B] counts out, B = 128 for `ratio`,
 *          418 for `update`
 * Empty    S = 0 or L = 0: no metric and no histogram
 * NaN/Inf  as computeSampleStatistics and computeGradientAgreement say, row by row
 * Throws   RangeError when an array is not L · S long or a parameter count is missing
 */
export function computeFrameStatistics(input: FrameStatisticsInput): FrameStatistics {
  const { layerCount, sampleCount, previousGradient } = input;
  checkLengths(input);
  const layerMetrics = new Map<string, Float32Array>();
  const histograms = new Map<string, HistogramColumns>();
  if (layerCount === 0 || sampleCount === 0) return { layerMetrics, histograms };

  const bins = binsFor(input.beta1, input.beta2);
  const ratio = emptyColumns(layerCount, RATIO_BIN_COUNT, bins.ratioEdges);
  const update = emptyColumns(layerCount, UPDATE_BIN_COUNT, bins.updateEdges);
  histograms.set('ratio', ratio);
  histograms.set('update', update);
  const missingBits = input.missingBits ?? QUIET_NAN_BITS;
  const epsilon = input.epsilon ?? ADAM_DEFAULTS.epsilon;

  const write = (layer: number, values: object): void => {
    for (const [name, value] of Object.entries(values)) {
      let column = layerMetrics.get(name);
      if (column === undefined) {
        column = new Float32Array(layerCount);
        layerMetrics.set(name, column);
      }
      writeValue(column, layer, typeof value === 'number' ? value : null, missingBits);
    }
  };

  for (let layer = 0; layer < layerCount; layer++) {
    const row = (values: Float32Array) =>
      values.subarray(layer * sampleCount, (layer + 1) * sampleCount);
    const gradient = row(input.gradient);
    const statistics = computeSampleStatistics(
      { gradient, firstMoment: row(input.firstMoment), secondMoment: row(input.secondMoment) },
      { epsilon, parameterCount: input.parameterCounts[layer] ?? 0, bins },
      {
        ratioCounts: ratio.counts.subarray(layer * RATIO_BIN_COUNT, (layer + 1) * RATIO_BIN_COUNT),
        updateCounts: update.counts.subarray(
          layer * UPDATE_BIN_COUNT,
          (layer + 1) * UPDATE_BIN_COUNT,
        ),
        ratioOutside: ratio.outside.subarray(layer * 4, layer * 4 + 4),
        updateOutside: update.outside.subarray(layer * 4, layer * 4 + 4),
      },
    );
    if (statistics !== null) write(layer, statistics);
    if (previousGradient !== null) {
      write(layer, computeGradientAgreement(gradient, row(previousGradient)));
    }
  }
  return { layerMetrics, histograms };
}

function emptyColumns(layerCount: number, binCount: number, edges: Float32Array): HistogramColumns {
  return {
    // A copy: frames travel between threads, and a transferred buffer leaves its owner.
    edges: edges.slice(),
    counts: new Uint32Array(layerCount * binCount),
    outside: new Uint32Array(layerCount * 4),
  };
}

function checkLengths(input: FrameStatisticsInput): void {
  const expected = input.layerCount * input.sampleCount;
  const arrays = {
    gradient: input.gradient,
    firstMoment: input.firstMoment,
    secondMoment: input.secondMoment,
    previousGradient: input.previousGradient,
  };
  for (const [name, values] of Object.entries(arrays)) {
    if (values !== null && values.length !== expected) {
      throw new RangeError(`${name}: expected ${expected} values, got ${values.length}`);
    }
  }
  if (input.parameterCounts.length !== input.layerCount) {
    throw new RangeError(
      `parameterCounts: expected ${input.layerCount}, got ${input.parameterCounts.length}`,
    );
  }
}
