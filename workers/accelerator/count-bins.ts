import type { Tensor, Tensor1D, Tensor2D } from '@tensorflow/tfjs-core';
import type { DeviceConstants } from './device-constants';
import { countEdgesUpTo } from './search-edges';
import type { TensorLibrary } from './tensor-library';

/** [R, S] values and what they are without their signs, which most operations ask for. */
export type Magnitudes = Readonly<Record<'values' | 'sizes', Tensor>>;

/** Slots of one row: underflow, bins, overflow. `half` magnitudes give 2·half bins. */
export function slotCountOf(half: number): number {
  return 2 * half + 2;
}

export interface BinnedQuotients {
  /** [R, S] underflow 0, bins 1…2·half, overflow 2·half + 1; of 0 it means nothing. */
  readonly slots: Tensor;
  /** [R, S] 1 where an edge is too near to say on which side the value lies. */
  readonly near: Tensor;
}

/**
 * The slot of each value, counted by magnitude as lib/stats does: |x| in [lower, upper)
 * on either side of 0. Compared with the edges themselves and no logarithm, so that
 * nothing but the rounding of x can move a value.
 */
export function findSlots(
  tf: TensorLibrary,
  { values, sizes }: Magnitudes,
  magnitudes: Tensor2D,
  { zero, justBelow, justAbove }: DeviceConstants,
): BinnedQuotients {
  const half = magnitudes.size;
  return tf.tidy(() => {
    const edgesBelow = (scaled: Tensor): Tensor => countEdgesUpTo(tf, magnitudes, scaled);
    const bins = edgesBelow(tf.mul(sizes, justBelow));
    const near = tf.notEqual(bins, edgesBelow(tf.mul(sizes, justAbove)));
    const slots: Tensor = tf.where(
      tf.less(values, zero),
      tf.sub(tf.scalar(half), bins),
      tf.add(bins, tf.scalar(half + 1)),
    );
    return { slots, near: tf.cast(near, 'float32') };
  });
}

/**
 * Counts [R · slots] of the slots of R rows in one pass: each row has its own range of
 * bins. What `isLeftOut` marks is given a bin beyond all of them, which nothing counts.
 */
export function countSlots(
  tf: TensorLibrary,
  slots: Tensor,
  isLeftOut: Tensor,
  half: number,
): Tensor1D {
  const [rowCount = 0] = slots.shape;
  const size = rowCount * slotCountOf(half);
  return tf.tidy(() => {
    const starts = tf.reshape(tf.range(0, rowCount, 1, 'float32'), [rowCount, 1]);
    const offset = tf.mul(starts, tf.scalar(slotCountOf(half)));
    const flat = tf.where<Tensor>(isLeftOut, tf.scalar(size), tf.add(slots, offset));
    const indices: Tensor1D = tf.reshape(tf.cast(flat, 'int32'), [-1]);
    return tf.bincount(indices, tf.tensor1d([], 'float32'), size);
  });
}
