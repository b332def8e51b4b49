/**
 * A small decoder-only transformer over characters: learned positions, blocks of
 * pre-LN attention and a ReLU layer four times as wide, no biases but the norms', a head
 * of its own. One tensor is one layer of the run, in model order.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { TokenBatch } from './corpus';
import { crossEntropy, layerNorm, linear } from './operations';
import { normalValues } from './seeded-random';

export interface ModelShape {
  readonly vocabularySize: number;
  readonly contextLength: number;
  readonly width: number;
  readonly depth: number;
  readonly headCount: number;
}

export interface ParameterSpec {
  readonly name: string;
  readonly kind: 'embedding' | 'norm' | 'attention' | 'mlp' | 'head';
  /** The block, counted from 0; null outside the blocks. */
  readonly depth: number | null;
  readonly shape: readonly number[];
}

/** GPT-2's: small enough that the residual stream starts as the embedding. */
const INITIAL_STANDARD_DEVIATION = 0.02;
const MLP_FACTOR = 4;
/** Below every score that training makes, and finite: −Infinity times 0 would be NaN. */
const MASKED = -1e9;

/** Every parameter tensor, in model order; matrices are [input, output]. */
export function listParameters({
  vocabularySize,
  contextLength,
  width,
  depth,
}: ModelShape): ParameterSpec[] {
  const norm = (name: string, block: number | null): ParameterSpec[] =>
    ['weight', 'bias'].map((part) => ({
      name: `${name}.${part}`,
      kind: 'norm',
      depth: block,
      shape: [width],
    }));
  const matrix = (
    name: string,
    kind: ParameterSpec['kind'],
    block: number | null,
    shape: readonly number[],
  ): ParameterSpec => ({ name: `${name}.weight`, kind, depth: block, shape });
  const blocks = Array.from({ length: depth }, (_, block) => [
    ...norm(`h.${block}.ln_1`, block),
    matrix(`h.${block}.attn.c_attn`, 'attention', block, [width, 3 * width]),
    matrix(`h.${block}.attn.c_proj`, 'attention', block, [width, width]),
    ...norm(`h.${block}.ln_2`, block),
    matrix(`h.${block}.mlp.c_fc`, 'mlp', block, [width, MLP_FACTOR * width]),
    matrix(`h.${block}.mlp.c_proj`, 'mlp', block, [MLP_FACTOR * width, width]),
  ]);
  return [
    matrix('wte', 'embedding', null, [vocabularySize, width]),
    matrix('wpe', 'embedding', null, [contextLength, width]),
    ...blocks.flat(),
    ...norm('ln_f', null),
    matrix('lm_head', 'head', null, [width, vocabularySize]),
  ];
}

export function countParameters({ shape }: ParameterSpec): number {
  return shape.reduce((product, size) => product * size, 1);
}

/** Normal values for matrices, ones and zeros for the norms' weights and biases. */
export function initialValues(
  specs: readonly ParameterSpec[],
  random: () => number,
): Float32Array<ArrayBuffer>[] {
  return specs.map((spec) => {
    const count = countParameters(spec);
    if (spec.kind !== 'norm') return normalValues(count, INITIAL_STANDARD_DEVIATION, random);
    return new Float32Array(count).fill(spec.name.endsWith('.weight') ? 1 : 0);
  });
}

export interface LossAndGradients {
  readonly loss: number;
  /** In the order of the parameters, flattened. */
  readonly gradients: readonly Float32Array[];
}

/**
 * Mean cross entropy of a batch and its gradient with respect to every parameter.
 * Leaves no tensor behind.
 */
export function computeGradients(
  shape: ModelShape,
  specs: readonly ParameterSpec[],
  values: readonly Float32Array[],
  batch: TokenBatch,
): LossAndGradients {
  return tf.tidy(() => {
    const parameters = specs.map((spec, index) =>
      tf.tensor(values[index] ?? new Float32Array(), [...spec.shape]),
    );
    const run = tf.valueAndGrads((...tensors: tf.Tensor[]) =>
      computeLoss(shape, specs, tensors, batch),
    );
    const { value, grads } = run(parameters);
    return {
      loss: value.dataSync<'float32'>()[0] ?? NaN,
      gradients: grads.map((gradient) => gradient.dataSync<'float32'>()),
    };
  });
}

/** The loss alone, as a scalar tensor; for tests and inside `computeGradients`. */
function computeLoss(
  shape: ModelShape,
  specs: readonly ParameterSpec[],
  tensors: readonly tf.Tensor[],
  { inputs, targets }: TokenBatch,
): tf.Scalar {
  const { vocabularySize, contextLength, width, depth } = shape;
  const byName = new Map(specs.map((spec, index) => [spec.name, tensors[index]]));
  const get = (name: string): tf.Tensor => {
    const tensor = byName.get(name);
    if (tensor === undefined) throw new Error(`no parameter ${name}`);
    return tensor;
  };
  const matrix = (name: string): tf.Tensor2D => {
    const tensor = get(`${name}.weight`);
    const [rows = 0, columns = 0] = tensor.shape;
    return tf.reshape<tf.Rank.R2>(tensor, [rows, columns]);
  };
  const norm = (x: tf.Tensor2D, name: string): tf.Tensor2D =>
    layerNorm(x, get(`${name}.weight`), get(`${name}.bias`));

  const rowCount = inputs.length;
  const batchSize = rowCount / contextLength;
  const embedded = linear(oneHot(inputs, vocabularySize), matrix('wte'));
  const positioned = tf.add(
    tf.reshape(embedded, [batchSize, contextLength, width]),
    tf.reshape(matrix('wpe'), [1, contextLength, width]),
  );
  let stream = tf.reshape<tf.Rank.R2>(positioned, [rowCount, width]);
  const mask = causalMask(contextLength);
  for (let block = 0; block < depth; block++) {
    const name = `h.${block}`;
    const mixed = attend(
      linear(norm(stream, `${name}.ln_1`), matrix(`${name}.attn.c_attn`)),
      shape,
      mask,
    );
    stream = tf.add(stream, linear(mixed, matrix(`${name}.attn.c_proj`)));
    const hidden = tf.relu(linear(norm(stream, `${name}.ln_2`), matrix(`${name}.mlp.c_fc`)));
    stream = tf.add(stream, linear(hidden, matrix(`${name}.mlp.c_proj`)));
  }
  const logits = linear(norm(stream, 'ln_f'), matrix('lm_head'));
  return crossEntropy(logits, oneHot(targets, vocabularySize));
}

/** Causal self-attention of all heads. Shape [B · T, 3 · C] → [B · T, C]. */
function attend(projected: tf.Tensor2D, shape: ModelShape, mask: tf.Tensor): tf.Tensor2D {
  const { contextLength, width, headCount } = shape;
  const rowCount = projected.shape[0];
  const batchSize = rowCount / contextLength;
  const headWidth = width / headCount;
  const heads = tf
    .split(projected, 3, 1)
    .map((part) =>
      tf.reshape<tf.Rank.R3>(
        tf.transpose(
          tf.reshape(part, [batchSize, contextLength, headCount, headWidth]),
          [0, 2, 1, 3],
        ),
        [batchSize * headCount, contextLength, headWidth],
      ),
    );
  const [query, key, value] = heads;
  if (query === undefined || key === undefined || value === undefined) {
    throw new Error('expected query, key and value');
  }
  const scores = tf.mul(tf.matMul(query, key, false, true), 1 / Math.sqrt(headWidth));
  const weights = tf.softmax(tf.add(scores, mask));
  const mixed = tf.reshape(tf.matMul(weights, value), [
    batchSize,
    headCount,
    contextLength,
    headWidth,
  ]);
  return tf.reshape<tf.Rank.R2>(tf.transpose(mixed, [0, 2, 1, 3]), [rowCount, width]);
}

/** [1, T, T]: 0 where a position may look, MASKED where it lies ahead. */
function causalMask(contextLength: number): tf.Tensor3D {
  const values = new Float32Array(contextLength * contextLength);
  for (let row = 0; row < contextLength; row++) {
    values.fill(MASKED, row * contextLength + row + 1, (row + 1) * contextLength);
  }
  return tf.tensor3d(values, [1, contextLength, contextLength]);
}

function oneHot(tokens: Int32Array, size: number): tf.Tensor2D {
  const values = new Float32Array(tokens.length * size);
  tokens.forEach((token, row) => (values[row * size + token] = 1));
  return tf.tensor2d(values, [tokens.length, size]);
}
