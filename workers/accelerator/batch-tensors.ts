/**
 * The statistics of R rows of S coordinates as tfjs operations: (g, m, v) on the device
 * in, one flat row of numbers out, so that one transfer brings everything back.
 *
 * What comes out is float32. Rows that hold anything the device cannot be trusted with
 * are marked and computed again by the host (finish-rows.ts); of the others only the
 * quotients r and u carry rounding that the reference has not.
 */
import type { Rank, Tensor, Tensor1D, Tensor2D } from '@tensorflow/tfjs-core';
import { type BinnedQuotients, type Magnitudes, countSlots, findSlots } from './count-bins';
import type { DeviceConstants } from './device-constants';
import { type RowColumn, columnNames } from './row-columns';
import type { TensorLibrary, UploadedColumn } from './tensor-library';

export interface UploadedBatch {
  readonly gradient: UploadedColumn;
  readonly firstMoment: UploadedColumn;
  readonly secondMoment: UploadedColumn;
  readonly previousGradient: UploadedColumn | null;
}

type Columns = Partial<Record<RowColumn, Tensor>>;

interface Quotients {
  readonly ratios: Magnitudes;
  readonly updates: Magnitudes;
  /** max(√v, ε), and 1 where that is 0. */
  readonly floored: Tensor;
}

/** → [R·130 counts of r, R·420 counts of u, R of each column], the columns as columnNames orders them. */
export function computeBatch(
  tf: TensorLibrary,
  batch: UploadedBatch,
  constants: DeviceConstants,
): Tensor1D {
  return tf.tidy(() => {
    const quotients = tf.tidy(() => divide(tf, batch, constants));
    const { ratios, updates, floored } = quotients;
    const { ratioMagnitudes, updateMagnitudes } = constants;
    const isZero = tf.tidy(() =>
      tf.cast(tf.less(tf.abs(batch.firstMoment.classes), constants.half), 'float32'),
    );
    const ratioSlots = findSlots(tf, ratios, ratioMagnitudes, constants);
    const updateSlots = findSlots(tf, updates, updateMagnitudes, constants);
    const near = tf.maximum(ratioSlots.near, updateSlots.near);
    const isLeftOut = tf.cast(tf.maximum(near, isZero), 'bool');
    const counted = ({ slots }: BinnedQuotients, magnitudes: Tensor2D): Tensor1D =>
      countSlots(tf, slots, isLeftOut, magnitudes.size);
    const ratioCounts = counted(ratioSlots, ratioMagnitudes);
    const updateCounts = counted(updateSlots, updateMagnitudes);

    const columns: Columns = {
      wild: tf.tidy(() => countWild(tf, batch, quotients, constants)),
      ...tf.tidy(() => gradientColumns(tf, batch, floored, constants)),
      ...tf.tidy(() => quotientColumns(tf, quotients, near, constants)),
      ...tf.tidy(() => nearColumns(tf, near)),
      zeros: tf.sum(isZero, 1),
      ...tf.tidy(() => agreementColumns(tf, batch)),
    };
    const flat = columnNames(batch.previousGradient !== null).map((name) =>
      tf.reshape<Rank.R1>(columnOf(columns, name), [-1]),
    );
    return tf.concat1d([ratioCounts, updateCounts, ...flat]);
  });
}

function columnOf(columns: Columns, name: RowColumn): Tensor {
  const column = columns[name];
  if (column === undefined) throw new Error(`no operation fills the column ${name}`);
  return column;
}

/** r = m/√v and u = m/(√v+ε). A 0 below is a 1 here: in a row that counts, m is 0 there too. */
function divide(
  tf: TensorLibrary,
  { firstMoment, secondMoment }: UploadedBatch,
  { zero, one, epsilon, hasEpsilon }: DeviceConstants,
) {
  const withSizes = (values: Tensor): Magnitudes => ({ values, sizes: tf.abs(values) });
  const root = tf.sqrt(secondMoment.values);
  const divisor = tf.where<Tensor>(tf.equal(secondMoment.classes, zero), one, root);
  return {
    ratios: withSizes(tf.div(firstMoment.values, divisor)),
    updates: withSizes(tf.div(firstMoment.values, hasEpsilon ? tf.add(root, epsilon) : divisor)),
    floored: hasEpsilon ? tf.maximum(root, epsilon) : divisor,
  };
}

/** [R] coordinates whose classes, quotients or combination of zeros only the host gets right. */
function countWild(
  tf: TensorLibrary,
  { gradient, firstMoment, secondMoment, previousGradient }: UploadedBatch,
  { ratios, updates }: Quotients,
  { zero, half, one, hasEpsilon, smallestQuotient, largestQuotient }: DeviceConstants,
): Tensor {
  const isWild = (classes: Tensor): Tensor => tf.greater(classes, one);
  const isPresent = (classes: Tensor): Tensor => tf.greater(tf.abs(classes), half);
  const isOutside = ({ sizes }: Magnitudes): Tensor =>
    tf.logicalOr(tf.less(sizes, smallestQuotient), tf.greater(sizes, largestQuotient));
  const isZeroVariance = tf.equal(secondMoment.classes, zero);
  // The class of a second moment that counts is 0 or 1: within a half of a half.
  const isWildVariance = tf.greater(tf.abs(tf.sub(secondMoment.classes, half)), half);
  const isWildQuotient = tf.logicalAnd(
    isPresent(firstMoment.classes),
    tf.logicalOr(isZeroVariance, tf.logicalOr(isOutside(ratios), isOutside(updates))),
  );
  const masks = [isWild(gradient.classes), isWild(firstMoment.classes), isWildVariance];
  masks.push(isWildQuotient);
  // Without ε a gradient over v = 0 makes RMS_t infinite.
  if (!hasEpsilon) masks.push(tf.logicalAnd(isZeroVariance, isPresent(gradient.classes)));
  if (previousGradient !== null) masks.push(isWild(previousGradient.classes));
  const any = masks.reduce((left, right) => tf.logicalOr(left, right));
  return tf.sum(tf.cast(any, 'float32'), 1);
}

function gradientColumns(
  tf: TensorLibrary,
  { gradient, secondMoment }: UploadedBatch,
  floored: Tensor,
  { epsilonAtOrAbove, epsilonSquared }: DeviceConstants,
) {
  const size = tf.abs(gradient.values);
  const countWhere = (mask: Tensor): Tensor => tf.sum(tf.cast(mask, 'float32'), 1);
  return {
    gradientSquares: tf.sum(tf.square(gradient.values), 1),
    gradientMax: tf.max(size, 1),
    gradientBelow: countWhere(tf.less(size, epsilonAtOrAbove)),
    rootBelow: countWhere(tf.less(secondMoment.values, epsilonSquared)),
    scaledSquares: tf.sum(tf.square(tf.div(gradient.values, floored)), 1),
  };
}

/** Moments of r and u about their own rows' means, and what the host checks them by. */
function quotientColumns(
  tf: TensorLibrary,
  { ratios, updates }: Quotients,
  near: Tensor,
  { one, smallUpdate }: DeviceConstants,
) {
  const [ratioShift, ratioDeviations] = aroundMean(tf, ratios.values);
  const [updateShift, updateDeviations] = aroundMean(tf, updates.values);
  const isSmall = tf.cast(tf.less(updates.sizes, smallUpdate), 'float32');
  ratioShift.dispose();
  return {
    ratioSum: tf.sum(ratioDeviations, 1),
    ratioSquares: tf.sum(tf.square(ratioDeviations), 1),
    ratioMax: tf.max(ratios.sizes, 1),
    updateShift,
    updateSum: tf.sum(updateDeviations, 1),
    updateSquares: tf.sum(tf.square(updateDeviations), 1),
    updateMax: tf.max(updates.sizes, 1),
    // SMALL_UPDATE is one of the edges, so what is near it is left to the host as well.
    updateSmall: tf.sum(tf.mul(isSmall, tf.sub(one, near)), 1),
  };
}

/**
 * Deviations from a value near the row's mean, in two steps: from the first coordinate,
 * so that equal values deviate by exactly 0, then from the mean of what is left.
 */
function aroundMean(tf: TensorLibrary, values: Tensor): [Tensor, Tensor] {
  return tf.tidy(() => {
    const first = tf.slice(values, [0, 0], [values.shape[0], 1]);
    const fromFirst = tf.sub(values, first);
    const rest = tf.mean(fromFirst, 1, true);
    return [tf.add(first, rest), tf.sub(fromFirst, rest)];
  });
}

function nearColumns(tf: TensorLibrary, near: Tensor) {
  const sampleCount = near.shape[1] ?? 0;
  const indices = tf.reshape(tf.range(0, sampleCount, 1, 'float32'), [1, sampleCount]);
  const last = tf.scalar(sampleCount);
  return {
    near: tf.sum(near, 1),
    // 0 where there is none; asked only where there is.
    nearLast: tf.max(tf.mul(near, indices), 1),
    nearFirst: tf.sub(last, tf.max(tf.mul(near, tf.sub(last, indices)), 1)),
  };
}

function agreementColumns(
  tf: TensorLibrary,
  { gradient, previousGradient }: UploadedBatch,
): Columns {
  if (previousGradient === null) return {};
  // ±1 of a value, 0 of either zero.
  const sign = ({ classes }: UploadedColumn): Tensor => tf.round(classes);
  const agreement = tf.mul(sign(gradient), sign(previousGradient));
  return {
    agreementProduct: tf.sum(tf.mul(gradient.values, previousGradient.values), 1),
    previousSquares: tf.sum(tf.square(previousGradient.values), 1),
    previousMax: tf.max(tf.abs(previousGradient.values), 1),
    agreementEqual: tf.sum(tf.relu(agreement), 1),
    agreementPairs: tf.sum(tf.abs(agreement), 1),
  };
}
