/**
 * The hulls of many distribution functions at once. A hull is built one vertex after the
 * other; its links need not be. The vertex before i on the greatest convex minorant of
 * [0, i] is the one from which the line to i is steepest, the vertex after i on the least
 * concave majorant of [i, last] the one to which it is: two argmax over the slopes of all
 * pairs. As in lib/stats/dip-of-vertices.ts, the hull on any interval between two vertices
 * of it is a chain of such links.
 */
import type { Tensor, Tensor1D, Tensor2D } from '@tensorflow/tfjs-core';
import { at, firstOf, flatOf } from './row-tensors';
import type { TensorLibrary } from './tensor-library';

export interface VertexTensors {
  /** [R, V] positions, strictly increasing; what lies behind a row's last vertex is never asked. */
  readonly x: Tensor2D;
  /** [R, V] F(x−) and F(x) in shares: 0 to 1, 1 behind the last vertex. */
  readonly lo: Tensor2D;
  readonly hi: Tensor2D;
  /** [R, 1] index of the last vertex. */
  readonly last: Tensor2D;
}

/** A hull's links in strides of 1, 2, 4, …, as flat indices, and the slope [R · V] along each. */
export type Chain = { strides: Tensor[]; slopes: Tensor1D };

export type Hulls = {
  minorant: Chain;
  majorant: Chain;
  /** [R, V] the flat index of every vertex. */
  positions: Tensor;
};

/** Pairs of vertices at once: 16 MiB a tensor, of which eight live together. */
const MAX_PAIRS = 4 * 1024 * 1024;

/** The links of every vertex on both hulls, in doubling strides. */
export function linkVertices(tf: TensorLibrary, { x, lo, hi }: VertexTensors): Hulls {
  const [rowCount, width] = x.shape;
  const positions = tf.reshape(tf.range(0, rowCount * width, 1, 'float32'), [rowCount, width]);
  const first = firstOf(tf, positions);
  const atOnce = Math.max(1, Math.floor(MAX_PAIRS / width ** 2));
  const parts: LinkTensors[] = [];
  for (let row = 0; row < rowCount; row += atOnce) {
    const part = (values: Tensor2D): Tensor2D =>
      tf.slice(values, [row, 0], [Math.min(atOnce, rowCount - row), width]);
    parts.push(tf.tidy(() => findSteepest(tf, part(x), part(lo), part(hi))));
  }
  const join = (name: keyof LinkTensors): Tensor2D =>
    tf.concat2d(
      parts.map((part) => part[name]),
      0,
    );
  const chain = (links: Tensor2D, slopes: Tensor2D): Chain => {
    const strides: Tensor[] = [tf.add(links, first)];
    for (let length = 2; length < width; length *= 2) {
      const [longest = links] = strides.slice(-1);
      strides.push(at(tf, flatOf(tf, longest), longest));
    }
    return { strides, slopes: flatOf(tf, slopes) };
  };
  return {
    positions,
    minorant: chain(join('before'), join('slopeBefore')),
    majorant: chain(join('after'), join('slopeAfter')),
  };
}

type LinkTensors = Readonly<Record<'before' | 'slopeBefore' | 'after' | 'slopeAfter', Tensor2D>>;

/** Of each vertex the one before it, and the one after it, from which the line is steepest. */
function findSteepest(tf: TensorLibrary, x: Tensor2D, lo: Tensor2D, hi: Tensor2D): LinkTensors {
  const [, width] = x.shape;
  const indices = tf.range(0, width, 1, 'float32');
  const [column, row] = [tf.reshape(indices, [1, width, 1]), tf.reshape(indices, [1, 1, width])];
  const differences = (values: Tensor): Tensor =>
    tf.sub(tf.expandDims(values, 2), tf.expandDims(values, 1));
  const isSame = tf.cast(tf.equal(column, row), 'float32');
  const run = tf.add(differences(x), isSame);
  const steepest = (values: Tensor2D, isAsked: Tensor) => {
    const slopes = tf.div(differences(values), run);
    // −1 of those that are not asked: a distribution function falls nowhere.
    const asked = tf.add(tf.mul(slopes, isAsked), tf.sub(isAsked, tf.scalar(1)));
    return {
      link: tf.cast(tf.argMax<Tensor2D>(asked, 2), 'float32'),
      slope: tf.max<Tensor2D>(asked, 2),
    };
  };
  const before = steepest(lo, tf.cast(tf.less(row, column), 'float32'));
  const after = steepest(hi, tf.cast(tf.greater(row, column), 'float32'));
  const own = tf.reshape(indices, [1, width]);
  return {
    // The chains end at themselves.
    before: tf.minimum(before.link, own),
    slopeBefore: before.slope,
    after: tf.maximum(after.link, own),
    slopeAfter: after.slope,
  };
}
