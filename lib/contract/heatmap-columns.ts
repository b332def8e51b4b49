import { MISSING_FLOAT32_BITS, bitsOf } from './missing-value';
import {
  encodeSafetensors,
  encodeSafetensorsHeader,
  parseSafetensors,
  readFloat32,
  readFloat64,
  readInt64,
  readUint32,
} from './safetensors';

/**
 * Columns of the layer × step heatmap: the binary reply of `GET /heatmap` and the payload
 * of live `frames`. L layers, C columns; layer-major, since a browser uploads and draws
 * one row of the picture a layer.
 */
export interface HeatmapColumns {
  readonly layerCount: number;
  readonly columnCount: number;
  /** [C] first and last reported step of each column. */
  readonly fromStep: Float64Array;
  readonly toStep: Float64Array;
  /** [C]; NaN where not reported or not finite. */
  readonly loss: Float32Array;
  /** [L, C] over the finite values; NaN where there is none. */
  readonly values: Float32Array;
  /** [L, C]; NaN in `values` with 0 here means that nothing was reported. */
  readonly nonFinite: Uint32Array;
  /** [L, C] as `values`, the lowest where those are the highest; only where both were asked for. */
  readonly minima?: Float32Array;
  /** Further per-column scalars, [C] each: `gradient_norm`, `learning_rate`, `wall_time`. */
  readonly scalars: ReadonlyMap<string, Float64Array>;
}

export const SAFETENSORS_MEDIA_TYPE = 'application/vnd.safetensors';

/** Steps are safe integers of 0 or more; a big integer for each would take ten times as long. */
function toInt64(steps: Float64Array): BigInt64Array {
  const words = new Uint32Array(steps.length * 2);
  for (let index = 0; index < steps.length; index++) {
    const step = steps[index] ?? 0;
    words[2 * index] = step >>> 0;
    words[2 * index + 1] = Math.floor(step / 0x1_0000_0000);
  }
  return new BigInt64Array(words.buffer);
}

/** Encodes columns; inverse of `decodeHeatmapColumns` up to the bits of NaN. */
export function encodeHeatmapColumns(columns: HeatmapColumns): Uint8Array<ArrayBuffer> {
  const { layerCount, columnCount, fromStep, toStep, loss, values, nonFinite, scalars } = columns;
  const { minima } = columns;
  const shape = [layerCount, columnCount];
  return encodeSafetensors([
    { name: 'from_step', dtype: 'I64', shape: [columnCount], data: toInt64(fromStep) },
    { name: 'to_step', dtype: 'I64', shape: [columnCount], data: toInt64(toStep) },
    { name: 'loss', dtype: 'F32', shape: [columnCount], data: loss },
    { name: 'values', dtype: 'F32', shape, data: values },
    { name: 'non_finite', dtype: 'U32', shape, data: nonFinite },
    ...(minima === undefined
      ? []
      : [{ name: 'minima', dtype: 'F32' as const, shape, data: minima }]),
    ...Array.from(scalars, ([name, data]) => ({
      name: `scalar/${name}`,
      dtype: 'F64' as const,
      shape: [columnCount],
      data,
    })),
  ]);
}

/** Columns with the bytes that `encodeHeatmapColumns` would make of them. */
export interface EncodedHeatmapColumns extends HeatmapColumns {
  readonly body: Uint8Array<ArrayBuffer>;
  /** What was taken for them, to be given back once nobody reads them any more. */
  readonly memory: Uint8Array<ArrayBuffer> | null;
}

/** Memory that is used again: bytes of any content, from the beginning of their buffer on. */
export interface HeatmapMemory {
  take(byteLength: number): Uint8Array<ArrayBuffer> | null;
}

/**
 * Columns that are filled where the reply's bytes lie, since they are copied for longer than
 * they take to be read. What is known last, the header with the steps and scalars, is
 * written in front of them.
 */
export class HeatmapBody {
  readonly loss: Float32Array<ArrayBuffer>;
  /** [L, C] */
  readonly values: Float32Array<ArrayBuffer>;
  /** [L, C] */
  readonly nonFinite: Uint32Array<ArrayBuffer>;
  /** [L, C] */
  readonly minima: Float32Array<ArrayBuffer> | null;
  readonly #buffer: ArrayBuffer;
  readonly #end: number;
  readonly #dataStart: number;
  readonly #memory: Uint8Array<ArrayBuffer> | null;

  /**
   * `maxScalars`: how many further scalars the columns may have. With `memory`, values,
   * minima and losses are whatever was there.
   */
  constructor(
    readonly layerCount: number,
    readonly columnCount: number,
    maxScalars: number,
    { memory, hasMinima = false }: { memory?: HeatmapMemory | undefined; hasMinima?: boolean } = {},
  ) {
    const cells = layerCount * columnCount;
    // A name's entry in the header is below 256 bytes, and the data begins at a multiple of 8.
    this.#dataStart = 2048 + maxScalars * 256 + (2 + maxScalars) * columnCount * 8;
    this.#end = this.#dataStart + (columnCount + (hasMinima ? 3 : 2) * cells) * 4;
    this.#memory = memory?.take(this.#end) ?? null;
    this.#buffer = this.#memory?.buffer ?? new ArrayBuffer(this.#end);
    const valuesStart = this.#dataStart + columnCount * 4;
    this.loss = new Float32Array(this.#buffer, this.#dataStart, columnCount);
    this.values = new Float32Array(this.#buffer, valuesStart, cells);
    this.nonFinite = new Uint32Array(this.#buffer, valuesStart + cells * 4, cells);
    this.minima = hasMinima ? new Float32Array(this.#buffer, valuesStart + cells * 8, cells) : null;
    if (this.#memory !== null) this.nonFinite.fill(0);
  }

  /** Throws RangeError where there are more scalars than there is room for. */
  finish({
    fromStep,
    toStep,
    scalars,
  }: Pick<HeatmapColumns, 'fromStep' | 'toStep' | 'scalars'>): EncodedHeatmapColumns {
    const { layerCount, columnCount, loss, values, nonFinite, minima } = this;
    const cells = [layerCount, columnCount];
    const shape = [columnCount];
    const head = [
      { name: 'from_step', dtype: 'I64' as const, shape, data: toInt64(fromStep) },
      { name: 'to_step', dtype: 'I64' as const, shape, data: toInt64(toStep) },
      ...Array.from(scalars, ([name, data]) => ({
        name: `scalar/${name}`,
        dtype: 'F64' as const,
        shape,
        data,
      })),
    ];
    const header = encodeSafetensorsHeader([
      ...head,
      { name: 'loss', dtype: 'F32', shape },
      { name: 'values', dtype: 'F32', shape: cells },
      { name: 'non_finite', dtype: 'U32', shape: cells },
      ...(minima === null ? [] : [{ name: 'minima', dtype: 'F32' as const, shape: cells }]),
    ]);
    const start = this.#dataStart - head.length * columnCount * 8 - header.length;
    if (start < 0) throw new RangeError(`${scalars.size} scalars are more than expected`);
    const body = new Uint8Array(this.#buffer, start, this.#end - start);
    body.set(header);
    let position = header.length;
    for (const { data } of head) {
      body.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), position);
      position += data.byteLength;
    }
    return {
      ...{ layerCount, columnCount, fromStep, toStep, loss, scalars, values, nonFinite },
      ...(minima === null ? {} : { minima }),
      ...{ body, memory: this.#memory },
    };
  }
}

/** Throws on anything that `encodeHeatmapColumns` does not write; the body comes from our own server. */
export function decodeHeatmapColumns(body: Uint8Array): HeatmapColumns {
  const { tensors } = parseSafetensors(body);
  const tensor = (name: string) => {
    const found = tensors.get(name);
    if (found === undefined) throw new Error(`heatmap columns without ${name}`);
    return found;
  };
  const values = tensor('values');
  const minima = tensors.get('minima');
  const scalars = new Map<string, Float64Array>();
  for (const [name, entry] of tensors) {
    if (name.startsWith('scalar/'))
      scalars.set(name.slice('scalar/'.length), readFloat64(name, entry));
  }
  return {
    layerCount: values.shape[0] ?? 0,
    columnCount: values.shape[1] ?? 0,
    fromStep: Float64Array.from(readInt64('from_step', tensor('from_step')), Number),
    toStep: Float64Array.from(readInt64('to_step', tensor('to_step')), Number),
    loss: readFloat32('loss', tensor('loss')),
    values: readFloat32('values', values),
    nonFinite: readUint32('non_finite', tensor('non_finite')),
    ...(minima === undefined ? {} : { minima: readFloat32('minima', minima) }),
    scalars,
  };
}

/**
 * One posted column as a heatmap column: finite values stay, "not reported" becomes NaN
 * with count 0, non-finite ones NaN with count 1. Writes row `layer` of column `column`.
 */
export function writeColumn(
  source: Float32Array,
  firstLayer: number,
  column: number,
  columnCount: number,
  values: Float32Array,
  nonFinite: Uint32Array,
): void {
  const bits = bitsOf(source);
  for (let i = 0; i < source.length; i++) {
    const target = (firstLayer + i) * columnCount + column;
    const value = source[i] ?? NaN;
    if (Number.isFinite(value)) {
      values[target] = value;
      nonFinite[target] = 0;
    } else {
      values[target] = NaN;
      nonFinite[target] = bits[i] === MISSING_FLOAT32_BITS ? 0 : 1;
    }
  }
}
