import { fromAxis, type DistributionAxis } from './distribution-axis';
import type { DrawnBins } from './distribution-bins';

export interface CurvePoint {
  readonly at: number;
  readonly height: number;
}

/** Enough for a smooth curve of 262 px. */
const CURVE_SEGMENTS = 96;
/** Sub-intervals of Simpson’s rule in one bin; a bin 3 std wide is then right to 1e-6. */
const SIMPSON_INTERVALS = 24;

/** Density of N(0, std²) at `x`. */
export function normalDensity(x: number, std: number): number {
  return Math.exp(-0.5 * (x / std) ** 2) / (std * Math.sqrt(2 * Math.PI));
}

/** dx/ds: what turns a density per x into one per unit of the axis. */
function stretch(axis: DistributionAxis, coordinate: number): number {
  if (axis.kind === 'linear') return 1;
  return axis.threshold * 10 ** Math.abs(coordinate) * Math.LN10;
}

/**
 * The density of the healthy normal N(0, std²) along the axis, per unit of the axis.
 *
 * Source  ALGORITHMS.md 3: std = √((1−β1)/(1+β1))
 */
export function prepareNormalDensity(axis: DistributionAxis, std: number): readonly CurvePoint[] {
  const [first, last] = axis.domain;
  return Array.from({ length: CURVE_SEGMENTS + 1 }, (_, i) => {
    const at = first + ((last - first) * i) / CURVE_SEGMENTS;
    return { at, height: normalDensity(fromAxis(axis, at), std) * stretch(axis, at) };
  });
}

/** How many coordinates each drawn bin would hold if they followed the healthy normal. */
export function prepareNormalCounts(
  axis: DistributionAxis,
  { bins, finiteCount }: DrawnBins,
  std: number,
): readonly CurvePoint[] {
  return bins.map(({ leftEdge, rightEdge }) => {
    const left = fromAxis(axis, leftEdge);
    const width = (fromAxis(axis, rightEdge) - left) / SIMPSON_INTERVALS;
    let sum = 0;
    for (let i = 0; i <= SIMPSON_INTERVALS; i++) {
      const weight = i === 0 || i === SIMPSON_INTERVALS ? 1 : i % 2 === 1 ? 4 : 2;
      sum += weight * normalDensity(left + i * width, std);
    }
    return { at: (leftEdge + rightEdge) / 2, height: (finiteCount * sum * width) / 3 };
  });
}
