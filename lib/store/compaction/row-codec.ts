/**
 * Packs rows of float32: each row as its least value and the distances from it, in as few
 * bits as the largest distance needs. Neighbouring steps of a metric share sign, exponent
 * and leading digits, and those are what a distance leaves out.
 *
 * Any value of a row is found without the ones before it, which differences from step to
 * step would not allow, and SQL can read it too. A byte shuffle under deflate takes a tenth
 * less space and several times as long to read (`npm run bench -- block-codec`).
 *
 * Words, little-endian: the number of rows L, int32 `base` [L], `entry` [L + 1], of which the
 * first is 0, then the rows. Row i has base i and entry i + 1, and begins where the entry before
 * says that a row ends. An entry is
 *   bits 0–24   where a row ends, in words from the first row's beginning
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
const LEAST_NORMAL = 0x00800000;
const END_MASK = 0x1ffffff;
const IS_EXACT = 1 << 25;
const WIDTH_SHIFT = 26;

/** Nine bits of mantissa stay: off by at most 2^-10 of the value. What is rounded stays as it is when it is rounded again. */
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

/**
 * Whether a row holds what rounding would not keep: the payload of a NaN or of a missing value,
 * or the digits of a subnormal, which has fewer the smaller it is and would end at 0.
 */
function mustStayExact(bits: Int32Array, from: number, end: number): boolean {
  for (let index = from; index < end; index++) {
    const magnitude = (bits[index] ?? 0) & MAGNITUDE;
    if (magnitude > INFINITY || (magnitude < LEAST_NORMAL && magnitude !== 0)) return true;
  }
  return false;
}

/**
 * The packed form of `values` [rowCount][columnCount]; null where it would not be shorter.
 *
 * `dropped`  bits of the mantissa to round away: 0 keeps every bit, ROUNDED_BITS leaves a
 *            relative error of at most 2^-10. Rows with a NaN, a missing value or a subnormal
 *            stay exact; zeros and infinities are kept in any. Rounding keeps the order of
 *            values, so the greatest of a row is the greatest afterwards
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
  const firstWord = headWords(rowCount);
  const packed = new Int32Array(firstWord + rowCount * columnCount);
  packed[0] = rowCount;
  const ordered = new Int32Array(columnCount);
  let word = firstWord;
  for (let row = 0; row < rowCount; row++) {
    const from = row * columnCount;
    const isExact = dropped === 0 || mustStayExact(bits, from, from + columnCount);
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
    packed[1 + row] = least;
    packed[2 + rowCount + row] =
      (width << WIDTH_SHIFT) | (isExact ? IS_EXACT : 0) | (word - firstWord);
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

interface OpenRows {
  readonly words: Int32Array;
  readonly rowCount: number;
  readonly firstWord: number;
}

/** Throws RangeError when the bytes end before their last row does. */
function openRows(bytes: Uint8Array): OpenRows {
  const words = toWords(bytes);
  const rowCount = words[0] ?? 0;
  const firstWord = headWords(rowCount);
  const lastWord = firstWord + ((words[firstWord - 1] ?? 0) & END_MASK);
  const wordCount = bytes.length >> 2;
  if (rowCount < 1 || wordCount < lastWord)
    throw new RangeError(`packed rows of ${wordCount} words where ${lastWord} are meant`);
  return { words, rowCount, firstWord };
}

/** What lies before the rows. */
function headWords(rowCount: number): number {
  return 2 * rowCount + 2;
}

/**
 * The values [L][columnCount] of what `packRows` made with the same `dropped`.
 *
 * `allocate`  where they go: an array of the length asked for, whatever it holds
 * Throws      RangeError when the bytes end before their last row does
 */
export function unpackRows(
  bytes: Uint8Array,
  columnCount: number,
  dropped: number,
  allocate: (length: number) => Float32Array = (length) => new Float32Array(length),
): Float32Array {
  const { words, rowCount, firstWord } = openRows(bytes);
  const values = allocate(rowCount * columnCount);
  const bits = new Int32Array(values.buffer, values.byteOffset, values.length);
  for (let row = 0; row < rowCount; row++) {
    const entry = words[2 + rowCount + row] ?? 0;
    const begin = firstWord + ((words[1 + rowCount + row] ?? 0) & END_MASK);
    const from = row * columnCount;
    unpackRow(words[1 + row] ?? 0, entry, dropped, words, begin, bits, from, from + columnCount, 0);
  }
  return values;
}

/** Columns [from, end). */
export interface ColumnRange {
  readonly from: number;
  readonly end: number;
}

/** Where values are written: row i from `start` + i · `stride` on. */
export interface RowsPlace {
  readonly bits: Int32Array;
  readonly start: number;
  readonly stride: number;
}

/**
 * Columns of what `packRows` made, written where they are meant to lie. Returns the rows that
 * may hold a value that is not finite; a row whose range leaves none is not among them.
 *
 * Throws  RangeError when the bytes end before their last row does
 */
export function unpackRowsInto(
  bytes: Uint8Array,
  { from, end }: ColumnRange,
  dropped: number,
  { bits, start, stride }: RowsPlace,
): number[] {
  const { words, rowCount, firstWord } = openRows(bytes);
  const doubtful: number[] = [];
  for (let row = 0; row < rowCount; row++) {
    const base = words[1 + row] ?? 0;
    const entry = words[2 + rowCount + row] ?? 0;
    const width = entry >>> WIDTH_SHIFT;
    const begin = firstWord + ((words[1 + rowCount + row] ?? 0) & END_MASK);
    const to = start + row * stride;
    unpackRow(base, entry, dropped, words, begin, bits, to, to + end - from, from * width);
    const isExact = dropped === 0 || (entry & IS_EXACT) !== 0;
    // In the order of the numbers, NaN and ±Inf lie beyond all finite ones.
    if (!isExact || base <= -INFINITY - 1 || base + maskOf(width) >= INFINITY) doubtful.push(row);
  }
  return doubtful;
}

/** A single row as SQL's `packed_row` cuts it out: its base, the two entries around it, its words. */
export function unpackSingleRow(
  bytes: Uint8Array,
  columnCount: number,
  dropped: number,
): Float32Array<ArrayBuffer> {
  const words = toWords(bytes);
  const values = new Float32Array(columnCount);
  const bits = new Int32Array(values.buffer);
  unpackRow(words[0] ?? 0, words[2] ?? 0, dropped, words, 3, bits, 0, columnCount, 0);
  return values;
}

/** How many bytes the first of several such rows takes that lie one behind the other. */
export function packedRowBytes(bytes: Uint8Array): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const begin = view.getInt32(4, true) & END_MASK;
  const end = view.getInt32(8, true) & END_MASK;
  return 4 * (3 + end - begin);
}

/**
 * Part of one row, which begins `firstBit` bits behind word `begin`, as values [from, end) of
 * `bits`. Each value is put together from the word in which it
 * begins and the next one, whether or not it reaches so far: a test for that goes wrong every
 * third time, which costs more than the values do.
 */
function unpackRow(
  base: number,
  entry: number,
  codecDropped: number,
  words: Int32Array,
  begin: number,
  bits: Int32Array,
  from: number,
  end: number,
  firstBit: number,
): void {
  const width = entry >>> WIDTH_SHIFT;
  const dropped = (entry & IS_EXACT) === 0 ? codecDropped : 0;
  const mask = maskOf(width);
  let position = firstBit;
  // Where no value can be negative, its integer is its bits: a quarter less time for norms and shares.
  if (base >= 0 && base + mask <= MAGNITUDE) {
    for (let index = from; index < end; index++) {
      const word = begin + (position >>> 5);
      const shift = position & 31;
      position += width;
      const low = (words[word] ?? 0) >>> shift;
      const high = ((words[word + 1] ?? 0) << 1) << (31 - shift);
      bits[index] = (base + ((low | high) & mask)) << dropped;
    }
    return;
  }
  for (let index = from; index < end; index++) {
    const word = begin + (position >>> 5);
    const shift = position & 31;
    position += width;
    const low = (words[word] ?? 0) >>> shift;
    // Two shifts, since one by 32 is one by 0 in JavaScript.
    const high = ((words[word + 1] ?? 0) << 1) << (31 - shift);
    const integer = (base + ((low | high) & mask)) | 0;
    const sign = integer >> 31;
    bits[index] = ((integer ^ sign) << dropped) | (sign & SIGN);
  }
}

/** The largest distance of `width` bits; a power would take as long as ten values of the row. */
function maskOf(width: number): number {
  return width === 0 ? 0 : 0xffffffff >>> (32 - width);
}

/** Words that are read behind the last one and count for nothing. */
const SPARE_WORDS = 2;

/** The bytes as words, with some more behind them; copied where they are not aligned or nothing is. */
function toWords(bytes: Uint8Array): Int32Array {
  const { buffer, byteOffset } = bytes;
  const length = (bytes.length >> 2) + SPARE_WORDS;
  if (byteOffset % 4 === 0 && byteOffset + length * 4 <= buffer.byteLength) {
    return new Int32Array(buffer, byteOffset, length);
  }
  const copy = new Uint8Array(length * 4);
  copy.set(bytes.subarray(0, bytes.length & ~3));
  return new Int32Array(copy.buffer);
}
