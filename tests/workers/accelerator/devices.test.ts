import { describe, expect, it } from 'vitest';
import { SMALL_UPDATE } from '@/lib/stats/small-update';
import { computeUpdateMagnitudes } from '@/lib/stats/update-edges';
import { NEAR_EDGE } from '@/workers/accelerator/device-constants';
import { hasGraphicsDevice } from '@/workers/accelerator/graphics-device';
import { SlabPool } from '@/workers/accelerator/slab-pool';
import { isSoftwareAdapter } from '@/workers/accelerator/software-adapter';

const adapter = { vendor: '', architecture: '', device: '', description: '' };

describe('isSoftwareAdapter', () => {
  it.each([
    { architecture: 'swiftshader' },
    { description: 'llvmpipe (LLVM 15.0.6, 256 bits)' },
    { device: 'Microsoft Basic Render Driver' },
    { isFallbackAdapter: true },
  ])('knows %j for software', (info) => {
    expect(isSoftwareAdapter({ ...adapter, ...info })).toBe(true);
  });

  it.each([
    { vendor: 'nvidia', architecture: 'hopper', description: 'NVIDIA H100 80GB HBM3' },
    { vendor: 'apple', architecture: 'metal-3', isFallbackAdapter: false },
  ])('takes %j for a card', (info) => {
    expect(isSoftwareAdapter({ ...adapter, ...info })).toBe(false);
  });
});

describe('hasGraphicsDevice', () => {
  it('looks where Linux shows cards, and believes the others', () => {
    expect(hasGraphicsDevice('linux', () => false)).toBe(false);
    expect(hasGraphicsDevice('linux', (path) => path === '/dev/nvidiactl')).toBe(true);
    expect(hasGraphicsDevice('darwin', () => false)).toBe(true);
  });
});

describe('NEAR_EDGE', () => {
  it('has the border of small updates among the edges, so that both are settled at once', () => {
    const distance = (edge: number) => Math.abs(edge / SMALL_UPDATE - 1);
    const nearest = Math.min(...Array.from(computeUpdateMagnitudes(), distance));
    expect(nearest).toBeLessThan(NEAR_EDGE / 4);
  });
});

describe('SlabPool', () => {
  it('gives a slab again to what fills at least half of it', () => {
    const pool = new SlabPool();
    const slab = pool.take(100);
    pool.give(slab);
    expect(pool.take(49)).not.toBe(slab);
    expect(pool.take(101)).not.toBe(slab);
    expect(pool.take(50)).toBe(slab);
    expect(pool.sizeBytes).toBe(0);
  });

  it('keeps the newest within its bound', () => {
    const pool = new SlabPool(100);
    const [old, newer] = [pool.take(60), pool.take(70)];
    pool.give(old);
    pool.give(newer);
    expect(pool.sizeBytes).toBe(70);
    expect(pool.take(60)).toBe(newer);
  });

  it('lets go of all once nothing was taken from one look to the next', () => {
    const pool = new SlabPool();
    pool.give(pool.take(100));
    pool.releaseUnused();
    expect(pool.sizeBytes).toBe(100);
    pool.releaseUnused();
    expect(pool.sizeBytes).toBe(0);
  });
});
