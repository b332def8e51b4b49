/**
 * Hartigan's dip of many distribution functions at once, as tensor operations: the loop of
 * lib/stats/dip-of-vertices.ts, in which a row that has ended is masked.
 *
 * The hull on an interval is a chain of links from one end of it to the other; where
 * the chain passes a vertex is found in doubling strides, the longest first.
 */
import type { Tensor, Tensor2D } from '@tensorflow/tfjs-core';
import { type Chain, type Hulls, type VertexTensors, linkVertices } from './link-vertices';
import { at, firstOf, flatOf } from './row-tensors';
import type { TensorLibrary } from './tensor-library';

/** Hulls closer than this to the bound are as close as float32 can tell: ends rounding's noise. */
const SLACK = 2 ** -21;
const PASSES_AT_ONCE = 4;
const MAX_PASSES = 12;

/**
 * [R, 1] each: flat indices of an interval's ends, the lower bound of twice the dip so far,
 * and 1 where that is not yet the dip.
 */
type Interval = Record<'start' | 'end' | 'twiceDip' | 'isOpen', Tensor>;

type Hull = Readonly<Record<'heights' | 'nearest' | 'isVertex', Tensor>>;

/**
 * [R] the dip of each row; NaN where MAX_PASSES cuts were not enough. How many are is asked
 * of the device after every few: most shapes need two to six, none that a training makes
 * more than eleven.
 */
export async function computeDips(
  tf: TensorLibrary,
  vertices: VertexTensors,
): Promise<Float32Array> {
  const hulls = tf.tidy(() => linkVertices(tf, vertices));
  let interval: Interval = tf.tidy(() => {
    const start = firstOf(tf, hulls.positions);
    const end = tf.add(start, vertices.last);
    return { start, end, twiceDip: tf.zerosLike(start), isOpen: tf.onesLike(start) };
  });
  try {
    for (let passes = 0; ;) {
      const next: Interval = tf.tidy(() => cutSome(tf, vertices, hulls, interval));
      tf.dispose(interval);
      interval = next;
      passes += PASSES_AT_ONCE;
      const [twiceDips, areOpen] = await readColumns(tf, interval);
      const isDone = areOpen.every((isOpen) => isOpen === 0);
      if (isDone || passes >= MAX_PASSES) {
        return twiceDips.map((twice, row) => (areOpen[row] === 0 ? twice / 2 : NaN));
      }
    }
  } finally {
    tf.dispose([interval, hulls]);
  }
}

function cutSome(
  tf: TensorLibrary,
  vertices: VertexTensors,
  hulls: Hulls,
  interval: Interval,
): Interval {
  let last = interval;
  for (let pass = 0; pass < PASSES_AT_ONCE; pass++) last = cutOnce(tf, vertices, hulls, last);
  return last;
}

/** In one transfer: twice the dips, and 1 where a row is not done. */
async function readColumns(
  tf: TensorLibrary,
  { twiceDip, isOpen }: Interval,
): Promise<readonly [Float32Array, Float32Array]> {
  const both = tf.tidy(() => tf.concat1d([flatOf(tf, twiceDip), flatOf(tf, isOpen)]));
  try {
    const numbers = await both.data<'float32'>();
    return [numbers.subarray(0, numbers.length / 2), numbers.subarray(numbers.length / 2)];
  } finally {
    both.dispose();
  }
}

/** Both hulls on each row's interval, the widest gap between them, and the interval cut there. */
function cutOnce(
  tf: TensorLibrary,
  vertices: VertexTensors,
  { minorant, majorant, positions }: Hulls,
  { start, end, twiceDip, isOpen }: Interval,
): Interval {
  return tf.tidy(() => {
    const { x, lo, hi } = vertices;
    const isInside = tf.logicalAnd(tf.greaterEqual(positions, start), tf.lessEqual(positions, end));
    const below = tf.tidy(() => {
      const right = descend(tf, minorant, end, positions, (found) =>
        tf.greaterEqual(found, positions),
      );
      return hullAt(tf, x, lo, minorant, right, positions, start);
    });
    const above = tf.tidy(() => {
      const left = descend(tf, majorant, start, positions, (found) =>
        tf.lessEqual(found, positions),
      );
      return hullAt(tf, x, hi, majorant, left, positions, end);
    });
    const widest = (gaps: Tensor, { isVertex }: Hull) => {
      const asked = tf.where<Tensor>(tf.logicalAnd(isVertex, isInside), gaps, tf.scalar(-1));
      const index = tf.cast(tf.argMax(asked, 1), 'float32');
      return {
        gap: tf.max(asked, 1, true),
        where: tf.add(tf.reshape(index, [-1, 1]), firstOf(tf, positions)),
      };
    };
    const atMinorant = widest(tf.sub(above.heights, lo), below);
    const atMajorant = widest(tf.sub(hi, below.heights), above);
    const isAtMinorant = tf.greaterEqual(atMinorant.gap, atMajorant.gap);
    const gap = tf.maximum(atMinorant.gap, atMajorant.gap);
    const hullBefore = tf.maximum(at(tf, flatOf(tf, below.nearest), atMajorant.where), start);
    const hullAfter = tf.minimum(at(tf, flatOf(tf, above.nearest), atMinorant.where), end);
    const cutStart = tf.where<Tensor>(isAtMinorant, atMinorant.where, hullBefore);
    const cutEnd = tf.where<Tensor>(isAtMinorant, hullAfter, atMajorant.where);

    const most = (misses: Tensor, isAsked: Tensor): Tensor =>
      tf.max(tf.where<Tensor>(tf.logicalAnd(isAsked, isInside), misses, tf.scalar(0)), 1, true);
    // The ends themselves stay out: the atom of a mode there is allowed.
    const missed = tf.maximum(
      most(tf.sub(hi, below.heights), tf.less(positions, cutStart)),
      most(tf.sub(above.heights, lo), tf.greater(positions, cutEnd)),
    );
    const isWider = tf.logicalAnd(
      tf.cast(isOpen, 'bool'),
      tf.greater(gap, tf.add(twiceDip, tf.scalar(SLACK))),
    );
    const isCut = tf.logicalAnd(
      isWider,
      tf.logicalOr(tf.notEqual(cutStart, start), tf.notEqual(cutEnd, end)),
    );
    return {
      start: tf.where<Tensor>(isCut, cutStart, start),
      end: tf.where<Tensor>(isCut, cutEnd, end),
      twiceDip: tf.where<Tensor>(isWider, tf.maximum(twiceDip, missed), twiceDip),
      isOpen: tf.cast(isCut, 'float32'),
    };
  });
}

/** [R, V] the last link of the chain from `from` that is still `isThere`: one stride less at each step. */
function descend(
  tf: TensorLibrary,
  { strides }: Chain,
  from: Tensor,
  positions: Tensor,
  isThere: (found: Tensor) => Tensor,
): Tensor {
  let reached = tf.add(from, tf.zerosLike(positions));
  for (const stride of [...strides].reverse()) {
    const found = at(tf, flatOf(tf, stride), reached);
    reached = tf.where<Tensor>(isThere(found), found, reached);
  }
  return reached;
}

/** The hull at every vertex, whose line there ends at `reached`; `border` is its other end. */
function hullAt(
  tf: TensorLibrary,
  x: Tensor2D,
  y: Tensor2D,
  { strides, slopes }: Chain,
  reached: Tensor,
  positions: Tensor,
  border: Tensor,
): Hull {
  const distance = tf.sub(x, at(tf, flatOf(tf, x), reached));
  const heights = tf.add(at(tf, flatOf(tf, y), reached), tf.mul(at(tf, slopes, reached), distance));
  const isReached = tf.equal(reached, positions);
  const [link = reached] = strides;
  return {
    heights,
    // Rounding could let a chain pass its border by; the hull on the interval still ends there.
    isVertex: tf.logicalOr(isReached, tf.equal(positions, border)),
    nearest: tf.where<Tensor>(isReached, positions, at(tf, flatOf(tf, link), reached)),
  };
}
