import { describe, expect, it } from 'vitest';
import { binomialTail } from '@/lib/stats/binomial-tail';
import { LEAD_LAG_WINDOW } from '@/lib/stats/lead-lag';
import { computeLeadLag } from './compute-lead-lag';

describe('the binomial tail', () => {
  it.each([
    [28, 30, 0.01, 4.27e-54],
    [5, 10, 0.05, 6.37e-5],
    [2, 22, 0.0296, 0.137],
  ])('P(X ≥ %i of %i at %d) = %d', (k, n, p, expected) => {
    expect(Math.abs(binomialTail(k, n, p) / expected - 1)).toBeLessThan(5e-3);
  });

  it('agrees with 1 − P(X < k), where that has digits', () => {
    let below = 0;
    let term = 0.7 ** 12;
    for (let k = 0; k <= 12; k++) {
      expect(binomialTail(k, 12, 0.3)).toBeCloseTo(1 - below, 12);
      below += term;
      term *= ((12 - k) / (k + 1)) * (0.3 / 0.7);
    }
  });

  it('is certain or impossible at its ends', () => {
    expect(binomialTail(0, 5, 0.1)).toBe(1);
    expect(binomialTail(6, 5, 0.9)).toBe(0);
    expect(binomialTail(1, 5, 0)).toBe(0);
    expect(binomialTail(5, 5, 1)).toBe(1);
    expect(binomialTail(5, 5, 0.5)).toBeCloseTo(1 / 32, 12);
  });

  it('refuses what is no number of trials and no probability', () => {
    expect(() => binomialTail(1, 2.5, 0.1)).toThrow(RangeError);
    expect(() => binomialTail(1, 2, 1.1)).toThrow(RangeError);
    expect(() => binomialTail(1, 2, NaN)).toThrow(RangeError);
  });
});

describe('the lead-lag table', () => {
  const watched = [{ fromStep: 1000, toStep: 1999 }];

  it('counts loss spikes 1 to 8 steps after an RMS spike', () => {
    const table = computeLeadLag({
      rmsSpikeSteps: [1100, 1300, 1500, 1700],
      lossSpikeSteps: [1100, 1301, 1508, 1709],
      watched,
    });
    expect(table).toMatchObject({ rmsSpikeCount: 4, lossSpikeCount: 4, precededCount: 2 });
    expect(table.chance).toBe(0.032);
    expect(table.tail).toBe(binomialTail(2, 4, 0.032));
  });

  it('merges spikes less than ten steps apart, and leaves out what was not watched', () => {
    const table = computeLeadLag({
      rmsSpikeSteps: [10, 1105, 1100, 1112, 3000],
      lossSpikeSteps: [12, 1103, 1110],
      watched,
    });
    expect(table).toMatchObject({ rmsSpikeCount: 1, lossSpikeCount: 1, precededCount: 1 });
  });

  it('covers steps after neighbouring spikes once, and none after the end', () => {
    const table = computeLeadLag({
      rmsSpikeSteps: [1100, 1998],
      lossSpikeSteps: [],
      watched,
    });
    expect(table.chance).toBe(9 / 1000);
    expect(table.tail).toBe(1);
  });

  it('reaches the counts of the paper’s table where they are given', () => {
    // 28 of 30 at a chance of 1 %: spikes of a layer cover 300 of 30,000 steps.
    const rmsSpikeSteps = Array.from({ length: 38 }, (_, i) => 1000 + 700 * i);
    const lossSpikeSteps = Array.from({ length: 30 }, (_, i) =>
      i < 28 ? 1004 + 700 * i : 1300 + 700 * i,
    );
    const steps = [{ fromStep: 1000, toStep: 1000 + 30_400 - 1 }];
    const table = computeLeadLag({ rmsSpikeSteps, lossSpikeSteps, watched: steps });
    expect(table).toMatchObject({ lossSpikeCount: 30, precededCount: 28, chance: 0.01 });
    expect(Math.abs(table.tail / 4.27e-54 - 1)).toBeLessThan(5e-3);
  });

  it('takes another window, and steps of several attempts', () => {
    const table = computeLeadLag({
      rmsSpikeSteps: [1095, 1300],
      lossSpikeSteps: [1100, 1201, 1330],
      watched: [
        { fromStep: 1000, toStep: 1099 },
        { fromStep: 1200, toStep: 1399 },
      ],
      window: { ...LEAD_LAG_WINDOW, longestLead: 30 },
    });
    // 1100 was not watched; of 1096…1125 four steps were.
    expect(table).toMatchObject({ rmsSpikeCount: 2, lossSpikeCount: 2, precededCount: 1 });
    expect(table.chance).toBe(34 / 300);
  });
});
