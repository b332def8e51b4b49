import { bitsAtOrAbove, bitsWithRootAtOrAbove } from './float-bits';
import type { RatioBlock } from './sample-bins';

/** Sums over coordinates; r and u as deviations from a value near their mean. */
export interface SampleSums {
  readonly epsilon: number;
  /** |g| < ε and √v < ε as comparisons of bits. */
  readonly epsilonBits: number;
  readonly epsilonSquaredBits: number;
  readonly ratioShift: number;
  readonly updateShift: number;
  gradientSquares: number;
  /** Bits of the largest |g|: magnitudes of floats compare as their bits do. */
  gradientMaxBits: number;
  gradientNonFinite: number;
  gradientBelow: number;
  rootNonFinite: number;
  rootBelow: number;
  scaledSquares: number;
  ratioSum: number;
  ratioSquares: number;
  updateSum: number;
  updateSquares: number;
}

/** The three inputs, with the bits of g and v over the same bytes. */
export interface SampleColumns {
  readonly gradient: Float32Array;
  readonly gradientBits: Int32Array;
  readonly firstMoment: Float32Array;
  readonly secondMoment: Float32Array;
  readonly secondBits: Int32Array;
}

/** From here a float64 rounds to an infinite float32. */
const FLOAT32_OVERFLOW = 2 ** 128 - 2 ** 103;
const INFINITY_BITS = 0x7f800000;
const MAGNITUDE_MASK = 0x7fffffff;

/** r = m/√v of √v, u = m/(√v+ε) of √v+ε; 0/0 → 0. */
function quotientOf(moment: number, divisor: number): number {
  return divisor === 0 && moment === 0 ? 0 : moment / divisor;
}

/** True where x is finite as a float32; NaN is not. */
function isFiniteFloat32(x: number): boolean {
  return Math.abs(x) < FLOAT32_OVERFLOW;
}

/** Sums at 0, around the first finite r and u: no digits are lost to a large mean. */
export function startSums(
  { firstMoment, secondMoment }: SampleColumns,
  epsilon: number,
): SampleSums {
  let ratioShift = 0;
  let updateShift = 0;
  for (let i = 0; i < firstMoment.length; i++) {
    const moment = firstMoment[i] ?? 0;
    const root = Math.sqrt(secondMoment[i] ?? 0);
    const ratio = quotientOf(moment, root);
    if (!isFiniteFloat32(ratio)) continue;
    ratioShift = ratio;
    updateShift = quotientOf(moment, root + epsilon);
    break;
  }
  return {
    epsilon,
    epsilonBits: bitsAtOrAbove(epsilon),
    epsilonSquaredBits: bitsWithRootAtOrAbove(epsilon),
    ratioShift,
    updateShift,
    gradientSquares: 0,
    gradientMaxBits: 0,
    gradientNonFinite: 0,
    gradientBelow: 0,
    rootNonFinite: 0,
    rootBelow: 0,
    scaledSquares: 0,
    ratioSum: 0,
    ratioSquares: 0,
    updateSum: 0,
    updateSquares: 0,
  };
}

/** Adds coordinates [start, end) to the sums and writes their r and u from index 0 on. */
export function addBlock(
  { gradient, gradientBits, firstMoment, secondMoment, secondBits }: SampleColumns,
  start: number,
  end: number,
  sums: SampleSums,
  { ratios, updates }: RatioBlock,
): void {
  const { epsilon, epsilonBits, epsilonSquaredBits, ratioShift, updateShift } = sums;
  let gradientSquares = 0;
  let gradientMaxBits = sums.gradientMaxBits;
  let gradientNonFinite = 0;
  let gradientBelow = 0;
  let rootNonFinite = 0;
  let rootBelow = 0;
  let scaledSquares = 0;
  let ratioSum = 0;
  let ratioSquares = 0;
  let updateSum = 0;
  let updateSquares = 0;

  for (let i = start; i < end; i++) {
    const g = gradient[i] ?? 0;
    const m = firstMoment[i] ?? 0;
    const root = Math.sqrt(secondMoment[i] ?? 0);

    gradientSquares += g * g;
    const gradientAbsBits = (gradientBits[i] ?? 0) & MAGNITUDE_MASK;
    if (gradientAbsBits >= INFINITY_BITS) gradientNonFinite++;
    if (gradientAbsBits > gradientMaxBits) gradientMaxBits = gradientAbsBits;
    // The sign bit of the difference: 1 where |g| < ε, without a branch.
    gradientBelow += (gradientAbsBits - epsilonBits) >>> 31;

    const varianceBits = secondBits[i] ?? 0;
    // As unsigned, so that a v with its sign bit set is left out like NaN and Infinity.
    if (varianceBits >>> 0 >= INFINITY_BITS) rootNonFinite++;
    rootBelow += ((varianceBits - epsilonSquaredBits) & ~varianceBits) >>> 31;
    // max(√v, ε) without a branch, which gradients around ε would make a coin toss.
    const floored = (root + epsilon + Math.abs(root - epsilon)) / 2;
    const scaled = floored === 0 && g === 0 ? 0 : g / floored;
    scaledSquares += scaled * scaled;

    const ratio = quotientOf(m, root);
    ratios[i - start] = ratio;
    if (isFiniteFloat32(ratio)) {
      const deviation = ratio - ratioShift;
      ratioSum += deviation;
      ratioSquares += deviation * deviation;
    }
    const update = quotientOf(m, root + epsilon);
    updates[i - start] = update;
    if (isFiniteFloat32(update)) {
      const deviation = update - updateShift;
      updateSum += deviation;
      updateSquares += deviation * deviation;
    }
  }

  sums.gradientSquares += gradientSquares;
  sums.gradientMaxBits = gradientMaxBits;
  sums.gradientNonFinite += gradientNonFinite;
  sums.gradientBelow += gradientBelow;
  sums.rootNonFinite += rootNonFinite;
  sums.rootBelow += rootBelow;
  sums.scaledSquares += scaledSquares;
  sums.ratioSum += ratioSum;
  sums.ratioSquares += ratioSquares;
  sums.updateSum += updateSum;
  sums.updateSquares += updateSquares;
}
