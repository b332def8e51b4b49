/**
 * Moments and valley depth of many histograms over the same edges, as tensor operations:
 * what lib/stats computes of one, in float32.
 */
import type { Tensor, Tensor1D, Tensor2D } from '@tensorflow/tfjs-core';
import { NORMAL_QUARTILE_RANGE, WINDOW_FACTOR } from '../../lib/stats/histogram-window';
import { at, flatOf } from './row-tensors';
import { countEdgesUpTo } from './search-edges';
import type { TensorLibrary } from './tensor-library';

export interface BinTensors {
  /** [1, B + 1] scaled to within ±1. */
  readonly edges: Tensor2D;
  /** [R, B], [R, B + 1], [R, 3] */
  readonly counts: Tensor2D;
  readonly below: Tensor2D;
  readonly atoms: Tensor2D;
  /** [R, 1] */
  readonly binnedCount: Tensor2D;
  readonly finiteCount: Tensor2D;
  readonly fifthRoot: Tensor2D;
}

/** Central moments of the deviations over `reach`, the largest of them, so that no power leaves float32. */
export const MOMENT_COLUMNS = ['mean', 'reach', 'second', 'third', 'fourth'] as const;

/** → [5R]: each of MOMENT_COLUMNS. */
export function computeMomentTensors(tf: TensorLibrary, bins: BinTensors): Tensor1D {
  return tf.tidy(() => {
    const { counts, atoms, finiteCount, edges } = bins;
    const [left, right] = bordersOf(tf, edges);
    const [low, high] = [
      tf.slice(edges, [0, 0], [1, 1]),
      tf.slice(edges, [0, edges.size - 1], [1, 1]),
    ];
    // Where the values of underflow, overflow and exact zeros are taken to lie.
    const atomPositions = tf.concat([low, high, tf.zerosLike(low)], 1);
    const total = (weighted: Tensor): Tensor => tf.sum(weighted, 1, true);
    const middles = tf.mul(tf.add(left, right), tf.scalar(0.5));
    const mean = tf.div(
      tf.add(total(tf.mul(counts, middles)), total(tf.mul(atoms, atomPositions))),
      finiteCount,
    );

    const furthest = (distances: Tensor, weights: Tensor): Tensor =>
      tf.max(
        tf.mul(tf.abs(distances), tf.cast(tf.greater(weights, tf.scalar(0)), 'float32')),
        1,
        true,
      );
    const [fromLeft, fromRight] = [tf.sub(left, mean), tf.sub(right, mean)];
    const fromAtoms = tf.sub(atomPositions, mean);
    const reach = [
      furthest(fromLeft, counts),
      furthest(fromRight, counts),
      furthest(fromAtoms, atoms),
    ].reduce((most, next) => tf.maximum(most, next));

    // What lies further out holds nothing, and its powers would leave float32.
    const [a, b, c] = [fromLeft, fromRight, fromAtoms].map((deviations) =>
      tf.clipByValue(tf.div(deviations, reach), -1, 1),
    );
    if (a === undefined || b === undefined || c === undefined) throw new Error('no deviations');
    // Powers of a uniform on [a, b]: E x² = (a² + ab + b²)/3 and so on.
    const [aa, bb, cc] = [tf.square(a), tf.square(b), tf.square(c)];
    const ab = tf.mul(a, b);
    const moment = (ofBins: Tensor, divisor: number, ofAtoms: Tensor): Tensor =>
      tf.div(
        tf.add(
          tf.div(total(tf.mul(counts, ofBins)), tf.scalar(divisor)),
          total(tf.mul(atoms, ofAtoms)),
        ),
        finiteCount,
      );
    const squares = tf.add(aa, bb);
    const second = moment(tf.add(squares, ab), 3, cc);
    const third = moment(tf.mul(tf.add(a, b), squares), 4, tf.mul(c, cc));
    // a⁴ + a³b + a²b² + ab³ + b⁴ = (a² + b²)(a² + b² + ab) − a²b².
    const fourth = moment(
      tf.sub(tf.mul(squares, tf.add(squares, ab)), tf.mul(aa, bb)),
      5,
      tf.square(cc),
    );
    return tf.concat1d([mean, reach, second, third, fourth].map((column) => flatOf(tf, column)));
  });
}

/** → [R]: 1 − h(0)/max h, h smoothed by the window of lib/stats/histogram-window.ts. */
export function computeValleyTensors(tf: TensorLibrary, bins: BinTensors): Tensor1D {
  return tf.tidy(() => {
    const { edges, below } = bins;
    const halfWidth = tf.tidy(() => computeHalfWidth(tf, bins));
    const window = tf.mul(halfWidth, tf.scalar(2));
    const edgeCount = edges.size;
    const queries = tf.concat2d(
      [
        tf.add<Tensor2D>(edges, window),
        tf.sub<Tensor2D>(edges, window),
        tf.neg(halfWidth),
        halfWidth,
      ],
      1,
    );
    const counted = countBelow(tf, bins, queries);
    const part = (from: number, size: number): Tensor => tf.slice(counted, [0, from], [-1, size]);
    const startingOnEdge = tf.sub(part(0, edgeCount), below);
    const endingOnEdge = tf.sub(below, part(edgeCount, edgeCount));
    const atZero = tf.sub(part(2 * edgeCount + 1, 1), part(2 * edgeCount, 1));
    const most = tf.maximum(atZero, tf.max(tf.maximum(startingOnEdge, endingOnEdge), 1, true));
    return flatOf(tf, tf.sub(tf.scalar(1), tf.div(atZero, most)));
  });
}

function bordersOf(tf: TensorLibrary, edges: Tensor2D): readonly [Tensor, Tensor] {
  const binCount = edges.size - 1;
  return [tf.slice(edges, [0, 0], [1, binCount]), tf.slice(edges, [0, 1], [1, binCount])];
}

/** [R, 1] √3 · 0.9 · min(σ, IQR/1.349) · n^(−1/5) of the values in bins. */
function computeHalfWidth(
  tf: TensorLibrary,
  { edges, counts, below, binnedCount, fifthRoot }: BinTensors,
): Tensor2D {
  const [left, right] = bordersOf(tf, edges);
  const average = (values: Tensor): Tensor =>
    tf.div(tf.sum(tf.mul(counts, values), 1, true), binnedCount);
  const mean = average(tf.mul(tf.add(left, right), tf.scalar(0.5)));
  const [a, b] = [tf.sub(left, mean), tf.sub(right, mean)];
  const variance = average(tf.add(tf.add(tf.square(a), tf.mul(a, b)), tf.square(b)));
  const std = tf.sqrt(tf.div(variance, tf.scalar(3)));

  const flatBelow = flatOf(tf, below);
  const flatEdges = flatOf(tf, edges);
  const firsts = rowStarts(tf, below);
  const quantile = (share: number): Tensor => {
    const rank = tf.mul(binnedCount, tf.scalar(share));
    const edgesBelow = tf.sum(tf.cast(tf.less(below, rank), 'float32'), 1, true);
    const low = tf.sub(edgesBelow, tf.scalar(1));
    return interpolate(tf, rank, {
      from: at(tf, flatBelow, tf.add(low, firsts)),
      to: at(tf, flatBelow, tf.add(edgesBelow, firsts)),
      low: at(tf, flatEdges, low),
      high: at(tf, flatEdges, edgesBelow),
    });
  };
  const quartileRange = tf.sub(quantile(0.75), quantile(0.25));
  const spread = tf.minimum(std, tf.div(quartileRange, tf.scalar(NORMAL_QUARTILE_RANGE)));
  return tf.mul<Tensor2D>(tf.mul(spread, fifthRoot), tf.scalar(WINDOW_FACTOR));
}

/** [R, Q] values below each of the queries, each bin read as a uniform density. */
function countBelow(tf: TensorLibrary, { edges, below }: BinTensors, queries: Tensor2D): Tensor {
  return tf.tidy(() => {
    const lastBin = edges.size - 2;
    const edgesUpTo = countEdgesUpTo(tf, edges, queries);
    const bin = tf.clipByValue(tf.sub(edgesUpTo, tf.scalar(1)), 0, lastBin);
    const nextEdge = tf.add(bin, tf.scalar(1));
    const flatBelow = flatOf(tf, below);
    const flatEdges = flatOf(tf, edges);
    const firsts = rowStarts(tf, below);
    return interpolate(tf, queries, {
      from: at(tf, flatEdges, bin),
      to: at(tf, flatEdges, nextEdge),
      low: at(tf, flatBelow, tf.add(bin, firsts)),
      high: at(tf, flatBelow, tf.add(nextEdge, firsts)),
    });
  });
}

/** low…high as x runs from…to, and no further. */
function interpolate(
  tf: TensorLibrary,
  x: Tensor,
  { from, to, low, high }: Readonly<Record<'from' | 'to' | 'low' | 'high', Tensor>>,
): Tensor {
  const share = tf.clipByValue(tf.div(tf.sub(x, from), tf.sub(to, from)), 0, 1);
  return tf.add(low, tf.mul(tf.sub(high, low), share));
}

/** [R, 1] where each row of the flattened tensor begins. */
function rowStarts(tf: TensorLibrary, { shape: [rowCount, width] }: Tensor2D): Tensor {
  return tf.reshape(tf.mul(tf.range(0, rowCount, 1, 'float32'), tf.scalar(width)), [rowCount, 1]);
}
