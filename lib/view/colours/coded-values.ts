import type { ColourScale } from './colour-scale';
import { CODE_COUNT, decodeMagnitude } from './magnitude-code';

/** What a value's place on the scale is linear in. */
export function coordinateOf({ kind }: ColourScale, value: number): number {
  if (kind !== 'log') return value;
  return value > 0 ? Math.log(value) : -Infinity;
}

/** [65536] by code: the value, and what places on scales are linear in; NaN without a value. */
let decoded: { readonly values: Float32Array; readonly logs: Float32Array } | null = null;

/** A logarithm each would take longer than a frame: they are taken once. */
export function decodedCodes(): NonNullable<typeof decoded> {
  if (decoded !== null) return decoded;
  const values = Float32Array.from({ length: CODE_COUNT }, (_, code) => {
    const value = decodeMagnitude(code);
    // Neighbours of infinity that decode to NaN or beyond have no cell.
    return Number.isFinite(value) ? value : NaN;
  });
  const logs = Float32Array.from(values, (value) =>
    Number.isNaN(value) ? NaN : value > 0 ? Math.log(value) : -Infinity,
  );
  decoded = { values, logs };
  return decoded;
}

/** [65536] the coordinate of every code; NaN without a value. */
export function coordinatesOfCodes({ kind }: ColourScale): Float32Array {
  return kind === 'log' ? decodedCodes().logs : decodedCodes().values;
}
