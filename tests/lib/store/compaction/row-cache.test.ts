import { describe, expect, it } from 'vitest';
import type { MetricBlock } from '@/lib/store/compaction/block-rows';
import { RowCache } from '@/lib/store/compaction/row-cache';

const LAYERS = 2;
/** Planes of one metric of two layers. */
const ROW_BYTES = LAYERS * 64 * 16;
const one = { runKey: 'one', attempt: 1 };
const two = { runKey: 'two', attempt: 1 };

function aBlock(firstStep: number, span = 64): MetricBlock {
  const values = Float32Array.of(firstStep, -firstStep);
  return { metricId: 5, firstStep, span, offsets: Uint16Array.of(3), values };
}

/** A unit that writes blocks of 64 steps over [from, to). */
function addUnit(cache: RowCache, id: typeof one, from: number, to: number): void {
  cache.begin(id, from);
  for (let firstStep = from; firstStep < to; firstStep += 64) {
    cache.add(id, LAYERS, { firstStep, span: 64 }, aBlock(firstStep));
  }
  cache.commit(id, to);
}

describe('RowCache', () => {
  it('has a row whose blocks it has seen from the first on, once', () => {
    const cache = new RowCache();
    addUnit(cache, one, 0, 512);
    addUnit(cache, one, 512, 1088);
    const cached = cache.take(one, 0)!.get(5)!;
    expect(cached.columns).toBe(16);
    expect([...cached.accumulator.finish()!.maximum.slice(0, 3)]).toEqual([0, 64, 128]);
    // What was taken is gone: the row is the caller's.
    expect(cache.take(one, 0)!.size).toBe(0);
    expect(cache.take(one, 1)!.get(5)!.columns).toBe(1);
  });

  it('does not have the row in the middle of which it began', () => {
    const cache = new RowCache();
    addUnit(cache, one, 64, 2048);
    expect(cache.take(one, 0)).toBeNull();
    expect(cache.take(one, 1)!.get(5)!.columns).toBe(16);
    expect(cache.take(two, 0)).toBeNull();
  });

  it('forgets what a failed unit had added, and what somebody else has overtaken', () => {
    const cache = new RowCache();
    addUnit(cache, one, 0, 512);
    cache.begin(one, 512);
    cache.add(one, LAYERS, { firstStep: 512, span: 64 }, aBlock(512));
    cache.drop(one);
    addUnit(cache, one, 512, 1024);
    expect(cache.take(one, 0)).toBeNull();

    addUnit(cache, two, 0, 512);
    addUnit(cache, two, 576, 1024);
    expect(cache.take(two, 0)).toBeNull();
  });

  it('leaves rows to be read that a long block covers', () => {
    const cache = new RowCache();
    cache.begin(one, 0);
    cache.add(one, LAYERS, { firstStep: 0, span: 4096 }, aBlock(0, 4096));
    cache.commit(one, 4096);
    expect(cache.take(one, 0)).toBeNull();
    addUnit(cache, one, 4096, 5120);
    expect(cache.take(one, 4)!.get(5)!.columns).toBe(16);
  });

  it('keeps below its limit by forgetting who has not come for longest', () => {
    const cache = new RowCache(2 * ROW_BYTES);
    addUnit(cache, one, 0, 128);
    addUnit(cache, two, 0, 128);
    addUnit(cache, one, 128, 256);
    const three = { runKey: 'three', attempt: 1 };
    addUnit(cache, three, 0, 128);
    expect(cache.take(two, 0)).toBeNull();
    expect(cache.take(one, 0)!.get(5)!.columns).toBe(4);
    expect(cache.take(three, 0)!.get(5)!.columns).toBe(2);
    // What was taken makes room again.
    addUnit(cache, one, 1024, 2048);
    addUnit(cache, three, 1024, 2048);
    expect(cache.take(one, 1)!.size).toBe(1);
  });

  it('has nothing of an attempt that alone is too large', () => {
    const cache = new RowCache(ROW_BYTES - 1);
    addUnit(cache, one, 0, 1024);
    expect(cache.take(one, 0)).toBeNull();
  });
});
