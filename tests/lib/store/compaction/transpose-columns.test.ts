import { describe, expect, it } from 'vitest';
import { MISSING_FLOAT32_BITS } from '@/lib/contract/missing-value';
import { transposeColumns } from '@/lib/store/compaction/transpose-columns';

describe('transposeColumns', () => {
  it.each([
    [1, 1],
    [3, 5],
    [16, 7],
    [17, 4],
    [64, 33],
    [70, 1],
  ])('turns %i columns of %i into rows', (n, length) => {
    const source = Uint32Array.from({ length: n * length + 9 }, (_, index) => index * 7);
    // Columns lie in any order and apart from one another.
    const starts = Array.from({ length: n }, (_, column) => 9 + (n - 1 - column) * length);
    const out = new Uint32Array(n * length);
    transposeColumns(source, starts, length, out);
    for (let row = 0; row < length; row++) {
      for (let column = 0; column < n; column++) {
        expect(out[row * n + column]).toBe((starts[column]! + row) * 7);
      }
    }
  });

  it('keeps every bit of NaNs', () => {
    const bits = [0x7fe5ca1e, 0x7fc00000, 0xffc00001, MISSING_FLOAT32_BITS];
    const out = new Uint32Array(4);
    transposeColumns(Uint32Array.from(bits), [0, 2], 2, out);
    expect([...out]).toEqual([bits[0], bits[2], bits[1], bits[3]]);
  });
});
