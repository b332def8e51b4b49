/**
 * Derivatives of the tfjs kernels that the model is made of, by the chain rule. The build
 * of tfjs-core that Node loads knows none, and its ready-made set is shipped in a form
 * that only bundlers read.
 */
import * as tf from '@tensorflow/tfjs-core';

type Thunks = Record<string, () => tf.Tensor>;

/** dy summed over the axes along which an input was repeated. */
function unbroadcast(dy: tf.Tensor, shape: readonly number[]): tf.Tensor {
  const axes = tf.broadcast_util.getReductionAxes([...shape], dy.shape);
  return tf.reshape(axes.length > 0 ? tf.sum(dy, axes) : dy, [...shape]);
}

function one(dy: tf.Tensor | tf.Tensor[]): tf.Tensor {
  const [first] = Array.isArray(dy) ? dy : [dy];
  return saved(first);
}

function saved(tensor: tf.Tensor | undefined): tf.Tensor {
  if (tensor === undefined) throw new Error('expected a tensor kept from the forward pass');
  return tensor;
}

const CONFIGS: readonly tf.GradConfig[] = [
  {
    kernelName: tf.Add,
    inputsToSave: ['a', 'b'],
    gradFunc: (dy, [a, b]): Thunks => ({
      a: () => unbroadcast(one(dy), saved(a).shape),
      b: () => unbroadcast(one(dy), saved(b).shape),
    }),
  },
  {
    kernelName: tf.Multiply,
    inputsToSave: ['a', 'b'],
    gradFunc: (dy, [a, b]): Thunks => ({
      a: () => unbroadcast(tf.mul(one(dy), saved(b)), saved(a).shape),
      b: () => unbroadcast(tf.mul(one(dy), saved(a)), saved(b).shape),
    }),
  },
  {
    kernelName: tf.Reshape,
    inputsToSave: ['x'],
    gradFunc: (dy, [x]): Thunks => ({ x: () => tf.reshape(one(dy), saved(x).shape) }),
  },
  {
    kernelName: tf.Transpose,
    gradFunc: (dy, _, attributes): Thunks => ({
      x: () => {
        const { perm } = attributes;
        if (!Array.isArray(perm)) throw new Error('expected the permutation of a transpose');
        const inverse: number[] = [];
        perm.forEach((from, to) => (inverse[Number(from)] = to));
        return tf.transpose(one(dy), inverse);
      },
    }),
  },
  {
    kernelName: tf.SplitV,
    gradFunc: (dy, _, attributes): Thunks => ({
      x: () => {
        if (!Array.isArray(dy)) return dy;
        return tf.concat(dy, Number(attributes['axis']));
      },
    }),
  },
  {
    kernelName: tf.Relu,
    outputsToSave: [true],
    gradFunc: (dy, [y]): Thunks => ({ x: () => tf.mul(one(dy), tf.step(saved(y))) }),
  },
  {
    kernelName: tf.Softmax,
    outputsToSave: [true],
    gradFunc: (dy, [y]): Thunks => ({
      logits: () => {
        const weighted = tf.mul(one(dy), saved(y));
        return tf.sub(weighted, tf.mul(tf.sum(weighted, -1, true), saved(y)));
      },
    }),
  },
  {
    kernelName: tf.BatchMatMul,
    inputsToSave: ['a', 'b'],
    // The model calls it as a · b and a · bᵀ.
    gradFunc: (dy, [a, b], attributes): Thunks => {
      if (attributes['transposeA'] === true) throw new Error('expected a left factor as it lies');
      const isTransposed = attributes['transposeB'] === true;
      return {
        a: () => tf.matMul(one(dy), saved(b), false, !isTransposed),
        b: () =>
          isTransposed
            ? tf.matMul(one(dy), saved(a), true, false)
            : tf.matMul(saved(a), one(dy), true, false),
      };
    },
  },
];

const registered = new Set<string>();

/** Makes the model differentiable; may be called more than once. */
export function registerGradients(): void {
  for (const config of CONFIGS) {
    // tfjs warns of a second registration and takes it all the same.
    if (!registered.has(config.kernelName)) tf.registerGradient(config);
    registered.add(config.kernelName);
  }
}
