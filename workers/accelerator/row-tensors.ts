import type { Rank, Tensor, Tensor1D } from '@tensorflow/tfjs-core';
import type { TensorLibrary } from './tensor-library';

/** [R, V] → [R · V] */
export function flatOf(tf: TensorLibrary, values: Tensor): Tensor1D {
  return tf.reshape<Rank.R1>(values, [-1]);
}

/** [R, V] → [R, 1] the first of each row. */
export function firstOf(tf: TensorLibrary, values: Tensor): Tensor {
  return tf.slice(values, [0, 0], [-1, 1]);
}

/** Values at float32 indices, which are exact below 2^24; integers are computed on the host by some devices. */
export function at(tf: TensorLibrary, values: Tensor1D, indices: Tensor): Tensor {
  return tf.gather<Tensor>(values, tf.cast(indices, 'int32'));
}
