import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { statisticsFixture } from '@/tests/fixtures/statistics/generate';

describe('the numbers that clients on a device of their own are held to', () => {
  it('are those that the worker computes today', () => {
    const stored = readFileSync('tests/fixtures/statistics/statistics.json', 'utf8');

    expect(statisticsFixture() === stored).toBe(true);
  });
});
