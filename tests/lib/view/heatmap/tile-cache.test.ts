import { describe, expect, it } from 'vitest';
import { TileCache } from '@/lib/view/heatmap/tile-cache';

const tile = (sizeBytes: number) => ({ sizeBytes });

describe('the cache of tiles', () => {
  it('drops the tiles that were not drawn for longest, past its bytes', () => {
    const cache = new TileCache<{ sizeBytes: number }>(30);
    for (const key of ['a', 'b', 'c']) cache.set(key, tile(10));
    cache.use(['a']);
    cache.set('d', tile(10));
    expect([...cache.entries()].map(([key]) => key)).toEqual(['c', 'a', 'd']);
    expect(cache.sizeBytes).toBe(30);
  });

  it('keeps what is in view, however large', () => {
    const cache = new TileCache<{ sizeBytes: number }>(15);
    cache.set('a', tile(10));
    cache.use(['a', 'b']);
    cache.set('b', tile(10));
    expect(cache.size).toBe(2);
    cache.use(['b']);
    expect(cache.peek('a')).toBeNull();
    expect(cache.peek('b')).not.toBeNull();
  });

  it('counts a tile as large as it has become', () => {
    const cache = new TileCache<{ sizeBytes: number }>(25);
    const growing = { sizeBytes: 10 };
    cache.set('old', growing);
    cache.set('new', tile(10));
    growing.sizeBytes = 20;
    cache.use(['new']);
    expect(cache.peek('old')).toBeNull();
  });

  it('holds one tile a key', () => {
    const cache = new TileCache<{ sizeBytes: number }>(100);
    cache.set('a', tile(10));
    cache.set('a', tile(20));
    expect(cache.sizeBytes).toBe(20);
  });
});
