import type { HistogramMetricsInput } from './histogram-metrics';
import {
  type HistogramShapes,
  type ShapeMeasure,
  computeHistogramShapes,
} from './histogram-shapes';
import { QUIET_NAN_BITS, writeValue } from './missing-value';

/** How the distributions of a layer are shaped, by the histogram's name. */
const SHAPE_METRICS: ReadonlyMap<string, ReadonlyMap<ShapeMeasure, string>> = new Map([
  [
    'ratio',
    new Map<ShapeMeasure, string>([
      ['dip', 'ratio_dip'],
      ['bimodalityCoefficient', 'ratio_bimodality_coefficient'],
      ['valleyDepth', 'ratio_valley_depth'],
    ]),
  ],
  ['update', new Map<ShapeMeasure, string>([['dip', 'update_dip']])],
]);

/** What to ask of a histogram of this name; nothing of most. Those named in `known` are left out. */
export function shapeMeasuresOf(
  name: string,
  known: { has(metric: string): boolean } = new Set(),
): ShapeMeasure[] {
  return [...(SHAPE_METRICS.get(name) ?? [])]
    .filter(([, metric]) => !known.has(metric))
    .map(([measure]) => measure);
}

/** The metrics that `toShapeMetrics` can make of a histogram of this name. */
export function shapeMetricNames(name: string): string[] {
  return [...(SHAPE_METRICS.get(name)?.values() ?? [])];
}

/** Measures of histograms of this name as the standard metrics; a NaN is missing. */
export function toShapeMetrics(
  name: string,
  shapes: HistogramShapes,
  missingBits: number = QUIET_NAN_BITS,
): Map<string, Float32Array> {
  const columns = new Map<string, Float32Array>();
  for (const [measure, metric] of SHAPE_METRICS.get(name) ?? []) {
    const values = shapes.get(measure);
    if (values === undefined) continue;
    const column = new Float32Array(values.length);
    values.forEach((value, layer) => {
      writeValue(column, layer, Number.isNaN(value) ? null : value, missingBits);
    });
    columns.set(metric, column);
  }
  return columns;
}

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
  const measures = shapeMeasuresOf(name, known);
  if (measures.length === 0) return new Map();
  return toShapeMetrics(name, computeHistogramShapes({ ...input, measures }), input.missingBits);
}
