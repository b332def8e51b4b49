import { describe, expect, it } from 'vitest';
import { MAX_TRIES, retryDelayMs } from '@/workers/alerts/deliver/retry-delay';

const waits = (random: number) =>
  Array.from({ length: MAX_TRIES - 1 }, (_, index) =>
    retryDelayMs(index + 1, { random, retryAfterSeconds: null }),
  );

describe('the wait after a failed try', () => {
  it('grows threefold up to six hours, and the last try is about 23 hours after the first', () => {
    const seconds = waits(0.5).map((ms) => ms / 1000);
    expect(seconds).toEqual([5, 15, 45, 135, 405, 1215, 3645, 10_935, 21_600, 21_600, 21_600]);
    expect(seconds.reduce((sum, one) => sum + one, 0) / 3600).toBeCloseTo(22.56, 1);
  });

  it('is a quarter more or less by chance', () => {
    const middle = waits(0.5);
    expect(waits(0)).toEqual(middle.map((ms) => Math.round(ms * 0.75)));
    expect(waits(0.999999)[8]! / middle[8]!).toBeCloseTo(1.25, 3);
  });

  it('is as long as the receiver asks for, up to six hours', () => {
    const delay = (attempt: number, retryAfterSeconds: number) =>
      retryDelayMs(attempt, { random: 0.5, retryAfterSeconds });
    expect(delay(1, 120)).toBe(120_000);
    expect(delay(6, 120)).toBe(1_215_000);
    expect(delay(1, 1e9)).toBe(21_600_000);
  });
});
