/** Histogram counts in as few bytes as the largest needs, so a layer is still a slice. */

export type CountWidth = 1 | 2 | 4;

export interface PackedCounts {
  readonly width: CountWidth;
  /** Little-endian unsigned integers of `width` bytes, in the order given. */
  readonly bytes: Uint8Array;
}

/** [n] counts → [n · width] bytes. A 4-byte result is a view of `counts`. */
export function packCounts(counts: Uint32Array): PackedCounts {
  let largest = 0;
  for (const count of counts) if (count > largest) largest = count;
  if (largest <= 0xff) return { width: 1, bytes: Uint8Array.from(counts) };
  if (largest <= 0xffff) {
    return { width: 2, bytes: new Uint8Array(Uint16Array.from(counts).buffer) };
  }
  return {
    width: 4,
    bytes: new Uint8Array(counts.buffer, counts.byteOffset, counts.byteLength),
  };
}

export interface PackedSums {
  readonly width: CountWidth | 8;
  readonly bytes: Uint8Array;
}

/** Sums of counts, exact up to 2^53: as counts where they fit into 32 bits, else float64. */
export function packSums(sums: Float64Array): PackedSums {
  let largest = 0;
  for (const sum of sums) if (sum > largest) largest = sum;
  if (largest <= 0xffff_ffff) return packCounts(Uint32Array.from(sums));
  return { width: 8, bytes: new Uint8Array(sums.buffer, sums.byteOffset, sums.byteLength) };
}

/** Inverse of `packSums`, of a slice too. Throws RangeError on a width that is none. */
export function unpackSums(bytes: Buffer, width: number): Uint32Array | Float64Array {
  return width === 8 ? new Float64Array(Uint8Array.from(bytes).buffer) : unpackColumn(bytes, width);
}

/** Inverse of `packCounts`, of a slice too. Throws RangeError on a width that is none. */
export function unpackCounts(bytes: Buffer, width: number): number[] {
  const length = Math.floor(bytes.length / width);
  switch (width) {
    case 1:
      return Array.from(bytes);
    case 2:
      return Array.from({ length }, (_, index) => bytes.readUInt16LE(index * 2));
    case 4:
      return Array.from({ length }, (_, index) => bytes.readUInt32LE(index * 4));
    default:
      throw new RangeError(`no count is ${width} bytes wide`);
  }
}

/** The same as a column. Throws RangeError on a width that is none. */
export function unpackColumn(bytes: Buffer, width: number): Uint32Array<ArrayBuffer> {
  // A copy of its own lies aligned, whatever the row it came in.
  const own = Uint8Array.from(bytes);
  switch (width) {
    case 1:
      return Uint32Array.from(own);
    case 2:
      return Uint32Array.from(new Uint16Array(own.buffer));
    case 4:
      return new Uint32Array(own.buffer);
    default:
      throw new RangeError(`no count is ${width} bytes wide`);
  }
}
