import { coordinateOf, coordinatesOfCodes } from './coded-values';
import type { ColourScale } from './colour-scale';
import { CODE_NON_FINITE, CODE_ZERO } from './magnitude-code';

export interface ScaleHistogram {
  /** [bins] counts, each divided by the largest. */
  readonly heights: Float64Array;
  /** Shares of the finite values beyond either end. */
  readonly belowShare: number;
  readonly aboveShare: number;
}

/**
 * Distribution along the scale of cells that `countCodes` has counted, for the curve above
 * the colour bar. A scale that is dragged counts none again.
 */
export function prepareScaleHistogram(
  counts: Uint32Array,
  scale: ColourScale,
  bins: number,
): ScaleHistogram {
  const coordinates = coordinatesOfCodes(scale);
  const low = coordinateOf(scale, scale.low);
  const perUnit = 1 / (coordinateOf(scale, scale.high) - low);
  const heights = new Float64Array(bins);
  let below = 0;
  let above = 0;
  let total = 0;
  for (let code = 1; code < CODE_NON_FINITE; code++) {
    const count = counts[code] ?? 0;
    if (count === 0) continue;
    total += count;
    const at = ((coordinates[code] ?? NaN) - low) * perUnit;
    if (at < 0) {
      // Exact zeros have their own cells; on a log scale they lie beyond every end.
      if (code !== CODE_ZERO) below += count;
    } else if (at > 1) above += count;
    else {
      const bin = Math.min(bins - 1, Math.floor(at * bins));
      heights[bin] = (heights[bin] ?? 0) + count;
    }
  }
  const largest = heights.reduce((most, count) => Math.max(most, count), 0);
  if (largest > 0) heights.forEach((count, bin) => (heights[bin] = count / largest));
  return {
    heights,
    belowShare: total === 0 ? 0 : below / total,
    aboveShare: total === 0 ? 0 : above / total,
  };
}
