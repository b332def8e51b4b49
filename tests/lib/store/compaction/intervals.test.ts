import { describe, expect, it } from 'vitest';
import { overlaps, uncoveredOf } from '@/lib/store/compaction/intervals';

const at = (from: number, to: number) => ({ from, to });

describe('uncoveredOf', () => {
  it('leaves what no part covers, in whatever order they come', () => {
    expect(uncoveredOf(at(0, 100), [])).toEqual([at(0, 100)]);
    expect(uncoveredOf(at(0, 100), [at(50, 60), at(0, 20)])).toEqual([at(20, 50), at(60, 100)]);
    expect(uncoveredOf(at(0, 100), [at(0, 50), at(50, 100)])).toEqual([]);
    expect(uncoveredOf(at(0, 100), [at(0, 70), at(10, 20)])).toEqual([at(70, 100)]);
  });
});

describe('overlaps', () => {
  it('needs a step in common', () => {
    expect(overlaps(at(0, 10), at(9, 20))).toBe(true);
    expect(overlaps(at(0, 10), at(10, 20))).toBe(false);
  });
});
