import { computeBimodalityCoefficient } from './bimodality-coefficient';
import { dipOfHistogram } from './dip-of-histogram';
import { computeHistogramMoments, type Histogram } from './histogram-moments';
import { computeValleyDepth } from './valley-depth';

/** What can be asked of a histogram's shape. */
export const SHAPE_MEASURES = [
  'dip',
  'mean',
  'std',
  'skewness',
  'excessKurtosis',
  'bimodalityCoefficient',
  'valleyDepth',
] as const;

export type ShapeMeasure = (typeof SHAPE_MEASURES)[number];

export interface HistogramBatch {
  readonly layerCount: number;
  /** [B + 1] finite, strictly increasing; the same for every row. */
  readonly edges: Float32Array;
  /** [L, B] */
  readonly counts: Uint32Array;
  /** [L, 4] underflow, overflow, exact zeros, non-finite. */
  readonly outside: Uint32Array;
}

export interface ShapesInput extends HistogramBatch {
  readonly measures: readonly ShapeMeasure[];
}

/** Measure → [L]; NaN where a row has none. */
export type HistogramShapes = Map<ShapeMeasure, Float64Array<ArrayBuffer>>;

/**
 * Measures of the shapes of L histograms over the same edges. Accelerator backends have
 * this signature; a row may be a layer at a step, of one step or of many.
 *
 * Shape    [L, B] counts → [L] a measure, in the order asked for
 * Empty    NaN in a row without values
 * NaN/Inf  non-finite values are left out
 * Throws   RangeError when counts, edges and outside do not fit `layerCount`
 */
export function computeHistogramShapes(input: ShapesInput): HistogramShapes {
  checkBatch(input);
  const { layerCount, edges, counts, outside, measures } = input;
  const binCount = edges.length - 1;
  const columns: HistogramShapes = new Map(
    measures.map((measure) => [measure, new Float64Array(layerCount)]),
  );
  for (let layer = 0; layer < layerCount; layer++) {
    const read = measureRow({
      edges,
      counts: counts.subarray(layer * binCount, (layer + 1) * binCount),
      outside: outside.subarray(layer * 4, layer * 4 + 4),
    });
    for (const [measure, column] of columns) column[layer] = read(measure);
  }
  return columns;
}

/** Throws RangeError unless there are B ≥ 1 bins, B + 1 edges, L · B counts and L · 4 outside. */
export function checkBatch({ layerCount, edges, counts, outside }: HistogramBatch): void {
  const binCount = edges.length - 1;
  if (
    binCount < 1 ||
    counts.length !== layerCount * binCount ||
    outside.length !== layerCount * 4
  ) {
    throw new RangeError(
      `${layerCount} histograms on ${edges.length} edges: expected ${layerCount * Math.max(1, binCount)} counts ` +
        `and ${layerCount * 4} outside, got ${counts.length} and ${outside.length}`,
    );
  }
}

/** Moments are computed once, whichever of the measures ask for them. */
function measureRow(histogram: Histogram): (measure: ShapeMeasure) => number {
  let computed: ReturnType<typeof computeHistogramMoments> | null = null;
  const moments = () => (computed ??= computeHistogramMoments(histogram));
  return (measure) => {
    switch (measure) {
      case 'dip':
        return dipOfHistogram(histogram);
      case 'valleyDepth':
        return computeValleyDepth(histogram);
      case 'bimodalityCoefficient':
        return computeBimodalityCoefficient(moments());
      default:
        return moments()[measure];
    }
  };
}
