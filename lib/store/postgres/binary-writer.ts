/**
 * PostgreSQL's binary form of values, laid out into one growing buffer: rows for COPY and
 * arrays for parameters. Big-endian throughout; payloads (bytea) are copied as they are.
 */
import { COPY_HEADER } from './copy-binary';

const OID = { bytea: 17, int8: 20, int2: 21, int4: 23, float8: 701, uuid: 2950 } as const;
export type ElementType = keyof typeof OID;

export class BinaryWriter {
  #buffer: Buffer;
  #length = 0;

  /** `memory`: how much to begin with, or where to write as long as it suffices. */
  constructor(memory: number | Buffer = 65_536) {
    this.#buffer = typeof memory === 'number' ? Buffer.allocUnsafe(memory) : memory;
  }

  /** What has been written; the writer must not be used afterwards. */
  finish(): Buffer {
    return this.#buffer.subarray(0, this.#length);
  }

  #claim(byteLength: number): number {
    const start = this.#length;
    const end = start + byteLength;
    if (end > this.#buffer.length) {
      const grown = Buffer.allocUnsafe(Math.max(end, this.#buffer.length * 2));
      this.#buffer.copy(grown, 0, 0, start);
      this.#buffer = grown;
    }
    this.#length = end;
    return start;
  }

  copyHeader(): void {
    this.raw(COPY_HEADER);
  }

  /** Begins a row of COPY. */
  row(fieldCount: number): void {
    const at = this.#claim(2);
    this.#buffer.writeInt16BE(fieldCount, at);
  }

  copyTrailer(): void {
    this.row(-1);
  }

  raw(bytes: Uint8Array): void {
    const at = this.#claim(bytes.length);
    this.#buffer.set(bytes, at);
  }

  null(): void {
    const at = this.#claim(4);
    this.#buffer.writeInt32BE(-1, at);
  }

  int2(value: number): void {
    const at = this.#claim(6);
    this.#buffer.writeInt32BE(2, at);
    this.#buffer.writeInt16BE(value, at + 4);
  }

  int4(value: number): void {
    const at = this.#claim(8);
    this.#buffer.writeInt32BE(4, at);
    this.#buffer.writeInt32BE(value, at + 4);
  }

  /** A safe integer as bigint. */
  int8(value: number): void {
    const at = this.#claim(12);
    this.#buffer.writeInt32BE(8, at);
    this.#buffer.writeInt32BE(Math.floor(value / 0x1_0000_0000), at + 4);
    this.#buffer.writeUInt32BE(value >>> 0, at + 8);
  }

  float4(value: number): void {
    const at = this.#claim(8);
    this.#buffer.writeInt32BE(4, at);
    this.#buffer.writeFloatBE(value, at + 4);
  }

  float8(value: number | null): void {
    if (value === null) {
      this.null();
      return;
    }
    const at = this.#claim(12);
    this.#buffer.writeInt32BE(8, at);
    this.#buffer.writeDoubleBE(value, at + 4);
  }

  bytea(parts: readonly Uint8Array[]): void {
    let byteLength = 0;
    for (const part of parts) byteLength += part.length;
    const at = this.#claim(4 + byteLength);
    this.#buffer.writeInt32BE(byteLength, at);
    let position = at + 4;
    for (const part of parts) {
      this.#buffer.set(part, position);
      position += part.length;
    }
  }

  uuid(bytes: Uint8Array): void {
    const at = this.#claim(20);
    this.#buffer.writeInt32BE(16, at);
    this.#buffer.set(bytes, at + 4);
  }

  /** Begins an array of `length` elements, each of which is then written by its own method. */
  #arrayHead(type: ElementType, length: number): void {
    const at = this.#claim(20);
    this.#buffer.writeInt32BE(1, at);
    this.#buffer.writeInt32BE(1, at + 4);
    this.#buffer.writeInt32BE(OID[type], at + 8);
    this.#buffer.writeInt32BE(length, at + 12);
    this.#buffer.writeInt32BE(1, at + 16);
  }

  /** An array as a field of a row: its byte length goes before it. */
  array(type: ElementType, length: number, writeElement: (index: number) => void): void {
    const at = this.#claim(4);
    this.#arrayHead(type, length);
    for (let index = 0; index < length; index++) writeElement(index);
    this.#buffer.writeInt32BE(this.#length - at - 4, at);
  }
}

/** One array as a query parameter; node-postgres sends a Buffer in the binary format. */
export function arrayParameter(
  type: ElementType,
  length: number,
  writeElement: (writer: BinaryWriter, index: number) => void,
): Buffer {
  const writer = new BinaryWriter(64 + length * 24);
  writer.array(type, length, (index) => writeElement(writer, index));
  return writer.finish().subarray(4);
}

/** The same of float8, null being NULL; in text −0 would lose its sign. */
export function floatsParameter(values: readonly (number | null)[]): Buffer {
  return arrayParameter('float8', values.length, (writer, index) => {
    writer.float8(values[index] ?? null);
  });
}
