import { describe, expect, it } from 'vitest';
import { colourRamp, hexOfPacked } from '@/lib/view/colour-ramp';
import {
  bakeColourTable,
  countCodes,
  colourOfValue,
  fitColourScale,
  positionOnScale,
  prepareScaleHistogram,
  valueAtPosition,
} from '@/lib/view/colour-scale';
import { CODE_NON_FINITE, CODE_ZERO, encodeMagnitude } from '@/lib/view/magnitude-code';

const codes = (values: readonly number[]) =>
  Uint16Array.from(values, (value) => encodeMagnitude(value, 0));
const epsilon = { value: 1e-5, label: 'ε' };

describe('the colour scale', () => {
  it('is not bleached by one extreme in ten thousand', () => {
    const values = Array.from({ length: 10_000 }, (_, i) => 1e-3 + (i % 100) / 1e4);
    const scale = fitColourScale(codes([...values, 1e30]), 'log', null);
    expect(scale.high).toBeLessThan(1);
  });

  it('takes ε on when it is near and leaves it when it is far', () => {
    expect(fitColourScale(codes([1e-4, 1]), 'log', epsilon).low).toBeLessThan(1e-5);
    expect(fitColourScale(codes([1, 10]), 'log', epsilon).low).toBeGreaterThan(1e-5);
  });

  it('breaks exactly at ε: blue just below, warm at it', () => {
    const scale = fitColourScale(codes([1e-7, 1e-5, 1]), 'log', epsilon);
    const above = colourRamp('dark', 'above');
    const below = colourRamp('dark', 'below');
    expect(colourOfValue(scale, 'dark', 1e-5)).toBe(above[0]);
    expect(colourOfValue(scale, 'dark', 1e-5 * (1 - 1e-9))).toBe(below[255]);
    expect(colourOfValue(scale, 'dark', scale.high * 100)).toBe(above[255]);
    expect(colourOfValue(scale, 'dark', 1e-30)).toBe(below[0]);
  });

  it('uses the warm ramp alone without a reference level', () => {
    const scale = fitColourScale(codes([1e-7, 1]), 'log', null);
    expect(colourOfValue(scale, 'light', scale.low)).toBe(colourRamp('light', 'above')[0]);
  });

  it('puts zero of a diverging scale in its middle', () => {
    const scale = fitColourScale(codes([-0.2, 0.9]), 'diverging', null);
    expect(positionOnScale(scale, 0)).toBeCloseTo(0.5);
    expect(hexOfPacked(colourOfValue(scale, 'dark', 0))).toMatch(/^#2[45]2[67]2[89]$/);
  });

  it('bakes special cells: NaN in its own colour, zero as the lowest blue, missing empty', () => {
    const scale = fitColourScale(codes([1e-7, 1]), 'log', epsilon);
    const table = bakeColourTable(scale, 'dark', '#FF5FC4');
    expect(hexOfPacked(table[CODE_NON_FINITE]!)).toBe('#ff5fc4');
    expect(table[CODE_ZERO]).toBe(colourRamp('dark', 'below')[0]);
    expect(table[0]).toBe(0);
    expect(table[encodeMagnitude(scale.high, 0)]).toBe(colourRamp('dark', 'above')[255]);
  });

  it('gives a scale even without data and inverts its positions', () => {
    for (const kind of ['log', 'linear', 'diverging', 'fraction'] as const) {
      const scale = fitColourScale(new Uint16Array(0), kind, null);
      expect(scale.high).toBeGreaterThan(scale.low);
      expect(positionOnScale(scale, valueAtPosition(scale, 0.3))).toBeCloseTo(0.3);
    }
  });

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
});
