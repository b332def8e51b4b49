import { describe, expect, it } from 'vitest';
import { countCodes } from '@/lib/view/colours/colour-scale';
import { encodeMagnitude } from '@/lib/view/colours/magnitude-code';
import { prepareScaleHistogram } from '@/lib/view/colours/scale-histogram';

const codes = (values: readonly number[]) =>
  Uint16Array.from(values, (value) => encodeMagnitude(value, 0));

describe('the histogram along a scale', () => {
  it('counts what lies beyond either end', () => {
    const histogram = prepareScaleHistogram(
      countCodes(codes([0.01, 1, 1, 500, 0])),
      { kind: 'log', low: 0.1, high: 10, level: null },
      4,
    );
    expect(histogram.belowShare).toBeCloseTo(0.2);
    expect(histogram.aboveShare).toBeCloseTo(0.2);
    expect(Array.from(histogram.heights)).toEqual([0, 0, 1, 0]);
  });

  it('puts values below zero on a linear scale and takes an exact zero for a value there', () => {
    const histogram = prepareScaleHistogram(
      countCodes(codes([-3, -0.4, 0, 0.6, 3])),
      { kind: 'linear', low: -1, high: 1, level: null },
      4,
    );
    expect(Array.from(histogram.heights)).toEqual([0, 1, 1, 1]);
    expect(histogram.belowShare).toBeCloseTo(0.2);
    expect(histogram.aboveShare).toBeCloseTo(0.2);
  });
});
