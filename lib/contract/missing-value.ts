/**
 * The float32 that stands for "not reported" inside packed columns.
 *
 * A quiet NaN whose payload no arithmetic produces, so that a NaN that a training
 * job posted is told apart from a layer that posted nothing, at no cost in space.
 * Typed-array copies (`set`, `slice`, `subarray`) keep its bits; reading it into a
 * JavaScript number and writing it back may not, so it is written and tested through
 * a Uint32Array over the same buffer.
 */
export const MISSING_FLOAT32_BITS = 0x7fe5ca1e;

/** A Uint32Array over the same bytes as `values`, for bit tests. */
export function bitsOf(values: Float32Array): Uint32Array {
  return new Uint32Array(values.buffer, values.byteOffset, values.length);
}

/** A float32 column of `length` values, none of them reported. */
export function missingColumn(length: number): Float32Array<ArrayBuffer> {
  const values = new Float32Array(length);
  bitsOf(values).fill(MISSING_FLOAT32_BITS);
  return values;
}
