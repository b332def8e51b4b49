import { describe, expect, it } from 'vitest';
import { createSampleFilter, isMeasuredLoss, isMeasuredNorm } from '@/lib/detect/sample-filter';
import { seededNormal } from '@/tests/seeded-random';
import { loadPublicLog } from './recorded-run';
import { toBfloat16 } from './series';

describe('a loss', () => {
  it.each([0, -1])('of exactly %d was not logged', (sentinel) => {
    expect(isMeasuredLoss(createSampleFilter(), sentinel)).toBe(false);
  });

  it('carried forward between evaluations counts once', () => {
    const normal = seededNormal(1);
    const filter = createSampleFilter();
    let measured = 0;
    let carried = 0;
    for (let step = 0; step < 1000; step++) {
      if (step % 10 === 0) carried = 3 + 0.03 * normal();
      if (isMeasuredLoss(filter, carried) && step >= 200) measured++;
    }
    expect(measured).toBe(80);
  });

  it('that a dead network repeats is measured', () => {
    const normal = seededNormal(2);
    const filter = createSampleFilter();
    for (let step = 0; step < 300; step++) isMeasuredLoss(filter, 3 + 0.03 * normal());
    const repeats = Array.from({ length: 10 }, () => isMeasuredLoss(filter, Math.log(50257)));
    expect(repeats).toEqual(new Array(10).fill(true));
  });

  it('logged coarsely may repeat', () => {
    const normal = seededNormal(3);
    const filter = createSampleFilter();
    for (let step = 0; step < 500; step++) {
      expect(isMeasuredLoss(filter, toBfloat16(1.66 + 0.004 * normal()))).toBe(true);
    }
  });
});

describe('a gradient norm', () => {
  it('that repeats beside a falling loss scale is stale (104B, fp16)', () => {
    const filter = createSampleFilter();
    const measured = loadPublicLog('bigscience-104B-fp16-stale-gradnorm')
      .filter(({ gradientNorm, lossScale }) => isMeasuredNorm(filter, gradientNorm!, lossScale))
      .map(({ step }) => step);
    expect(measured).toEqual([17_060, 17_061, 17_066]);
  });

  it('that repeats in a log that never does is stale', () => {
    const normal = seededNormal(4);
    const filter = createSampleFilter();
    for (let step = 0; step < 100; step++) isMeasuredNorm(filter, 1 + 0.1 * normal(), null);
    expect(isMeasuredNorm(filter, 1.2345678, null)).toBe(true);
    expect(isMeasuredNorm(filter, 1.2345678, null)).toBe(false);
  });

  it('logged with two decimals, or clipped to one value, may repeat', () => {
    const normal = seededNormal(5);
    const filter = createSampleFilter();
    for (let step = 0; step < 300; step++) {
      const norm = Math.round((0.27 + 0.02 * normal()) * 100) / 100;
      expect(isMeasuredNorm(filter, norm, null)).toBe(true);
    }
    const clipped = createSampleFilter();
    for (let step = 0; step < 50; step++) expect(isMeasuredNorm(clipped, 1, null)).toBe(true);
  });

  it.each([NaN, Infinity, 0])('of %d is an overflow or was not logged', (norm) => {
    expect(isMeasuredNorm(createSampleFilter(), norm, null)).toBe(false);
  });
});
