import type { Tensor } from '@tensorflow/tfjs-core';
import type { TensorLibrary } from './tensor-library';

/**
 * What the bits of a float32 say about it, as a number that a tensor can hold. Devices
 * flush subnormals to 0 and may assume that there is no NaN or Infinity, so none of this
 * can be asked of the value itself.
 */
export const VALUE_CLASS = {
  zero: 0,
  /** Its sign bit matters to a second moment alone. */
  negativeZero: -0.25,
  positive: 1,
  negative: -1,
  /** Subnormal, infinite or NaN: rows that hold one are computed by the host. */
  wild: 2,
} as const;

/** Without its sign bit: exponent 0, a value of it; exponent 255. Both doubled. */
const SMALLEST_NORMAL = 2 ** 24;
const SMALLEST_NON_FINITE = -(2 ** 24);

/**
 * The classes of values by arithmetic of their bits.
 *
 * For a backend whose integers are exact. Those of tfjs's WebGPU are not: it adds and
 * compares them as float32.
 */
export function classifyBits(tf: TensorLibrary, bits: Tensor): Tensor {
  return tf.tidy(() => {
    const isNegative = tf.less(bits, tf.scalar(0, 'int32'));
    // Doubled, an integer loses its sign bit; small ones are exact as float32.
    const doubled = tf.cast(tf.add(bits, bits), 'float32');
    const isZero = tf.equal(doubled, 0);
    const isWild = tf.logicalAnd(
      tf.logicalNot(isZero),
      tf.logicalAnd(
        tf.greaterEqual(doubled, SMALLEST_NON_FINITE),
        tf.less(doubled, SMALLEST_NORMAL),
      ),
    );
    const signed = (negative: number, positive: number): Tensor =>
      tf.where<Tensor>(isNegative, tf.scalar(negative), tf.scalar(positive));
    return tf.where<Tensor>(
      isWild,
      tf.scalar(VALUE_CLASS.wild),
      tf.where<Tensor>(
        isZero,
        signed(VALUE_CLASS.negativeZero, VALUE_CLASS.zero),
        signed(VALUE_CLASS.negative, VALUE_CLASS.positive),
      ),
    );
  });
}
