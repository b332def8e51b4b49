import { describe, expect, it } from 'vitest';
import {
  fromAxis,
  prepareAxisTicks,
  prepareDistributionAxis,
  toAxis,
} from '@/lib/view/layer/distribution-axis';

const narrow = { edges: [-1e-4, -1e-5, 0, 1e-5, 1e-4], counts: [5, 40, 40, 5] };
const wide = { edges: [-4, -2, 0, 2, 4], counts: [10, 40, 40, 10] };

describe('the axis of a distribution', () => {
  it('runs over ±1.3 where nothing asks for more, so that ±1 is always inside', () => {
    expect(prepareDistributionAxis('linear', []).domain).toEqual([-1.3, 1.3]);
    expect(prepareDistributionAxis('linear', [narrow]).limit).toBe(1.3);
  });

  it('widens by a ladder until at most one coordinate in five hundred lies beyond', () => {
    expect(prepareDistributionAxis('linear', [narrow, wide]).limit).toBe(5);
    const stray = { edges: [-4, -1, 1, 4], counts: [1, 9998, 1] };
    expect(prepareDistributionAxis('linear', [stray]).limit).toBe(1.3);
  });

  it('turns logarithmic where the data is, not at a fixed place', () => {
    expect(prepareDistributionAxis('signed-log', []).threshold).toBe(0.01);
    expect(prepareDistributionAxis('signed-log', [narrow]).threshold).toBeCloseTo(1e-5, 12);
  });

  it('goes no finer than the posted bins beside 0', () => {
    expect(prepareDistributionAxis('signed-log', [wide]).threshold).toBe(10);
    const sixteenths = { edges: [-1, -0.0625, 0, 0.0625, 1], counts: [1, 99, 99, 1] };
    expect(prepareDistributionAxis('signed-log', [sixteenths]).threshold).toBeCloseTo(0.1, 12);
  });

  it('maps 0 to 0, keeps signs, and comes back to the same value', () => {
    const axis = prepareDistributionAxis('signed-log', [narrow]);
    for (const x of [-1.3, -1e-5, 0, 3e-7, 0.5]) {
      expect(fromAxis(axis, toAxis(axis, x))).toBeCloseTo(x, 12);
    }
    expect(toAxis(axis, 0)).toBe(0);
    expect(toAxis(axis, -0.2)).toBe(-toAxis(axis, 0.2));
    // log10(1 + 1) at the threshold itself.
    expect(toAxis(axis, axis.threshold)).toBeCloseTo(Math.log10(2), 12);
  });

  it('puts a tick on the burst marker where it stands clear of 0 and ±1', () => {
    const axis = prepareDistributionAxis('linear', []);
    const values = (burst: number | null) =>
      prepareAxisTicks(axis, burst).map(({ value }) => value);
    expect(values(0.447)).toEqual([-1, -0.447, 0, 0.447, 1]);
    expect(values(0.9)).toEqual([-1, 0, 1]);
    expect(values(3.16)).toEqual([-1, 0, 1]);
    expect(values(null)).toEqual([-1, 0, 1]);
  });

  it('ticks a signed-log axis at decades, the same on both sides', () => {
    const axis = prepareDistributionAxis('signed-log', [narrow]);
    const values = prepareAxisTicks(axis, 0.447).map(({ value }) => value);
    expect(values.length).toBeGreaterThan(3);
    const places = prepareAxisTicks(axis, null).map(({ at }) => at / axis.domain[1]);
    places.slice(1).forEach((place, i) => expect(place - places[i]!).toBeGreaterThanOrEqual(0.25));
    expect(values.map((value) => -value).reverse()).toEqual(values.map((value) => value || -0));
    for (const value of values.filter((entry) => entry > 0)) {
      expect(Math.log10(value)).toBeCloseTo(Math.round(Math.log10(value)), 9);
    }
  });

  it('begins a log axis at a decade below nearly all magnitudes, and never above 0.1', () => {
    const axis = prepareDistributionAxis('log', [narrow]);
    expect(axis.domain[0]).toBeCloseTo(-5, 9);
    expect(axis.domain[1]).toBeCloseTo(Math.log10(1.3), 9);
    expect(prepareDistributionAxis('log', [wide]).domain[0]).toBeCloseTo(-1, 9);
    expect(toAxis(axis, -0.01)).toBeCloseTo(-2, 12);
    expect(fromAxis(axis, -2)).toBeCloseTo(0.01, 12);
    expect(prepareAxisTicks(axis, 0.447).map(({ value }) => value)).toEqual([
      1e-5, 1e-4, 1e-3, 0.01, 0.1, 1,
    ]);
  });

  it('reaches as far as all, and begins where its own decades do', () => {
    const axis = prepareDistributionAxis('log', [narrow, wide], [narrow]);
    expect(axis.limit).toBe(5);
    expect(axis.threshold).toBeCloseTo(1e-5, 12);
  });
});
