/**
 * Rows of `metric_block`, `metric_rollup` and `scalar_rollup` as they cross COPY: the select
 * lists, what decodes a row of them, and what lays one out. Binary columns are little-endian,
 * as the typed arrays are; large ones are sent as they lie in memory.
 */
import { BinaryWriter } from '../postgres/binary-writer';
import { COPY_HEADER, type CopyRow } from '../postgres/copy-binary';
import { decodeBlockValues } from './block-values';
import type { MetricRollup } from './metric-rollup';
import {
  bytesOf,
  fromSteps,
  toFloat64,
  toInt32,
  toSteps,
  toUint16,
  toUint32,
  toUint8,
} from './packed-arrays';
import {
  decodeCounts,
  decodePlane,
  isOfRoundedCodec,
  layOutRollup,
  type Plane,
  type RollupBytes,
} from './rollup-codec';
import { packRows } from './row-codec';
import type { ScalarRollup } from './scalar-rollup';
import {
  droppedBitsOf,
  MIN_PACKED_COLUMNS,
  PACKED_CODEC,
  RAW_CODEC,
  type ROUNDED_CODEC,
} from './value-codec';

export interface MetricBlock {
  readonly metricId: number;
  readonly firstStep: number;
  readonly span: number;
  /** [n] steps from `firstStep`, ascending. */
  readonly offsets: Uint16Array;
  /** [L][n]; MISSING_FLOAT32_BITS where not reported. */
  readonly values: Float32Array;
}

export const METRIC_BLOCK_COLUMNS = 'metric, first_step, span, codec, step_offsets, "values"';
export const METRIC_ROLLUP_COLUMNS =
  'metric, level, block, bucket_slots, reported, codec, minimum, maximum, mean, exceptions';
export const SCALAR_ROLLUP_COLUMNS =
  'level, block, bucket_slots, steps, scalar_ids, minimum, maximum, mean, last, counts';

/** A row of METRIC_BLOCK_COLUMNS; its arrays are copies, the values in the memory that `scratch` gives. */
export function decodeMetricBlock(
  row: CopyRow,
  scratch?: (length: number) => Float32Array,
): MetricBlock {
  const offsets = toUint16(row.bytes(4));
  return {
    metricId: row.int2(0),
    firstStep: row.int8(1),
    span: row.int4(2),
    offsets,
    values: decodeBlockValues(row.int2(3), row.bytes(5), offsets.length, scratch),
  };
}

export interface PlacedMetricRollup {
  readonly metricId: number;
  readonly level: number;
  readonly block: number;
  readonly rollup: MetricRollup;
  /** Made of values some of which were rounded. */
  readonly isOfRounded: boolean;
}

/** A row of METRIC_ROLLUP_COLUMNS; its arrays are copies. */
export function decodeMetricRollup(row: CopyRow): PlacedMetricRollup {
  const slots = toUint8(row.bytes(3));
  const codec = row.int2(5);
  const planeOf = (plane: Plane, field: number): Float32Array =>
    decodePlane(codec, plane, row.bytes(field), slots.length);
  return {
    metricId: row.int2(0),
    level: row.int2(1),
    block: row.int8(2),
    rollup: {
      slots,
      reported: toInt32(row.bytes(4)),
      minimum: planeOf('minimum', 6),
      maximum: planeOf('maximum', 7),
      mean: planeOf('mean', 8),
      exceptions: row.isNull(9) ? null : decodeCounts(codec, row.bytes(9), slots.length),
    },
    isOfRounded: isOfRoundedCodec(codec),
  };
}

export interface PlacedScalarRollup {
  readonly level: number;
  readonly block: number;
  readonly rollup: ScalarRollup;
}

/** A row of SCALAR_ROLLUP_COLUMNS; its arrays are copies. */
export function decodeScalarRollup(row: CopyRow): PlacedScalarRollup {
  const slots = toUint8(row.bytes(2));
  const steps = toSteps(row.bytes(3));
  const counts = toUint32(row.bytes(9));
  const cells = counts.length / 2;
  return {
    level: row.int2(0),
    block: row.int8(1),
    rollup: {
      slots,
      firstSteps: steps.subarray(0, slots.length),
      lastSteps: steps.subarray(slots.length),
      scalarIds: row.int2Array(4),
      minimum: toFloat64(row.bytes(5)),
      maximum: toFloat64(row.bytes(6)),
      mean: toFloat64(row.bytes(7)),
      last: toFloat64(row.bytes(8)),
      finite: counts.subarray(0, cells),
      nonFinite: counts.subarray(cells),
    },
  };
}

/** Whose rows are written. */
export interface AttemptKey {
  /** The run's key as 16 bytes. */
  readonly runBytes: Uint8Array;
  readonly attempt: number;
}

export const METRIC_BLOCK_TARGET =
  'metric_block (run, attempt, metric, first_step, span, codec, step_count, step_offsets, "values")';
export const METRIC_ROLLUP_TARGET =
  'metric_rollup (run, attempt, metric, level, block, bucket_count, bucket_slots, reported, codec, minimum, maximum, mean, exceptions)';
export const SCALAR_ROLLUP_TARGET =
  'scalar_rollup (run, attempt, level, block, bucket_count, bucket_slots, steps, scalar_ids, minimum, maximum, mean, last, counts)';

/** Below this a copy is cheaper than a write of its own. */
const MIN_BYTES_BY_REFERENCE = 4096;

/**
 * Rows of a binary COPY as a list of pieces for `CopyIn`. Payloads are not copied: they must
 * stay as they are until the COPY is done.
 */
export class CopyRows {
  readonly #pieces: Uint8Array[] = [COPY_HEADER];
  #writer = new BinaryWriter(1024);
  #byteLength = 0;
  #rowCount = 0;

  get isEmpty(): boolean {
    return this.#rowCount === 0;
  }

  /** Of the payloads sent by reference, near enough for a limit. */
  get byteLength(): number {
    return this.#byteLength;
  }

  addBlock(
    { runBytes, attempt }: AttemptKey,
    block: MetricBlock,
    codec: typeof PACKED_CODEC | typeof ROUNDED_CODEC = PACKED_CODEC,
  ): void {
    const { metricId, firstStep, span, offsets, values } = block;
    const packed =
      offsets.length < MIN_PACKED_COLUMNS
        ? null
        : packRows(values, values.length / offsets.length, droppedBitsOf(codec));
    this.#begin(9);
    this.#writer.uuid(runBytes);
    this.#writer.int4(attempt);
    this.#writer.int2(metricId);
    this.#writer.int8(firstStep);
    this.#writer.int4(span);
    this.#writer.int2(packed === null ? RAW_CODEC : codec);
    this.#writer.int4(offsets.length);
    this.#bytea(bytesOf(offsets));
    this.#bytea(packed ?? bytesOf(values));
  }

  /** `bytes`: the row's own, in another form than as it is. */
  addMetricRollup(
    { runBytes, attempt }: AttemptKey,
    placed: PlacedMetricRollup,
    bytes: RollupBytes = layOutRollup(placed.rollup, placed.isOfRounded),
  ): void {
    const { slots, reported } = placed.rollup;
    const { codec, minimum, maximum, mean, exceptions } = bytes;
    this.#begin(13);
    this.#writer.uuid(runBytes);
    this.#writer.int4(attempt);
    this.#writer.int2(placed.metricId);
    this.#writer.int2(placed.level);
    this.#writer.int8(placed.block);
    this.#writer.int4(slots.length);
    this.#bytea(bytesOf(slots));
    this.#bytea(bytesOf(reported));
    this.#writer.int2(codec);
    for (const plane of [minimum, maximum, mean]) this.#bytea(plane);
    if (exceptions === null) this.#writer.null();
    else this.#bytea(exceptions);
  }

  addScalarRollup({ runBytes, attempt }: AttemptKey, placed: PlacedScalarRollup): void {
    const { slots, firstSteps, lastSteps, scalarIds, finite, nonFinite, ...planes } = placed.rollup;
    this.#begin(13);
    this.#writer.uuid(runBytes);
    this.#writer.int4(attempt);
    this.#writer.int2(placed.level);
    this.#writer.int8(placed.block);
    this.#writer.int4(slots.length);
    this.#writer.bytea([slots]);
    this.#writer.bytea([bytesOf(fromSteps(firstSteps)), bytesOf(fromSteps(lastSteps))]);
    this.#writer.array('int2', scalarIds.length, (index) =>
      this.#writer.int2(scalarIds[index] ?? 0),
    );
    for (const plane of [planes.minimum, planes.maximum, planes.mean, planes.last])
      this.#writer.bytea([bytesOf(plane)]);
    this.#writer.bytea([bytesOf(finite), bytesOf(nonFinite)]);
  }

  /** The pieces, in order; nothing may be added afterwards. */
  finish(): readonly Uint8Array[] {
    this.#writer.copyTrailer();
    this.#pieces.push(this.#writer.finish());
    return this.#pieces;
  }

  #begin(fieldCount: number): void {
    this.#rowCount++;
    this.#writer.row(fieldCount);
  }

  #bytea(bytes: Uint8Array): void {
    if (bytes.length < MIN_BYTES_BY_REFERENCE) {
      this.#writer.bytea([bytes]);
      return;
    }
    const length = Buffer.alloc(4);
    length.writeInt32BE(bytes.length);
    this.#writer.raw(length);
    this.#pieces.push(this.#writer.finish(), bytes);
    this.#byteLength += bytes.length;
    this.#writer = new BinaryWriter(1024);
  }
}
