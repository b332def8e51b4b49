import { describe, expect, it } from 'vitest';
import {
  fitColourScale,
  positionOnScale,
  scaleTicks,
  valueAtPosition,
} from '@/lib/view/colours/colour-scale';
import { encodeMagnitude } from '@/lib/view/colours/magnitude-code';

const codes = (values: readonly number[]) =>
  Uint16Array.from(values, (value) => encodeMagnitude(value, 0));
const epsilon = { value: 1e-5, label: 'ε' };

describe('the numbers under the colours', () => {
  const written = (low: number, high: number, level: number | null = null) =>
    scaleTicks(
      { kind: 'log', low, high, level: level === null ? null : { value: level, label: 'ε' } },
      264,
    ).map(({ tick: { text, exponent } }) => `${text}${exponent ?? ''}`);

  it('are decades, and none where the caption or the level stands', () => {
    expect(written(1e-6, 1, 1e-5)).toEqual(['10−4', '10−3', '10−2', '10−1', '1']);
  });

  it('are two at least, over little more than a decade', () => {
    expect(written(1e-3, 1e-2)).toEqual(['0.002', '0.005', '0.01']);
    expect(written(10 ** -2.75, 10 ** -1.5)).toEqual(['0.005', '0.01', '0.02']);
  });

  it('stand where their value does', () => {
    const [first] = scaleTicks({ kind: 'linear', low: 0, high: 1, level: null }, 200);
    expect(first?.pixel).toBeCloseTo((first?.tick.value ?? NaN) * 200, 9);
  });
});

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
