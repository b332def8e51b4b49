import { describe, expect, it } from 'vitest';
import { BodyPool } from '@/workers/http/body-pool';

const KB = 1024;

describe('BodyPool', () => {
  it('gives the same memory again for a body of about the same size', () => {
    const pool = new BodyPool();
    const first = pool.take(60 * KB)!;
    pool.give(first);
    const second = pool.take(50 * KB)!;
    expect(second.buffer).toBe(first.buffer);
    expect([second.byteOffset, second.byteLength]).toEqual([0, 50 * KB]);
    expect(pool.take(60 * KB)!.buffer).not.toBe(first.buffer);
  });

  it('never lends memory twice', () => {
    const pool = new BodyPool();
    const bodies = Array.from({ length: 8 }, () => pool.take(64 * KB)!);
    for (const body of bodies) pool.give(body);
    const again = Array.from({ length: 12 }, () => pool.take(64 * KB)!.buffer);
    expect(new Set(again).size).toBe(12);
  });

  it('keeps no more than it may, and nothing that is not its own', () => {
    const pool = new BodyPool(128 * KB);
    for (const body of Array.from({ length: 5 }, () => pool.take(64 * KB)!)) pool.give(body);
    expect(pool.keptBytes).toBe(128 * KB);
    pool.take(64 * KB);
    expect(pool.keptBytes).toBe(64 * KB);
    pool.give(new Uint8Array(33 * KB));
    expect(pool.keptBytes).toBe(64 * KB);
  });

  it('leaves small and very large bodies to the allocator', () => {
    const pool = new BodyPool();
    for (const size of [0, 1, 16 * KB - 1, 8 * KB * KB + 1]) expect(pool.take(size)).toBeNull();
    expect(new BodyPool(64 * KB, 32 * KB).take(33 * KB)).toBeNull();
  });

  it('lets go of what was not lent from one look to the next', () => {
    const pool = new BodyPool();
    const bodies = Array.from({ length: 4 }, () => pool.take(64 * KB)!);
    for (const body of bodies) pool.give(body);
    pool.releaseUnused();
    // All four were in use since the look before, which is none.
    expect(pool.keptBytes).toBe(4 * 64 * KB);
    const [one, two] = [pool.take(64 * KB)!, pool.take(64 * KB)!];
    pool.give(one);
    pool.give(two);
    pool.releaseUnused();
    expect(pool.keptBytes).toBe(2 * 64 * KB);
    expect([one.buffer, two.buffer]).toContain(pool.take(64 * KB)!.buffer);
    pool.releaseUnused();
    pool.releaseUnused();
    expect(pool.keptBytes).toBe(0);
  });
});
