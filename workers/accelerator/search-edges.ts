import type { Rank, Tensor, Tensor2D } from '@tensorflow/tfjs-core';
import { at, flatOf } from './row-tensors';
import type { TensorLibrary } from './tensor-library';

/**
 * How many of the rising edges are at or below each value, as float32: integers of tfjs's
 * WebGPU are computed as such anyway, and TensorFlow does them on the host.
 *
 * Shape       [1, E] edges, values of any shape → that shape, 0 … E
 * Definition  by comparison with the edges themselves and no arithmetic: exact
 */
export function countEdgesUpTo(tf: TensorLibrary, edges: Tensor2D, values: Tensor): Tensor {
  // tfjs's binding for TensorFlow has none.
  const hasKernel = tf
    .getKernelsForBackend(tf.getBackend())
    .some(({ kernelName }) => kernelName === 'SearchSorted');
  if (!hasKernel) return searchByHalves(tf, edges, values);
  return tf.tidy(() => {
    const found = tf.searchSorted(edges, tf.reshape<Rank.R2>(values, [1, -1]), 'right');
    return tf.reshape(tf.cast(found, 'float32'), values.shape);
  });
}

/** The same in gathers: one for each halving of the edges. */
export function searchByHalves(tf: TensorLibrary, edges: Tensor2D, values: Tensor): Tensor {
  return tf.tidy(() => {
    const flat = flatOf(tf, edges);
    const last = tf.scalar(edges.size - 1);
    const edgeCount = tf.scalar(edges.size);
    let found: Tensor = tf.zerosLike(values);
    for (let stride = 2 ** Math.floor(Math.log2(edges.size)); stride >= 1; stride /= 2) {
      const next = tf.add(found, tf.scalar(stride));
      const edge = at(tf, flat, tf.minimum(tf.sub(next, tf.scalar(1)), last));
      const isUpTo = tf.logicalAnd(tf.lessEqual(next, edgeCount), tf.lessEqual(edge, values));
      found = tf.where<Tensor>(isUpTo, next, found);
    }
    return found;
  });
}
