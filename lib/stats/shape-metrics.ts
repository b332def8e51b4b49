import { computeBimodalityCoefficient } from './bimodality-coefficient';
import { dipOfHistogram } from './dip-of-histogram';
import { computeHistogramMoments, type Histogram } from './histogram-moments';
import type { HistogramMetricsInput } from './histogram-metrics';
import { QUIET_NAN_BITS, writeValue } from './missing-value';
import { computeValleyDepth } from './valley-depth';

/** How the distributions of a layer are shaped, by the histogram's name. */
const SHAPES: ReadonlyMap<
  string,
  readonly (readonly [metric: string, measure: (histogram: Histogram) => number])[]
> = new Map([
  [
    'ratio',
    [
      ['ratio_dip', dipOfHistogram],
      [
        'ratio_bimodality_coefficient',
        (r: Histogram) => computeBimodalityCoefficient(computeHistogramMoments(r)),
      ],
      ['ratio_valley_depth', computeValleyDepth],
    ],
  ],
  ['update', [['update_dip', dipOfHistogram]]],
]);

/**
 * The standard shape metrics of a histogram: `update_dip` of `update`; `ratio_dip`,
 * `ratio_bimodality_coefficient` and `ratio_valley_depth` of `ratio`; none of others.
 * Those named in `known` are left out.
 *
 * Shape    [L, B] counts → [L] float32 a metric
 * Empty    a layer without a measurable shape (no values in its bins, or most of them
 *          beyond the edges) is missing
 * NaN/Inf  non-finite values are left out
 * Throws   RangeError when counts, edges and outside do not fit each other
 */
export function deriveShapeMetrics(
  name: string,
  input: HistogramMetricsInput,
  known: { has(metric: string): boolean },
): Map<string, Float32Array> {
  const { layerCount, edges, counts, outside } = input;
  const missingBits = input.missingBits ?? QUIET_NAN_BITS;
  const binCount = edges.length - 1;
  const columns = new Map<string, Float32Array>();
  for (const [metric, measure] of SHAPES.get(name) ?? []) {
    if (known.has(metric)) continue;
    const column = new Float32Array(layerCount);
    for (let layer = 0; layer < layerCount; layer++) {
      const value = measure({
        edges,
        counts: counts.subarray(layer * binCount, (layer + 1) * binCount),
        outside: outside.subarray(layer * 4, layer * 4 + 4),
      });
      writeValue(column, layer, Number.isNaN(value) ? null : value, missingBits);
    }
    columns.set(metric, column);
  }
  return columns;
}
