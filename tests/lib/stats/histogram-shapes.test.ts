import { describe, expect, it } from 'vitest';
import { computeBimodalityCoefficient } from '@/lib/stats/bimodality-coefficient';
import { dipOfHistogram } from '@/lib/stats/dip-of-histogram';
import { computeHistogramMoments } from '@/lib/stats/histogram-moments';
import {
  SHAPE_MEASURES,
  type ShapesInput,
  computeHistogramShapes,
} from '@/lib/stats/histogram-shapes';
import { computeValleyDepth } from '@/lib/stats/valley-depth';

const input: ShapesInput = {
  layerCount: 3,
  edges: Float32Array.of(-1, -0.5, 0, 0.5, 1),
  counts: Uint32Array.of(40, 2, 2, 40, 2, 40, 41, 3, 0, 0, 0, 0),
  outside: Uint32Array.of(1, 2, 3, 4, 0, 0, 9, 0, 0, 0, 0, 7),
  measures: SHAPE_MEASURES,
};

describe('computeHistogramShapes', () => {
  it('measures each row as the functions of one histogram do', () => {
    const shapes = computeHistogramShapes(input);
    expect([...shapes.keys()]).toEqual([...SHAPE_MEASURES]);
    for (const layer of [0, 1]) {
      const row = {
        edges: input.edges,
        counts: input.counts.subarray(4 * layer, 4 * layer + 4),
        outside: input.outside.subarray(4 * layer, 4 * layer + 4),
      };
      const { mean, std, skewness, excessKurtosis, count } = computeHistogramMoments(row);
      const expected = {
        dip: dipOfHistogram(row),
        valleyDepth: computeValleyDepth(row),
        bimodalityCoefficient: computeBimodalityCoefficient({ count, skewness, excessKurtosis }),
        ...{ mean, std, skewness, excessKurtosis },
      };
      for (const measure of SHAPE_MEASURES) {
        expect(shapes.get(measure)?.[layer], measure).toBe(expected[measure]);
      }
    }
  });

  it('has no number for a row without values', () => {
    for (const column of computeHistogramShapes(input).values()) expect(column[2]).toBeNaN();
  });

  it('measures what is asked for, in that order, of no row too', () => {
    const asked = computeHistogramShapes({ ...input, measures: ['valleyDepth', 'dip'] });
    expect([...asked.keys()]).toEqual(['valleyDepth', 'dip']);
    const none = { ...input, layerCount: 0, counts: new Uint32Array(), outside: new Uint32Array() };
    expect(computeHistogramShapes(none).get('dip')).toEqual(new Float64Array());
  });

  it('refuses arrays that do not fit', () => {
    expect(() => computeHistogramShapes({ ...input, layerCount: 4 })).toThrow(
      '4 histograms on 5 edges: expected 16 counts and 16 outside, got 12 and 12',
    );
    expect(() => computeHistogramShapes({ ...input, edges: new Float32Array(1) })).toThrow(
      'expected 3 counts',
    );
  });
});
