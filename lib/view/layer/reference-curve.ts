import { normalCumulative } from '../../stats/normal-cumulative';
import { normalDensity } from '../../stats/normal-density';
import { fromAxis, stretchAt, type DistributionAxis } from './distribution-axis';
import type { DrawnBins } from './distribution-bins';

/** What a height is: share per unit of the axis, coordinates a bin, or share up to here. */
export type HeightMode = 'density' | 'counts' | 'cumulative';

export interface CurvePoint {
  readonly at: number;
  readonly height: number;
}

/** One normal of a mixture; the weights of a mixture sum to 1. */
export interface NormalPart {
  readonly weight: number;
  readonly mean: number;
  readonly std: number;
}

/** Enough for a smooth curve of 262 px. */
const CURVE_SEGMENTS = 96;

/**
 * A mixture of normals as it would be drawn: a density per unit of the axis, the
 * coordinates that each drawn bin would hold, or the share below. A log axis has |x|.
 *
 * Empty  no point for a mixture of nothing
 */
export function prepareReferenceCurve(
  axis: DistributionAxis,
  parts: readonly NormalPart[],
  mode: HeightMode,
  { bins, finiteCount }: DrawnBins,
): readonly CurvePoint[] {
  if (parts.length === 0) return [];
  if (mode === 'counts') {
    return bins.map(({ leftEdge, rightEdge }) => ({
      at: (leftEdge + rightEdge) / 2,
      height:
        finiteCount *
        (shareBelow(axis, parts, fromAxis(axis, rightEdge)) -
          shareBelow(axis, parts, fromAxis(axis, leftEdge))),
    }));
  }
  const [first, last] = axis.domain;
  return Array.from({ length: CURVE_SEGMENTS + 1 }, (_, i) => {
    const at = first + ((last - first) * i) / CURVE_SEGMENTS;
    const x = fromAxis(axis, at);
    const height =
      mode === 'cumulative'
        ? shareBelow(axis, parts, x)
        : densityOf(axis, parts, x) * stretchAt(axis, at);
    return { at, height };
  });
}

function densityOf({ kind }: DistributionAxis, parts: readonly NormalPart[], x: number): number {
  const at = (place: number): number =>
    parts.reduce((sum, { weight, mean, std }) => sum + weight * normalDensity(place, mean, std), 0);
  return kind === 'log' ? at(x) + at(-x) : at(x);
}

/** The share of x, or on a log axis of |x|, below `x`. */
function shareBelow({ kind }: DistributionAxis, parts: readonly NormalPart[], x: number): number {
  const below = (place: number): number =>
    parts.reduce(
      (sum, { weight, mean, std }) => sum + weight * normalCumulative(place, mean, std),
      0,
    );
  return kind === 'log' ? below(x) - below(-x) : below(x);
}
