import { describe, expect, it } from 'vitest';
import { backoffMs, parseRetryAfter } from '@/clients/typescript/backoff';

describe('backoffMs', () => {
  it('doubles up to half a minute, at least half of it certain', () => {
    expect([1, 2, 3, 8, 50].map((count) => backoffMs(count, null, 0))).toEqual([
      125, 250, 500, 15_000, 15_000,
    ]);
    expect(backoffMs(1, null, 0.999)).toBeLessThan(250);
  });

  it('never comes back earlier than the server asks, nor believes an hour', () => {
    expect(backoffMs(1, 2000, 0)).toBe(2000);
    expect(backoffMs(9, 2000, 0.5)).toBe(2125);
    expect(backoffMs(1, 3_600_000, 0)).toBe(120_000);
  });
});

describe('parseRetryAfter', () => {
  it('reads seconds and dates, and nothing else', () => {
    expect(parseRetryAfter('3', 0)).toBe(3000);
    expect(parseRetryAfter('Thu, 01 Jan 1970 00:00:10 GMT', 4000)).toBe(6000);
    expect(parseRetryAfter('Thu, 01 Jan 1970 00:00:10 GMT', 20_000)).toBe(0);
    expect(parseRetryAfter(null, 0)).toBeNull();
    expect(parseRetryAfter(' ', 0)).toBeNull();
    expect(parseRetryAfter('soon', 0)).toBeNull();
  });
});
