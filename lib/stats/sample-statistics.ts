/**
 * Every statistic that one layer's raw sample allows, in one pass over its coordinates.
 * Each is (g, m, v): gradient and bias-corrected moments; from them
 *   r = m/√v, u = m/(√v+ε), both with 0/0 → 0, and the share g²/max(v, ε²) of RMS_t.
 *
 * The pass goes in blocks that stay in the first-level cache, sums first, then bins: one
 * loop would hold more running values than a processor has registers. Where data would
 * make a branch a coin toss (signs, |g| around ε) the loops compare bits instead; the
 * mispredictions cost as much as all the arithmetic (bench/statistics.ts).
 */
import { floatOfBits } from './float-bits';
import { countBlock, createRatioBlock, startBinCounts, type SampleBins } from './sample-bins';
import { addBlock, startSums, type SampleColumns } from './sample-sums';

export interface LayerSample {
  readonly gradient: Float32Array;
  readonly firstMoment: Float32Array;
  readonly secondMoment: Float32Array;
}

export interface SampleOptions {
  readonly epsilon: number;
  readonly parameterCount: number;
  readonly bins: SampleBins;
}

/** Named as on the wire. */
export interface SampleStatistics {
  readonly gradient_norm: number;
  readonly gradient_rms: number;
  readonly gradient_abs_max: number;
  readonly gradient_nonfinite_count: number;
  readonly gradient_below_epsilon_fraction: number;
  readonly second_moment_below_epsilon_fraction: number;
  readonly update_mean: number;
  readonly update_std: number;
  readonly update_abs_max: number;
  readonly update_small_fraction: number;
  readonly ratio_std: number;
  readonly rms: number;
}

/** Where one layer's counts are written: rows of the frame's arrays. */
export interface HistogramRows {
  /** [128] and [418], overwritten. */
  readonly ratioCounts: Uint32Array;
  readonly updateCounts: Uint32Array;
  /** [4] each: underflow, overflow, exact zeros, non-finite. */
  readonly ratioOutside: Uint32Array;
  readonly updateOutside: Uint32Array;
}

/** 1,024 coordinates: 20 KB of inputs, ratios and updates, within a 32 KB cache. */
const BLOCK_LENGTH = 1024;
/** Scratch, written before it is read in every block; each thread has its own module. */
const block = createRatioBlock(BLOCK_LENGTH);

/**
 * Statistics and both histograms of one layer's sample.
 *
 * Shape       gradient, firstMoment, secondMoment [S] float32, read once; rows as HistogramRows
 * Units       g's own; u, r and RMS_t none; fractions 0…1
 * Empty       S = 0: null, and the rows are zeroed
 * Definition  gradient_norm = RMS of the sample · √parameterCount, the estimate of the
 *             layer's; gradient_nonfinite_count = share of the sample · parameterCount,
 *             likewise; both exact when the sample is the layer. Standard deviations are
 *             of the population, mean removed. r and u are binned as float32; a value
 *             that is 0 in float32 is an exact zero.
 * NaN/Inf     gradient_norm, _rms, _abs_max and rms pass them on, as the job's own norm
 *             would, so a diverged layer stays visible. All others are over finite values:
 *             gradient_below_epsilon_fraction over finite g, second_moment_… over finite
 *             v ≥ 0, update_… and ratio_… over u and r finite in float32; NaN when none is.
 *             What is left out of u and r stands in `outside` as non-finite: m or v not
 *             finite, v < 0, or v = 0 with m ≠ 0 (for u only where ε = 0 too). A finite m
 *             over v = ∞ is 0.
 * Throws      RangeError when the three lengths differ
 * Source      RMS_t: StableAdamW (arXiv:2304.13013); numpy.std with ddof = 0
 */
export function computeSampleStatistics(
  sample: LayerSample,
  options: SampleOptions,
  rows: HistogramRows,
): SampleStatistics | null {
  const { gradient, firstMoment, secondMoment } = sample;
  const { epsilon, parameterCount, bins } = options;
  const count = gradient.length;
  if (firstMoment.length !== count || secondMoment.length !== count) {
    throw new RangeError(
      `expected three samples of one length, got ${count}, ${firstMoment.length} and ${secondMoment.length}`,
    );
  }

  const columns: SampleColumns = {
    gradient,
    gradientBits: new Int32Array(gradient.buffer, gradient.byteOffset, count),
    firstMoment,
    secondMoment,
    secondBits: new Int32Array(secondMoment.buffer, secondMoment.byteOffset, count),
  };
  const sums = startSums(columns, epsilon);
  const counts = startBinCounts();
  for (let start = 0; start < count; start += BLOCK_LENGTH) {
    const end = Math.min(start + BLOCK_LENGTH, count);
    addBlock(columns, start, end, sums, block);
    countBlock(block, end - start, bins, counts);
  }

  const { ratioNonFinite, updateNonFinite } = counts;
  writeRow(counts.ratioSlots, rows.ratioCounts, rows.ratioOutside);
  rows.ratioOutside.set([counts.ratioZeros, ratioNonFinite], 2);
  writeRow(counts.updateSlots, rows.updateCounts, rows.updateOutside);
  rows.updateOutside.set([counts.updateZeros, updateNonFinite], 2);
  if (count === 0) return null;

  const gradientRms = Math.sqrt(sums.gradientSquares / count);
  const updateCount = count - updateNonFinite;
  return {
    gradient_norm: gradientRms * Math.sqrt(parameterCount),
    gradient_rms: gradientRms,
    // A NaN's bits are above those of Infinity, so it wins, as in numpy.max.
    gradient_abs_max: floatOfBits(sums.gradientMaxBits),
    gradient_nonfinite_count: (sums.gradientNonFinite / count) * parameterCount,
    gradient_below_epsilon_fraction: sums.gradientBelow / (count - sums.gradientNonFinite),
    second_moment_below_epsilon_fraction: sums.rootBelow / (count - sums.rootNonFinite),
    update_mean: sums.updateShift + sums.updateSum / updateCount,
    update_std: stdOf(updateCount, sums.updateSum, sums.updateSquares),
    update_abs_max: updateCount === 0 ? NaN : floatOfBits(counts.updateMaxBits),
    update_small_fraction: counts.updateSmall / updateCount,
    ratio_std: stdOf(count - ratioNonFinite, sums.ratioSum, sums.ratioSquares),
    rms: Math.sqrt(sums.scaledSquares / count),
  };
}

/** Population standard deviation from sums around any shift; NaN for no value. */
function stdOf(count: number, sum: number, squares: number): number {
  const mean = sum / count;
  // Rounding can leave a hair below 0 where all values are equal.
  return Math.sqrt(Math.max(0, squares / count - mean * mean));
}

/** [underflow, bins…, overflow] → the row of counts and the first half of the row of `outside`. */
function writeRow(slots: Uint32Array, counts: Uint32Array, outside: Uint32Array): void {
  const last = slots.length - 1;
  counts.set(slots.subarray(1, last));
  outside[0] = slots[0] ?? 0;
  outside[1] = slots[last] ?? 0;
}
