import type { Scalar, Tensor2D } from '@tensorflow/tfjs-core';
import { bitsAtOrAbove, bitsWithRootAtOrAbove, floatOfBits } from '../../lib/stats/float-bits';
import { RATIO_BIN_COUNT, computeRatioEdges } from '../../lib/stats/ratio-edges';
import { SMALL_UPDATE } from '../../lib/stats/small-update';
import { computeUpdateMagnitudes } from '../../lib/stats/update-edges';
import type { TensorLibrary } from './tensor-library';

/** What one run's ε and betas make of the computation. */
export interface StatisticsOptions {
  readonly epsilon: number;
  readonly beta1: number | null;
  readonly beta2: number | null;
}

/**
 * Values this close to an edge, as a share of it, are left to the host: the root, the sum
 * and the quotient of WGSL may together be 7 units of 2^-24 off, this is 8.
 */
export const NEAR_EDGE = 2 ** -21;

/** Quotients beyond these leave float32 when squared and summed, or soon: such rows go to the host. */
export const SMALLEST_QUOTIENT = 2 ** -100;
export const LARGEST_QUOTIENT = 2 ** 40;

/** Numbers that operations need, uploaded once and not for each of them. */
export interface DeviceConstants {
  readonly hasEpsilon: boolean;
  readonly zero: Scalar;
  readonly half: Scalar;
  readonly one: Scalar;
  readonly epsilon: Scalar;
  /** The smallest float32 at or above ε, and the smallest v whose root is. */
  readonly epsilonAtOrAbove: Scalar;
  readonly epsilonSquared: Scalar;
  readonly smallUpdate: Scalar;
  readonly smallestQuotient: Scalar;
  readonly largestQuotient: Scalar;
  readonly justBelow: Scalar;
  readonly justAbove: Scalar;
  /** [1, 64] and [1, 209] */
  readonly ratioMagnitudes: Tensor2D;
  readonly updateMagnitudes: Tensor2D;
  readonly dispose: () => void;
}

/** Rising magnitudes at which bins of r and of u begin; 0 is none of them. */
export function computeMagnitudes(beta1: number | null, beta2: number | null) {
  return {
    ratio: computeRatioEdges(beta1, beta2).slice(RATIO_BIN_COUNT / 2 + 1),
    update: computeUpdateMagnitudes(),
  };
}

export function createDeviceConstants(
  tf: TensorLibrary,
  { epsilon, beta1, beta2 }: StatisticsOptions,
): DeviceConstants {
  const tensors: { dispose: () => void }[] = [];
  const scalar = (value: number): Scalar => {
    const tensor = tf.scalar(value, 'float32');
    tensors.push(tensor);
    return tensor;
  };
  const row = (values: Float32Array): Tensor2D => {
    const tensor = tf.tensor2d(values, [1, values.length], 'float32');
    tensors.push(tensor);
    return tensor;
  };
  const magnitudes = computeMagnitudes(beta1, beta2);
  return {
    hasEpsilon: epsilon > 0,
    zero: scalar(0),
    half: scalar(0.5),
    one: scalar(1),
    epsilon: scalar(epsilon),
    epsilonAtOrAbove: scalar(floatOfBits(bitsAtOrAbove(epsilon))),
    epsilonSquared: scalar(floatOfBits(bitsWithRootAtOrAbove(epsilon))),
    smallUpdate: scalar(floatOfBits(bitsAtOrAbove(SMALL_UPDATE))),
    smallestQuotient: scalar(SMALLEST_QUOTIENT),
    largestQuotient: scalar(LARGEST_QUOTIENT),
    justBelow: scalar(1 - NEAR_EDGE),
    justAbove: scalar(1 + NEAR_EDGE),
    ratioMagnitudes: row(magnitudes.ratio),
    updateMagnitudes: row(magnitudes.update),
    dispose: () => {
      for (const tensor of tensors) tensor.dispose();
    },
  };
}
