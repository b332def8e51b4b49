import { describe, expect, it } from 'vitest';
import { fitColourScale, positionOnScale, valueAtPosition } from '@/lib/view/colour-scale';
import { encodeMagnitude } from '@/lib/view/magnitude-code';

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

  it('gives a scale even without data and inverts its positions', () => {
    for (const kind of ['log', 'linear', 'diverging', 'fraction'] as const) {
      const scale = fitColourScale(new Uint16Array(0), kind, null);
      expect(scale.high).toBeGreaterThan(scale.low);
      expect(positionOnScale(scale, valueAtPosition(scale, 0.3))).toBeCloseTo(0.3);
    }
  });
});
