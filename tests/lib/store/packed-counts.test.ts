import fc from 'fast-check';
import { expect, it } from 'vitest';
import { packCounts, packSums, unpackCounts, unpackSums } from '@/lib/store/packed-counts';

it('takes the width that the largest count needs', () => {
  expect(packCounts(Uint32Array.of(0, 255)).width).toBe(1);
  expect(packCounts(Uint32Array.of(256)).width).toBe(2);
  expect(packCounts(Uint32Array.of(65_535)).width).toBe(2);
  expect(packCounts(Uint32Array.of(65_536)).width).toBe(4);
  expect(packCounts(new Uint32Array(0))).toEqual({ width: 1, bytes: new Uint8Array(0) });
});

it('gives every slice of the counts back', () => {
  const anyCounts = fc.tuple(
    fc
      .constantFrom(0xff, 0xffff, 0xffffffff)
      .chain((max) => fc.array(fc.nat({ max }), { maxLength: 40 })),
    fc.nat(),
    fc.nat(),
  );
  fc.assert(
    fc.property(anyCounts, ([counts, a, b]) => {
      const from = Math.min(a % (counts.length + 1), b % (counts.length + 1));
      const end = Math.max(a % (counts.length + 1), b % (counts.length + 1));
      const { bytes, width } = packCounts(Uint32Array.from(counts));
      const slice = Buffer.from(bytes).subarray(from * width, end * width);
      expect(unpackCounts(slice, width)).toEqual(counts.slice(from, end));
    }),
  );
});

it('keeps sums that no count reaches, as wide as they need', () => {
  for (const [sums, width] of [
    [[0, 255], 1],
    [[1, 70_000], 4],
    [[7, 0xffff_ffff], 4],
    [[7, 0x1_0000_0000], 8],
    [[2 ** 53 - 1, 0], 8],
  ] as const) {
    const packed = packSums(Float64Array.from(sums));
    expect(packed.width).toBe(width);
    const second = Buffer.from(packed.bytes).subarray(width);
    expect([...unpackSums(Buffer.from(packed.bytes), width)]).toEqual(sums);
    expect([...unpackSums(second, width)]).toEqual([sums[1]]);
  }
});

it('refuses a width that no count has', () => {
  expect(() => unpackCounts(Buffer.alloc(3), 3)).toThrow(RangeError);
});
