/**
 * The operations of the model whose own gradients in tfjs are slow or missing on the wasm
 * backend. It multiplies two matrices as they lie at 37 GFLOP/s and with a transposed one
 * at 2, so transposes are made first (0.1 ms); LogSoftmax and UnsortedSegmentSum do not
 * exist there, hence the cross entropy below and the embedding as a product with one-hot.
 */
import * as tf from '@tensorflow/tfjs-core';

type Gradients = tf.Tensor | tf.Tensor[];

/** x · w. Shape [N, I] and [I, O] → [N, O]. */
export function linear(x: tf.Tensor2D, weight: tf.Tensor2D): tf.Tensor2D {
  const multiply = tf.customGrad((a, b, save) => {
    const [input, matrix] = pair(a, b);
    keep(save, [input, matrix]);
    return {
      value: tf.matMul(input, matrix),
      gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]): Gradients => {
        const [savedInput, savedMatrix] = pair(saved[0], saved[1]);
        return [tf.matMul(dy, tf.transpose(savedMatrix)), tf.matMul(tf.transpose(savedInput), dy)];
      },
    };
  });
  return tf.reshape<tf.Rank.R2>(multiply(x, weight), [x.shape[0], weight.shape[1]]);
}

/** Keeps the square root finite on a row of equal values; PyTorch's default too. */
const LAYER_NORM_EPSILON = 1e-5;

/** (x − mean) / √(variance + 1e-5) · scale + shift over the last axis. Shape [N, C], [C], [C] → [N, C]. */
export function layerNorm(x: tf.Tensor2D, scale: tf.Tensor, shift: tf.Tensor): tf.Tensor2D {
  const normalize = tf.customGrad((a, b, c, save) => {
    const [input, gain] = pair(a, b);
    const centred = tf.sub(input, tf.mean(input, 1, true));
    const inverse = tf.rsqrt(tf.add(tf.mean(tf.square(centred), 1, true), LAYER_NORM_EPSILON));
    const normal = tf.mul(centred, inverse);
    keep(save, [normal, inverse, gain]);
    return {
      value: tf.add(tf.mul(normal, gain), only(c)),
      gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]): Gradients => {
        const [savedNormal, savedInverse] = pair(saved[0], saved[1]);
        const dNormal = tf.mul(dy, only(saved[2]));
        const projected = tf.mul(savedNormal, tf.mean(tf.mul(dNormal, savedNormal), 1, true));
        const dx = tf.mul(
          tf.sub(tf.sub(dNormal, tf.mean(dNormal, 1, true)), projected),
          savedInverse,
        );
        return [dx, sumRows(tf.mul(dy, savedNormal)), sumRows(dy)];
      },
    };
  });
  return tf.reshape<tf.Rank.R2>(normalize(x, scale, shift), x.shape);
}

/** Mean of −log softmax(logits)[target]. Shape [N, V] and one-hot [N, V] → scalar. */
export function crossEntropy(logits: tf.Tensor2D, target: tf.Tensor2D): tf.Scalar {
  const count = logits.shape[0];
  const entropy = tf.customGrad((a, b, save) => {
    const [scores, oneHot] = pair(a, b);
    const shifted = tf.sub(scores, tf.max(scores, 1, true));
    const exponentials = tf.exp(shifted);
    const sums = tf.sum(exponentials, 1, true);
    keep(save, [tf.div(exponentials, sums), oneHot]);
    const logLikelihood = tf.sub(
      tf.sum(tf.mul(shifted, oneHot), 1),
      tf.log(tf.reshape(sums, [count])),
    );
    return {
      value: tf.neg(tf.mean(logLikelihood)),
      gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]): Gradients => {
        const [probabilities, savedTarget] = pair(saved[0], saved[1]);
        const error = tf.sub(probabilities, savedTarget);
        return [tf.mul(error, tf.div(dy, count)), tf.zerosLike(savedTarget)];
      },
    };
  });
  return tf.reshape<tf.Rank.R0>(entropy(logits, target), []);
}

/** Σ over rows, [N, C] → [C]: as a product with ones, a tenth of the time of tfjs's own sum. */
function sumRows(x: tf.Tensor): tf.Tensor {
  const [rowCount = 0, columnCount = 0] = x.shape;
  return tf.reshape(tf.matMul(tf.ones([1, rowCount]), x), [columnCount]);
}

/** tfjs hands a custom gradient's arguments over as one loose list; these say what they are. */
type Argument = Parameters<Parameters<typeof tf.customGrad>[0]>[number];

function only(value: Argument | undefined): tf.Tensor {
  if (value === undefined || typeof value === 'function') throw new TypeError('expected a tensor');
  return value;
}

function pair(
  first: Argument | undefined,
  second: Argument | undefined,
): readonly [tf.Tensor, tf.Tensor] {
  return [only(first), only(second)];
}

function keep(save: Argument | undefined, tensors: readonly tf.Tensor[]): void {
  if (typeof save !== 'function') throw new TypeError('expected the save function last');
  save([...tensors]);
}
