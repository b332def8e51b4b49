/**
 * Typed arrays and the bytes of binary columns. What arrives from PostgreSQL lies anywhere in
 * a receive buffer, so it is copied once to be aligned; what is written is a view.
 */

type NumberArray =
  Float32Array | Float64Array | Uint32Array | Int32Array | Uint16Array | Uint8Array | BigInt64Array;

/** A view of the same bytes. */
export function bytesOf(values: NumberArray): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}

function copyOf(bytes: Uint8Array): ArrayBuffer {
  const copy = new ArrayBuffer(bytes.length);
  new Uint8Array(copy).set(bytes);
  return copy;
}

export function toFloat32(bytes: Uint8Array): Float32Array<ArrayBuffer> {
  return new Float32Array(copyOf(bytes));
}

export function toFloat64(bytes: Uint8Array): Float64Array<ArrayBuffer> {
  return new Float64Array(copyOf(bytes));
}

export function toUint32(bytes: Uint8Array): Uint32Array<ArrayBuffer> {
  return new Uint32Array(copyOf(bytes));
}

export function toInt32(bytes: Uint8Array): Int32Array<ArrayBuffer> {
  return new Int32Array(copyOf(bytes));
}

export function toUint16(bytes: Uint8Array): Uint16Array<ArrayBuffer> {
  return new Uint16Array(copyOf(bytes));
}

export function toUint8(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(copyOf(bytes));
}

/** int8 (bigint) elements as numbers: steps are safe integers of 0 or more by contract. */
export function toSteps(bytes: Uint8Array): Float64Array<ArrayBuffer> {
  const words = toUint32(bytes);
  const steps = new Float64Array(words.length / 2);
  // A big integer for each would take as long as all the rest of a row.
  for (let index = 0; index < steps.length; index++) {
    steps[index] = (words[2 * index + 1] ?? 0) * 0x1_0000_0000 + (words[2 * index] ?? 0);
  }
  return steps;
}

export function fromSteps(steps: Float64Array): BigInt64Array<ArrayBuffer> {
  const packed = new BigInt64Array(steps.length);
  for (let index = 0; index < steps.length; index++) packed[index] = BigInt(steps[index] ?? 0);
  return packed;
}
