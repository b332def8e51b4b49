import { describe, expect, it } from 'vitest';
import {
  formatAge,
  formatFactor,
  formatFixed,
  formatNumber,
  formatPercent,
  formatSetting,
  formatStep,
  formatSteps,
} from '@/lib/view/text/format-number';

describe('written numbers', () => {
  it.each([
    [0.859, '0.859'],
    [0.00209, '0.00209'],
    [3.03, '3.03'],
    [0.5, '0.500'],
    [82.94, '82.9'],
    [0.000859, '8.59e−4'],
    [0.00099999, '0.00100'],
    [-0.407, '−0.407'],
    [-1e-7, '−1e−7'],
    [4210.4, '4\u202f210'],
    [99_999, '99\u202f999'],
    [100_000, '1e5'],
    [123_456, '1.23e5'],
    [0, '0'],
    [NaN, 'NaN'],
    [Infinity, '∞'],
    [-Infinity, '−∞'],
    [null, '–'],
  ])('%d is written %s', (value, text) => expect(formatNumber(value)).toBe(text));

  it.each([
    [0.003, '3e−3'],
    [1e-5, '1e−5'],
    [0.95, '0.95'],
    [0.999, '0.999'],
    [1024, '1\u202f024'],
    [0, '0'],
  ])('the setting %d is written %s', (value, text) => expect(formatSetting(value)).toBe(text));

  it('name steps from one to another, and one alone as one', () => {
    expect(formatSteps(1, 31_250)).toBe('Steps 1–31\u202f250');
    expect(formatSteps(7, 7)).toBe('Step 7');
  });

  it('writes steps whole, factors with ×, shares in percent', () => {
    expect(formatStep(31_250)).toBe('31\u202f250');
    expect(formatFactor(82.94)).toBe('×82.9');
    expect([formatPercent(0.05), formatPercent(0.003), formatPercent(1)]).toEqual([
      '5\u202f%',
      '0.3\u202f%',
      '100\u202f%',
    ]);
    expect([formatFixed(0.1884, 3), formatFixed(null, 2), formatFixed(NaN, 2)]).toEqual([
      '0.188',
      '–',
      'NaN',
    ]);
  });

  it.each([
    [400, '0.4 s'],
    [9_960, '9 s'],
    [59_000, '59 s'],
    [14 * 60_000, '14 min'],
    [3 * 3_600_000, '3 h'],
    [50 * 3_600_000, '2 d'],
    [3.2 * 365 * 86_400_000, '3 y'],
    [-5, '0.0 s'],
  ])('an age of %d ms is %s', (ageMs, text) => expect(formatAge(ageMs)).toBe(text));
});
