/**
 * Packs rows of float32: each row as its least value and the distances from it, in as few
 * bits as the largest distance needs. Neighbouring steps of a metric share sign, exponent
 * and leading digits, and those are what a distance leaves out.
 *
 * Any value of a row is found without the ones before it, which differences from step to
 * step would not allow, and SQL can read it too. A byte shuffle under deflate takes a tenth
 * less space and several times as long to read (`npm run bench -- block-codec`).
 *
 * Bytes, little-endian: int32 `base` [L], uint32 `entry` [L], then the rows' words. An entry is
 *   bits 0–24   where the row ends, in words from the first row's beginning
 *   bit 25      the row is exact although the codec rounds
 *   bits 26–31  bits a value
 * A row's values lie one after another from the lowest bit on; its last word is filled up.
 *
 * Floats are compared and subtracted as integers in the order of the numbers: the bits of a
 * positive one, the complement of the bits without the sign of a negative one. That keeps −0,
 * ±Inf and each NaN's payload apart.
 */
import { bytesOf } from './packed-arrays';

/** The sign's bit alone, as an int32. */
const SIGN = -0x80000000;
const MAGNITUDE = 0x7fffffff;
const INFINITY = 0x7f800000;
const END_MASK = 0x1ffffff;
const IS_EXACT = 1 << 25;
const WIDTH_SHIFT = 26;

/** Nine bits of mantissa stay: off by at most 2^-10 of the value, subnormals apart. */
export const ROUNDED_BITS = 14;

/** The integer of a float's bits, its lowest `dropped` bits rounded away. */
function toRounded(bits: number, dropped: number): number {
  const magnitude = bits & MAGNITUDE;
  let rounded = (magnitude + (1 << (dropped - 1))) >>> dropped;
  // The highest finite values would round up to infinity.
  const highest = (INFINITY >>> dropped) - 1;
  if (rounded > highest && magnitude < INFINITY) rounded = highest;
  return bits < 0 ? ~rounded : rounded;
}

/** Whether a row holds a NaN or a missing value, whose payload rounding would not keep. */
function holdsNaN(bits: Int32Array, from: number, end: number): boolean {
  for (let index = from; index < end; index++) {
    if (((bits[index] ?? 0) & MAGNITUDE) > INFINITY) return true;
  }
  return false;
}

/**
 * The packed form of `values` [rowCount][columnCount]; null where it would not be shorter.
 *
 * `dropped`  bits of the mantissa to round away: 0 keeps every bit, ROUNDED_BITS leaves a
 *            relative error of at most 2^-10 (of a subnormal: an error of at most 2^-136). Rows
 *            with a NaN or a missing value stay exact. Rounding keeps the order of values, so
 *            the greatest of a row is the greatest afterwards
 * Empty      null
 */
export function packRows(
  values: Float32Array,
  rowCount: number,
  dropped: 0 | typeof ROUNDED_BITS,
): Uint8Array | null {
  const columnCount = rowCount === 0 ? 0 : values.length / rowCount;
  if (columnCount === 0) return null;
  const bits = new Int32Array(values.buffer, values.byteOffset, values.length);
  const packed = new Int32Array(rowCount * (2 + columnCount));
  const ordered = new Int32Array(columnCount);
  const firstWord = 2 * rowCount;
  let word = firstWord;
  for (let row = 0; row < rowCount; row++) {
    const from = row * columnCount;
    const isExact = dropped === 0 || holdsNaN(bits, from, from + columnCount);
    let least = 0x7fffffff;
    let greatest = SIGN;
    for (let column = 0; column < columnCount; column++) {
      const value = bits[from + column] ?? 0;
      const integer = isExact ? value ^ ((value >> 31) & MAGNITUDE) : toRounded(value, dropped);
      ordered[column] = integer;
      if (integer < least) least = integer;
      if (integer > greatest) greatest = integer;
    }
    const width = 32 - Math.clz32(greatest - least);
    word = packRow(ordered, least, width, packed, word);
    packed[row] = least;
    packed[rowCount + row] = (width << WIDTH_SHIFT) | (isExact ? IS_EXACT : 0) | (word - firstWord);
  }
  return word < values.length ? bytesOf(packed.subarray(0, word)) : null;
}

/** Writes one row's distances from `word` on; returns the word behind them. */
function packRow(
  ordered: Int32Array,
  least: number,
  width: number,
  packed: Int32Array,
  word: number,
): number {
  if (width === 0) return word;
  let pending = 0;
  let filled = 0;
  for (let column = 0; column < ordered.length; column++) {
    // Up to 2^32 − 1: taken as 32 bits without a sign from here on.
    const distance = ((ordered[column] ?? 0) - least) | 0;
    pending |= distance << filled;
    filled += width;
    if (filled >= 32) {
      packed[word++] = pending;
      filled -= 32;
      // A shift by 32 is one by 0 in JavaScript, so a value that ended with its word leaves nothing.
      pending = filled === 0 ? 0 : distance >>> (width - filled);
    }
  }
  if (filled > 0) packed[word++] = pending;
  return word;
}

/** Where one row lies and how it is packed, out of its base and its entry. */
export interface PackedRow {
  readonly base: number;
  readonly width: number;
  readonly dropped: number;
  /** Its first word, counted from the first row's. */
  readonly firstWord: number;
}

function readRow(words: Int32Array, rowCount: number, row: number, dropped: number): PackedRow {
  const entry = words[rowCount + row] ?? 0;
  return {
    base: words[row] ?? 0,
    width: entry >>> WIDTH_SHIFT,
    dropped: (entry & IS_EXACT) === 0 ? dropped : 0,
    firstWord: row === 0 ? 0 : (words[rowCount + row - 1] ?? 0) & END_MASK,
  };
}

/**
 * The values [rowCount][columnCount] of what `packRows` made with the same `dropped`.
 *
 * Throws  RangeError when the bytes end before their last row does
 */
export function unpackRows(
  bytes: Uint8Array,
  rowCount: number,
  columnCount: number,
  dropped: number,
): Float32Array<ArrayBuffer> {
  const words = toWords(bytes);
  const last = rowCount === 0 ? 0 : (words[2 * rowCount - 1] ?? 0) & END_MASK;
  if (words.length < 2 * rowCount + last)
    throw new RangeError(
      `packed rows of ${words.length} words where ${2 * rowCount + last} are meant`,
    );
  const values = new Float32Array(rowCount * columnCount);
  const bits = new Int32Array(values.buffer);
  for (let row = 0; row < rowCount; row++) {
    const packed = readRow(words, rowCount, row, dropped);
    const from = row * columnCount;
    unpackRow(packed, words, 2 * rowCount, bits, from, from + columnCount);
  }
  return values;
}

/**
 * One row by itself: `base` and `entry` as they lie in the head, and the row's own words.
 */
export function unpackSingleRow(
  base: number,
  entry: number,
  slice: Uint8Array,
  columnCount: number,
  dropped: number,
): Float32Array<ArrayBuffer> {
  const row = {
    base,
    width: entry >>> WIDTH_SHIFT,
    dropped: (entry & IS_EXACT) === 0 ? dropped : 0,
    firstWord: 0,
  };
  const values = new Float32Array(columnCount);
  unpackRow(row, toWords(slice), 0, new Int32Array(values.buffer), 0, columnCount);
  return values;
}

function unpackRow(
  { base, width, dropped, firstWord }: PackedRow,
  words: Int32Array,
  offset: number,
  bits: Int32Array,
  from: number,
  end: number,
): void {
  const mask = width === 0 ? 0 : 0xffffffff >>> (32 - width);
  let word = offset + firstWord;
  let shift = 0;
  let current = words[word] ?? 0;
  for (let index = from; index < end; index++) {
    let distance = current >>> shift;
    shift += width;
    if (shift >= 32) {
      shift -= 32;
      current = words[++word] ?? 0;
      if (shift > 0) distance |= current << (width - shift);
    }
    const integer = (base + (distance & mask)) | 0;
    const sign = integer >> 31;
    bits[index] = ((integer ^ sign) << dropped) | (sign & SIGN);
  }
}

/** The bytes as words; copied where they are not aligned. */
function toWords(bytes: Uint8Array): Int32Array {
  const length = bytes.length >> 2;
  if (bytes.byteOffset % 4 === 0) return new Int32Array(bytes.buffer, bytes.byteOffset, length);
  const copy = new Uint8Array(length * 4);
  copy.set(bytes.subarray(0, length * 4));
  return new Int32Array(copy.buffer);
}
