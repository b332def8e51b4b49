import { describe, expect, it } from 'vitest';
import { formatExactly } from '@/lib/view/text/format-exactly';

describe('a number that somebody chose', () => {
  it('is written as they would write it', () => {
    expect([0, 0.003, 1e-8, 0.95, 1024, -3, 2e7].map(formatExactly)).toEqual([
      ...['0', '3e−3', '1e−8', '0.95', '1\u202f024', '−3', '2e7'],
    ]);
  });

  it('is never shorter than it is', () => {
    expect(formatExactly(12_345_678)).toBe('12\u202f345\u202f678');
    expect(formatExactly(12_345_679)).toBe('12\u202f345\u202f679');
    expect(formatExactly(0.123456789012)).toBe('0.123456789012');
    expect(formatExactly(0.0012345)).toBe('0.0012345');
    expect(formatExactly(-1.23456789e-9)).toBe('−1.23456789e−9');
  });
});
