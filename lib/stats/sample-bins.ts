import { bitsAtOrAbove } from './float-bits';
import { CELL_SHIFT, buildMagnitudeTable, type MagnitudeTable } from './magnitude-table';
import { RATIO_BIN_COUNT, computeRatioEdges } from './ratio-edges';
import { SMALL_UPDATE } from './small-update';
import {
  UPDATE_BIN_COUNT,
  UPDATE_MAGNITUDE_COUNT,
  computeUpdateEdges,
  computeUpdateMagnitudes,
} from './update-edges';

/**
 * Counting of r and u into the bins of one pair of betas.
 *
 * Slots are underflow, bins, overflow. Values count by magnitude: |x| in [lower, upper)
 * on either side of 0, so that x and −x land in mirrored bins. The mirror is taken with
 * the sign bit and not a branch: signs are coin tosses to a branch predictor.
 */
export interface SampleBins {
  /** [129] */
  readonly ratioEdges: Float32Array;
  /** [65] from 0 to the limit. */
  readonly ratioMagnitudes: Float32Array;
  /** [419] */
  readonly updateEdges: Float32Array;
  readonly updateTable: MagnitudeTable;
}

export interface BinCounts {
  /** [130] underflow, bins, overflow. */
  readonly ratioSlots: Uint32Array;
  ratioZeros: number;
  ratioNonFinite: number;
  /** [420] */
  readonly updateSlots: Uint32Array;
  updateZeros: number;
  updateNonFinite: number;
  /** |u| < 0.01, exact zeros among them. */
  updateSmall: number;
  /** Bits of the largest finite |u|: magnitudes of floats compare as their bits do. */
  updateMaxBits: number;
}

/** One block's r and u as float32, with their bits over the same bytes. */
export interface RatioBlock {
  readonly ratios: Float32Array;
  readonly ratioBits: Int32Array;
  readonly updates: Float32Array;
  readonly updateBits: Int32Array;
}

/** Far above the rounding of edges to float32 (64 bins · 6e-8), far below a bin. */
const NEAR_EDGE = 1e-5;
const INFINITY_BITS = 0x7f800000;
const MAGNITUDE_MASK = 0x7fffffff;
const RATIO_HALF = RATIO_BIN_COUNT / 2;

/** Absent betas as in computeRatioEdges. Built once for a run: immutable, so any thread may share it. */
export function buildSampleBins(beta1: number | null, beta2: number | null): SampleBins {
  const ratioEdges = computeRatioEdges(beta1, beta2);
  return {
    ratioEdges,
    ratioMagnitudes: ratioEdges.slice(RATIO_HALF),
    updateEdges: computeUpdateEdges(),
    updateTable: buildMagnitudeTable(computeUpdateMagnitudes()),
  };
}

export function startBinCounts(): BinCounts {
  return {
    ratioSlots: new Uint32Array(RATIO_BIN_COUNT + 2),
    ratioZeros: 0,
    ratioNonFinite: 0,
    updateSlots: new Uint32Array(UPDATE_BIN_COUNT + 2),
    updateZeros: 0,
    updateNonFinite: 0,
    updateSmall: 0,
    updateMaxBits: 0,
  };
}

export function createRatioBlock(length: number): RatioBlock {
  const ratios = new Float32Array(length);
  const updates = new Float32Array(length);
  return {
    ratios,
    ratioBits: new Int32Array(ratios.buffer),
    updates,
    updateBits: new Int32Array(updates.buffer),
  };
}

/** Counts the first `length` ratios and updates of a block. */
export function countBlock(
  { ratios, ratioBits, updateBits }: RatioBlock,
  length: number,
  bins: SampleBins,
  counts: BinCounts,
): void {
  const { ratioMagnitudes } = bins;
  const { edgesBelowCell, edgeBits } = bins.updateTable;
  const { ratioSlots, updateSlots } = counts;
  const limit = ratioMagnitudes[RATIO_HALF] ?? 0;
  const binsPerUnit = RATIO_HALF / limit;
  const smallBits = bitsAtOrAbove(SMALL_UPDATE);
  let { ratioZeros, ratioNonFinite, updateZeros, updateNonFinite, updateSmall, updateMaxBits } =
    counts;

  for (let i = 0; i < length; i++) {
    const ratio = ratioBits[i] ?? 0;
    const ratioAbs = ratio & MAGNITUDE_MASK;
    if (ratioAbs >= INFINITY_BITS) {
      ratioNonFinite++;
    } else if (ratioAbs === 0) {
      ratioZeros++;
    } else {
      const magnitude = Math.abs(ratios[i] ?? 0);
      let bin = RATIO_HALF;
      if (magnitude < limit) {
        const position = magnitude * binsPerUnit;
        bin = position | 0;
        const fraction = position - bin;
        if (fraction < NEAR_EDGE || fraction > 1 - NEAR_EDGE) {
          // The product can round across an edge; here the edges themselves decide.
          if (magnitude < (ratioMagnitudes[bin] ?? 0)) bin--;
          else if (magnitude >= (ratioMagnitudes[bin + 1] ?? 0)) bin++;
        }
      }
      // The sign is 0 or −1, and bin ^ −1 = −bin − 1.
      const slot = RATIO_HALF + 1 + (bin ^ (ratio >> 31));
      ratioSlots[slot] = (ratioSlots[slot] ?? 0) + 1;
    }

    const update = updateBits[i] ?? 0;
    const updateAbs = update & MAGNITUDE_MASK;
    if (updateAbs >= INFINITY_BITS) {
      updateNonFinite++;
    } else {
      if (updateAbs > updateMaxBits) updateMaxBits = updateAbs;
      // 1 where smaller: the sign bit of the difference.
      updateSmall += (updateAbs - smallBits) >>> 31;
      if (updateAbs === 0) {
        updateZeros++;
      } else {
        const below = edgesBelowCell[updateAbs >>> CELL_SHIFT] ?? 0;
        // Plus 1 where the magnitude reaches the next edge.
        const bin = below + (((edgeBits[below] ?? 0) - 1 - updateAbs) >>> 31);
        const slot = UPDATE_MAGNITUDE_COUNT + 1 + (bin ^ (update >> 31));
        updateSlots[slot] = (updateSlots[slot] ?? 0) + 1;
      }
    }
  }

  counts.ratioZeros = ratioZeros;
  counts.ratioNonFinite = ratioNonFinite;
  counts.updateZeros = updateZeros;
  counts.updateNonFinite = updateNonFinite;
  counts.updateSmall = updateSmall;
  counts.updateMaxBits = updateMaxBits;
}
