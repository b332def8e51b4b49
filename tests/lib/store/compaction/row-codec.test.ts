import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bitsOf, MISSING_FLOAT32_BITS } from '@/lib/contract/missing-value';
import {
  packRows,
  ROUNDED_BITS,
  unpackRows,
  unpackRowsInto,
  unpackSingleRow,
} from '@/lib/store/compaction/row-codec';

/** Bits of any float32: near neighbours, far ones, and what is not a number. */
const anyBits = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 0x3f800000, max: 0x3f8fffff }) },
  { weight: 2, arbitrary: fc.integer({ min: 0, max: 0xffffffff }) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      0,
      0x80000000,
      1,
      0x80000001,
      0x7f7fffff,
      0xff7fffff,
      0x7f800000,
      0xff800000,
      0x7fc00000,
      0xffffffff,
      MISSING_FLOAT32_BITS,
    ),
  },
);

const anyRows = fc.record({
  rowCount: fc.integer({ min: 1, max: 5 }),
  columnCount: fc.integer({ min: 1, max: 70 }),
  seed: fc.array(anyBits, { minLength: 1, maxLength: 40 }),
});

function toValues(rowCount: number, columnCount: number, seed: readonly number[]): Float32Array {
  const values = new Float32Array(rowCount * columnCount);
  const bits = bitsOf(values);
  for (let index = 0; index < bits.length; index++) bits[index] = seed[index % seed.length]!;
  return values;
}

/** Near 1: compressible whatever else a test puts in. */
function nearOne(rowCount: number, columnCount: number): Float32Array {
  return Float32Array.from(
    { length: rowCount * columnCount },
    (_, index) => 1 + Math.sin(index) * 1e-3,
  );
}

describe('packed rows', () => {
  it('are written where they are meant to lie, and say where something may not be finite', () => {
    fc.assert(
      fc.property(
        anyRows,
        fc.nat({ max: 69 }),
        fc.nat({ max: 69 }),
        fc.constantFrom<0 | typeof ROUNDED_BITS>(0, ROUNDED_BITS),
        ({ rowCount, columnCount, seed }, a, b, dropped) => {
          const packed = packRows(toValues(rowCount, columnCount, seed), rowCount, dropped);
          if (packed === null) return;
          const whole = bitsOf(unpackRows(packed, columnCount, dropped));
          const from = Math.min(a, b) % columnCount;
          const end = Math.max(from + 1, Math.max(a, b) % (columnCount + 1));
          const place = { bits: new Int32Array(700).fill(7), start: 3, stride: columnCount + 9 };
          const doubtful = unpackRowsInto(packed, { from, end }, dropped, place);
          const expected = new Int32Array(700).fill(7);
          for (let row = 0; row < rowCount; row++) {
            const columns = whole.subarray(row * columnCount + from, row * columnCount + end);
            expected.set(columns, 3 + row * place.stride);
            const isFinite = columns.every((bits) => (bits & 0x7f800000) !== 0x7f800000);
            if (!isFinite) expect(doubtful).toContain(row);
          }
          expect(place.bits).toEqual(expected);
        },
      ),
    );
    const near = packRows(nearOne(4, 30), 4, 0)!;
    const place = { bits: new Int32Array(120), start: 0, stride: 30 };
    expect(unpackRowsInto(near, { from: 0, end: 30 }, 0, place)).toEqual([]);
  });

  it('come back bit by bit, whatever the bits', () => {
    fc.assert(
      fc.property(anyRows, ({ rowCount, columnCount, seed }) => {
        const values = toValues(rowCount, columnCount, seed);
        const packed = packRows(values, rowCount, 0);
        if (packed === null) return;
        expect(packed.length).toBeLessThan(values.byteLength);
        expect(bitsOf(unpackRows(packed, columnCount, 0))).toEqual(bitsOf(values));
      }),
      { numRuns: 2000 },
    );
  });

  it('come back rounded by at most 2^-10, and exact where a row holds a NaN or a subnormal', () => {
    fc.assert(
      fc.property(anyRows, ({ rowCount, columnCount, seed }) => {
        const values = toValues(rowCount, columnCount, seed);
        const packed = packRows(values, rowCount, ROUNDED_BITS);
        if (packed === null) return;
        const back = unpackRows(packed, columnCount, ROUNDED_BITS);
        for (let row = 0; row < rowCount; row++) {
          const before = values.subarray(row * columnCount, (row + 1) * columnCount);
          const after = back.subarray(row * columnCount, (row + 1) * columnCount);
          const isSubnormal = (value: number): boolean =>
            value !== 0 && Math.abs(value) < 2 ** -126;
          if (before.some((value) => Number.isNaN(value) || isSubnormal(value))) {
            expect(bitsOf(after)).toEqual(bitsOf(before));
            continue;
          }
          const wrong = [...before].filter((value, index) => {
            const got = after[index]!;
            if (!Number.isFinite(value)) return got !== value;
            if (value === 0) return !Object.is(got, value);
            return !(Math.abs(got - value) <= Math.abs(value) * 2 ** -10) || got === 0;
          });
          expect(wrong).toEqual([]);
        }
      }),
      { numRuns: 2000 },
    );
  });

  it('stay as they are when they are rounded again', () => {
    fc.assert(
      fc.property(anyRows, ({ rowCount, columnCount, seed }) => {
        const values = toValues(rowCount, columnCount, seed);
        const packed = packRows(values, rowCount, ROUNDED_BITS);
        if (packed === null) return;
        const once = unpackRows(packed, columnCount, ROUNDED_BITS);
        const again = packRows(once, rowCount, ROUNDED_BITS)!;
        expect(bitsOf(unpackRows(again, columnCount, ROUNDED_BITS))).toEqual(bitsOf(once));
      }),
      { numRuns: 500 },
    );
  });

  it('keep the order of values when they are rounded, so that extremes stay extremes', () => {
    const values = nearOne(3, 64).map((value, index) => value * (index % 3 === 0 ? -1 : 1));
    const back = unpackRows(packRows(values, 3, ROUNDED_BITS)!, 64, ROUNDED_BITS);
    const order = [...values.keys()].sort((a, b) => values[a]! - values[b]!);
    for (const [at, index] of order.entries()) {
      const next = order[at + 1];
      if (next !== undefined) expect(back[index]!).toBeLessThanOrEqual(back[next]!);
    }
  });

  it('give any one row from its base, the entries around it and its own words', () => {
    const values = nearOne(4, 37);
    bitsOf(values)[40] = MISSING_FLOAT32_BITS;
    const packed = packRows(values, 4, 0)!;
    const words = new Int32Array(packed.buffer, packed.byteOffset, packed.length / 4);
    for (let row = 0; row < 4; row++) {
      const [begin, end] = [words[5 + row]! & 0x1ffffff, words[6 + row]! & 0x1ffffff];
      const own = Int32Array.of(
        words[1 + row]!,
        words[5 + row]!,
        words[6 + row]!,
        ...words.subarray(10 + begin, 10 + end),
      );
      // One byte off, as it may lie in what a database sends.
      const bytes = new Uint8Array(own.byteLength + 1).subarray(1);
      bytes.set(new Uint8Array(own.buffer));
      expect(bitsOf(unpackSingleRow(bytes, 37, 0))).toEqual(
        bitsOf(values.slice(row * 37, (row + 1) * 37)),
      );
    }
  });

  it('are not made where they would save nothing', () => {
    const random = new Float32Array([1e-30, -1e30, 3, -4e-5]);
    expect(packRows(random, 2, 0)).toBeNull();
    expect(packRows(new Float32Array(0), 0, 0)).toBeNull();
  });

  it('take no word for a row of one value, and are refused when cut short', () => {
    const values = new Float32Array(128).fill(0.25);
    const packed = packRows(values, 2, 0)!;
    expect(packed.length).toBe(24);
    expect(unpackRows(packed, 64, 0)).toEqual(values);
    const longer = packRows(nearOne(2, 64), 2, 0)!;
    expect(() => unpackRows(longer.subarray(0, longer.length - 4), 64, 0)).toThrow(RangeError);
  });
});
