/**
 * The safetensors container: 8 bytes little-endian header length, a JSON header, raw
 * little-endian buffers. Parsing makes views into the body, never copies of it; every
 * claim of the header is checked before a view is made, since the body comes from
 * outside. The format forbids holes, overlaps and bytes after the last tensor, and so
 * does this parser: a body that lies in one place is not to be trusted in another.
 *
 * Source: github.com/huggingface/safetensors, "Format".
 */
import { AppError } from './app-error';
import { float32FromBfloat16, float32FromFloat16 } from './half-floats';
import { parseJson } from './parse-json';

const BYTES_OF_DTYPE = { F64: 8, F32: 4, F16: 2, BF16: 2, I64: 8, I32: 4, U32: 4, U8: 1 } as const;
export type Dtype = keyof typeof BYTES_OF_DTYPE;

export interface Tensor {
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  readonly elementCount: number;
  /** A view into the body. */
  readonly bytes: Uint8Array;
}

export interface Safetensors {
  readonly metadata: ReadonlyMap<string, string>;
  readonly tensors: ReadonlyMap<string, Tensor>;
}

/** 5,000 layers of 300 tensors need 60 KB; this is two orders above. */
const MAX_HEADER_BYTES = 8 * 1024 * 1024;
const MAX_RANK = 8;

function invalid(path: string, message: string): AppError {
  return new AppError('invalid_body', `${path}: ${message}`, { details: [{ path, message }] });
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isDtype(value: unknown): value is Dtype {
  return typeof value === 'string' && Object.hasOwn(BYTES_OF_DTYPE, value);
}

function isSafeCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

/**
 * Parses a container.
 *
 * Empty   a header without tensors gives an empty map
 * Throws  AppError `invalid_body`, its path the tensor's name or `header`
 * Cost    O(header); the buffers are not read
 */
export function parseSafetensors(body: Uint8Array): Safetensors {
  if (body.length < 8) {
    throw invalid('header', `expected at least 8 bytes, got ${body.length}`);
  }
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  const headerLength = view.getBigUint64(0, true);
  if (headerLength > BigInt(MAX_HEADER_BYTES)) {
    throw invalid(
      'header',
      `expected a header of at most ${MAX_HEADER_BYTES} bytes, it claims ${headerLength.toString()}`,
    );
  }
  const dataStart = 8 + Number(headerLength);
  if (dataStart > body.length) {
    throw invalid(
      'header',
      `claims ${headerLength.toString()} bytes, ${body.length - 8} are there`,
    );
  }
  const header = parseJson(body.subarray(8, dataStart), 'header');
  if (!isRecord(header)) throw invalid('header', 'expected a JSON object');

  const metadata = new Map<string, string>();
  const tensors = new Map<string, Tensor>();
  const spans: { name: string; begin: number; end: number }[] = [];
  const dataLength = body.length - dataStart;
  for (const [name, entry] of Object.entries(header)) {
    if (name === '__metadata__') {
      if (!isRecord(entry)) throw invalid('__metadata__', 'expected an object of strings');
      for (const [key, value] of Object.entries(entry)) {
        if (typeof value !== 'string') throw invalid(`__metadata__.${key}`, 'expected a string');
        metadata.set(key, value);
      }
      continue;
    }
    const { tensor, begin, end } = parseEntry(name, entry, body, dataStart, dataLength);
    tensors.set(name, tensor);
    spans.push({ name, begin, end });
  }
  checkCoverage(spans, dataLength);
  return { metadata, tensors };
}

function parseEntry(
  name: string,
  entry: unknown,
  body: Uint8Array,
  dataStart: number,
  dataLength: number,
): { tensor: Tensor; begin: number; end: number } {
  if (!isRecord(entry))
    throw invalid(name, 'expected an object with dtype, shape and data_offsets');
  const { dtype, shape, data_offsets: offsets } = entry;
  if (!isDtype(dtype)) {
    throw invalid(`${name}.dtype`, `expected one of ${Object.keys(BYTES_OF_DTYPE).join(', ')}`);
  }
  if (!Array.isArray(shape) || shape.length > MAX_RANK || !shape.every(isSafeCount)) {
    throw invalid(`${name}.shape`, `expected at most ${MAX_RANK} whole numbers of 0 or more`);
  }
  let elementCount = 1;
  for (const size of shape) {
    elementCount *= size;
    if (!Number.isSafeInteger(elementCount)) throw invalid(`${name}.shape`, 'is too large');
  }
  if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(isSafeCount)) {
    throw invalid(`${name}.data_offsets`, 'expected two whole numbers of 0 or more');
  }
  const [begin = 0, end = 0] = offsets;
  if (begin > end || end > dataLength) {
    throw invalid(
      `${name}.data_offsets`,
      `[${begin}, ${end}] lies outside the ${dataLength} bytes of data`,
    );
  }
  const expectedBytes = elementCount * BYTES_OF_DTYPE[dtype];
  if (end - begin !== expectedBytes) {
    throw invalid(
      `${name}.data_offsets`,
      `hold ${end - begin} bytes; ${dtype} [${shape.join(', ')}] needs ${expectedBytes}`,
    );
  }
  const bytes = body.subarray(dataStart + begin, dataStart + end);
  return { tensor: { dtype, shape, elementCount, bytes }, begin, end };
}

function checkCoverage(
  spans: { name: string; begin: number; end: number }[],
  dataLength: number,
): void {
  spans.sort((a, b) => a.begin - b.begin || a.end - b.end);
  let position = 0;
  for (const { name, begin, end } of spans) {
    if (begin < position) throw invalid(`${name}.data_offsets`, 'overlap another tensor');
    if (begin > position)
      throw invalid(`${name}.data_offsets`, `leave ${begin - position} bytes before them unused`);
    position = end;
  }
  if (position !== dataLength) {
    throw invalid('data', `${dataLength - position} bytes after the last tensor belong to none`);
  }
}

/** The tensor's bytes at an address that is a multiple of `alignment`: a view where they lie well, else a copy. */
function aligned(bytes: Uint8Array, alignment: number): Uint8Array {
  return bytes.byteOffset % alignment === 0 ? bytes : bytes.slice();
}

/** F32, F16, BF16 or F64 as float32; F32 is a view. F64 rounds to nearest. */
export function readFloat32(name: string, tensor: Tensor): Float32Array {
  const { dtype, elementCount } = tensor;
  const bytes = aligned(tensor.bytes, BYTES_OF_DTYPE[dtype]);
  switch (dtype) {
    case 'F32':
      return new Float32Array(bytes.buffer, bytes.byteOffset, elementCount);
    case 'F16':
      return float32FromFloat16(new Uint16Array(bytes.buffer, bytes.byteOffset, elementCount));
    case 'BF16':
      return float32FromBfloat16(new Uint16Array(bytes.buffer, bytes.byteOffset, elementCount));
    default:
      throw invalid(`${name}.dtype`, `expected F32, F16 or BF16, got ${dtype}`);
  }
}

/** F64 or F32 as float64. */
export function readFloat64(name: string, tensor: Tensor): Float64Array {
  const { dtype, elementCount } = tensor;
  const bytes = aligned(tensor.bytes, BYTES_OF_DTYPE[dtype]);
  if (dtype === 'F64') return new Float64Array(bytes.buffer, bytes.byteOffset, elementCount);
  if (dtype === 'F32') {
    return Float64Array.from(new Float32Array(bytes.buffer, bytes.byteOffset, elementCount));
  }
  throw invalid(`${name}.dtype`, `expected F64 or F32, got ${dtype}`);
}

/** U32; a view. */
export function readUint32(name: string, tensor: Tensor): Uint32Array {
  if (tensor.dtype !== 'U32') throw invalid(`${name}.dtype`, `expected U32, got ${tensor.dtype}`);
  const bytes = aligned(tensor.bytes, 4);
  return new Uint32Array(bytes.buffer, bytes.byteOffset, tensor.elementCount);
}

/** I64 as big integers; a view. */
export function readInt64(name: string, tensor: Tensor): BigInt64Array {
  if (tensor.dtype !== 'I64') throw invalid(`${name}.dtype`, `expected I64, got ${tensor.dtype}`);
  const bytes = aligned(tensor.bytes, 8);
  return new BigInt64Array(bytes.buffer, bytes.byteOffset, tensor.elementCount);
}

export interface TensorToEncode {
  readonly name: string;
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  readonly data: Float32Array | Float64Array | Uint32Array | Uint16Array | BigInt64Array;
}

/** Length and JSON of a header, padded with spaces to a multiple of 8; the buffers follow in the order given. */
export function encodeSafetensorsHeader(
  tensors: readonly Omit<TensorToEncode, 'data'>[],
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array<ArrayBuffer> {
  const header: Record<string, unknown> = {};
  if (Object.keys(metadata).length > 0) header['__metadata__'] = metadata;
  let position = 0;
  for (const { name, dtype, shape } of tensors) {
    const size = sizeOf({ dtype, shape });
    header[name] = { dtype, shape, data_offsets: [position, position + size] };
    position += size;
  }
  const json = new TextEncoder().encode(JSON.stringify(header));
  const headerLength = Math.ceil(json.length / 8) * 8;
  const bytes = new Uint8Array(8 + headerLength);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(headerLength), true);
  bytes.fill(0x20, 8);
  bytes.set(json, 8);
  return bytes;
}

function sizeOf({ dtype, shape }: Pick<TensorToEncode, 'dtype' | 'shape'>): number {
  return shape.reduce((product, length) => product * length, 1) * BYTES_OF_DTYPE[dtype];
}

/**
 * Encodes a container; the header is padded with spaces to a multiple of 8 and 8-byte
 * tensors come first, so that every buffer lies aligned in the body.
 *
 * Throws  RangeError when a tensor's data does not fill its shape
 */
export function encodeSafetensors(
  tensors: readonly TensorToEncode[],
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array<ArrayBuffer> {
  const ordered = [...tensors].sort((a, b) => BYTES_OF_DTYPE[b.dtype] - BYTES_OF_DTYPE[a.dtype]);
  let dataLength = 0;
  for (const { name, dtype, shape, data } of ordered) {
    const size = sizeOf({ dtype, shape });
    if (size !== data.byteLength) {
      throw new RangeError(
        `${name}: ${data.byteLength} bytes do not fill ${dtype} [${shape.join(', ')}]`,
      );
    }
    dataLength += size;
  }
  const header = encodeSafetensorsHeader(ordered, metadata);
  const body = new Uint8Array(header.length + dataLength);
  body.set(header);
  let offset = header.length;
  for (const { data } of ordered) {
    body.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), offset);
    offset += data.byteLength;
  }
  return body;
}
