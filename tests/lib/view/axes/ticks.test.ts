import { describe, expect, it } from 'vitest';
import { linearTicks, logTicks, stepTicks, type Tick } from '@/lib/view/axes/ticks';

const written = (ticks: readonly Tick[]) =>
  ticks.map(({ text, exponent }) => (exponent === null ? text : `${text}^${exponent}`));

describe('ticks', () => {
  it('stand on whole decades of a log axis', () => {
    expect(written(logTicks(0.004, 6, 4))).toEqual(['10^−2', '10^−1', '1']);
    expect(written(logTicks(1e-6, 30, 10))).toEqual([
      '10^−6',
      '10^−5',
      '10^−4',
      '10^−3',
      '10^−2',
      '10^−1',
      '1',
      '10',
    ]);
  });

  it('thin out many decades and never leave a log axis without two', () => {
    expect(logTicks(1e-30, 1e30, 6).length).toBeLessThanOrEqual(7);
    expect(written(logTicks(2.1, 2.9, 3)).length).toBeGreaterThanOrEqual(2);
    expect(written(logTicks(1.5, 8, 3))).toEqual(['2', '5']);
  });

  it('are nice on a linear axis, with a true minus', () => {
    expect(written(linearTicks(-1, 1, 4))).toEqual(['−1', '−0.5', '0', '0.5', '1']);
    expect(linearTicks(1, 1, 4)).toEqual([]);
  });

  it('are written as other numbers are where they are very large or very small', () => {
    expect(written(logTicks(2.4e30, 9e30, 3))).toContain('6e30');
    expect(written(logTicks(2.4e-30, 9e-30, 3))).toContain('6e−30');
    expect(written(linearTicks(-3e30, 0, 2))).toEqual(['−2e30', '0']);
  });

  it('are whole steps however near one looks', () => {
    expect(written(stepTicks(0.5, 560.5, 12))).toEqual([
      '50',
      '100',
      '150',
      '200',
      '250',
      '300',
      '350',
      '400',
      '450',
      '500',
      '550',
    ]);
    for (const { value } of stepTicks(10.5, 12.5, 10)) expect(Number.isInteger(value)).toBe(true);
    expect(written(stepTicks(4000, 5000, 1))).toContain('4\u202f000');
  });
});
