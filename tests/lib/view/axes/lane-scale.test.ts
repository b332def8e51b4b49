import { describe, expect, it } from 'vitest';
import { prepareLaneScale } from '@/lib/view/axes/lane-scale';

const LANE = { top: 10, bottom: 114 };

describe('the scale of a lane', () => {
  it('is linear over less than a decade, from edge to edge', () => {
    const { y, ticks } = prepareLaneScale([4, 2, 6], LANE)!;
    expect([2, 4, 6].map(y)).toEqual([112, 62, 12]);
    expect(ticks.map(({ value }) => value)).toEqual([2, 4, 6]);
  });

  it('is logarithmic where positive values span a decade', () => {
    const { y, ticks } = prepareLaneScale([0.1, 1, 10], LANE)!;
    expect([0.1, 1, 10].map(y)).toEqual([112, 62, 12]);
    expect(ticks.map(({ value }) => value)).toEqual([0.1, 1, 10]);
  });

  it('stays linear where a value is not above 0, however far they span', () => {
    const { y } = prepareLaneScale([0, 50, 100], LANE)!;
    expect([0, 50, 100].map(y)).toEqual([112, 62, 12]);
  });

  it('puts equal values in the middle, and has no ticks', () => {
    const { y, ticks } = prepareLaneScale([3, 3], LANE)!;
    expect(y(3)).toBe(62);
    expect(ticks).toEqual([]);
  });

  it('is none without a value', () => {
    expect(prepareLaneScale([], LANE)).toBeNull();
  });
});
