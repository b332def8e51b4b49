import { describe, expect, it } from 'vitest';
import {
  createNormWatch,
  findNormLead,
  hasNormHistory,
  observeNorm,
} from '@/lib/detect/norm-watch';
import { seededNormal } from '@/tests/seeded-random';

function settled() {
  const watch = createNormWatch();
  const normal = seededNormal(1);
  for (let step = 0; step < 200; step++) {
    observeNorm(watch, step, 0.3 * Math.exp(0.1 * normal()), null);
  }
  return watch;
}

describe('the gradient norm', () => {
  it('has a history after 64 measured values', () => {
    const watch = createNormWatch();
    for (let step = 0; step < 63; step++) observeNorm(watch, step, 1 + step / 1000, null);
    expect(hasNormHistory(watch)).toBe(false);
    observeNorm(watch, 63, null, null);
    expect(hasNormHistory(watch)).toBe(false);
    observeNorm(watch, 64, 1.5, null);
    expect(hasNormHistory(watch)).toBe(true);
  });

  it('leads by the steps from where it left its baseline to the loss’s rise', () => {
    const watch = settled();
    for (let step = 200; step < 206; step++) observeNorm(watch, step, 5 + step, null);
    expect(findNormLead(watch, 203)).toMatchObject({ step: 200, leadSteps: 3 });
    expect(findNormLead(watch, 210)).toMatchObject({ leadSteps: 10 });
    expect(findNormLead(watch, 211)).toBeNull();
    expect(findNormLead(watch, 199)).toBeNull();
  });

  it('that stays away does not become its own baseline at once', () => {
    const watch = settled();
    for (let step = 200; step < 260; step++) observeNorm(watch, step, 5 + step / 100, null);
    expect(watch.isMoving).toBe(true);
    expect(watch.excursions).toHaveLength(1);
  });

  it('ignores stale repeats and overflows', () => {
    const watch = settled();
    observeNorm(watch, 200, 0.31234567, 65_536);
    const held = watch.window.count;
    observeNorm(watch, 201, 0.31234567, 32_768);
    observeNorm(watch, 202, Infinity, 16_384);
    expect(watch.window.count).toBe(held);
    expect(watch.isMoving).toBe(false);
  });
});
