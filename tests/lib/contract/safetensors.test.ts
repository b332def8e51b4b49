import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AppError } from '@/lib/contract/app-error';
import {
  encodeSafetensors,
  parseSafetensors,
  readFloat32,
  readFloat64,
  readInt64,
  readUint32,
} from '@/lib/contract/safetensors';

/** A container with exactly this header text and this many bytes of data. */
function container(
  header: unknown,
  dataBytes: number,
  claimedLength?: number | bigint,
): Uint8Array {
  const json = new TextEncoder().encode(
    typeof header === 'string' ? header : JSON.stringify(header),
  );
  const body = new Uint8Array(8 + json.length + dataBytes);
  new DataView(body.buffer).setBigUint64(0, BigInt(claimedLength ?? json.length), true);
  body.set(json, 8);
  return body;
}

function faultOf(action: () => unknown): AppError {
  try {
    action();
  } catch (error) {
    if (error instanceof AppError) return error;
    throw error;
  }
  throw new Error('expected a fault');
}

const f32 = (shape: number[], begin: number, end: number) => ({
  dtype: 'F32',
  shape,
  data_offsets: [begin, end],
});

describe('parseSafetensors', () => {
  it('reads what encodeSafetensors writes, whatever the tensors', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(
          fc.record({
            name: fc
              .string({ minLength: 1, maxLength: 12 })
              .filter((name) => name !== '__metadata__' && name !== '__proto__'),
            values: fc.array(fc.float({ noDefaultInfinity: false }), { maxLength: 20 }),
          }),
          { selector: ({ name }) => name, maxLength: 6 },
        ),
        fc.dictionary(
          fc.string({ minLength: 1, maxLength: 8 }).filter((k) => k !== '__proto__'),
          fc.string({ maxLength: 8 }),
          { maxKeys: 4 },
        ),
        (tensors, metadata) => {
          const body = encodeSafetensors(
            tensors.map(({ name, values }) => ({
              name,
              dtype: 'F32' as const,
              shape: [values.length],
              data: Float32Array.from(values),
            })),
            metadata,
          );
          const parsed = parseSafetensors(body);
          expect(Object.fromEntries(parsed.metadata)).toEqual({ ...metadata });
          for (const { name, values } of tensors) {
            const read = readFloat32(name, parsed.tensors.get(name)!);
            expect(Array.from(read)).toEqual(Array.from(Float32Array.from(values)));
          }
        },
      ),
    );
  });

  it('makes views into the body and copies only what lies unaligned', () => {
    const body = encodeSafetensors([
      { name: 'a', dtype: 'F32', shape: [2], data: Float32Array.of(1, 2) },
    ]);
    expect(readFloat32('a', parseSafetensors(body).tensors.get('a')!).buffer).toBe(body.buffer);
    const shifted = new Uint8Array(body.length + 1);
    shifted.set(body, 1);
    const values = readFloat32('a', parseSafetensors(shifted.subarray(1)).tensors.get('a')!);
    expect(Array.from(values)).toEqual([1, 2]);
  });

  it('keeps the bits of 64-bit and 16-bit values', () => {
    const body = encodeSafetensors([
      { name: 'step', dtype: 'I64', shape: [2], data: BigInt64Array.of(-5n, 2n ** 62n) },
      { name: 'loss', dtype: 'F64', shape: [1], data: Float64Array.of(Math.PI) },
      {
        name: 'half',
        dtype: 'F16',
        shape: [4],
        data: Uint16Array.of(0x3c00, 0xfc00, 0x0001, 0x7bff),
      },
      { name: 'brain', dtype: 'BF16', shape: [2], data: Uint16Array.of(0x3f80, 0xc000) },
      { name: 'count', dtype: 'U32', shape: [1], data: Uint32Array.of(0xffffffff) },
    ]);
    const { tensors } = parseSafetensors(body);
    expect(Array.from(readInt64('step', tensors.get('step')!))).toEqual([-5n, 2n ** 62n]);
    expect(Array.from(readFloat64('loss', tensors.get('loss')!))).toEqual([Math.PI]);
    // IEEE 754 binary16: 1, −∞, the smallest subnormal 2^−24, the largest finite 65504.
    expect(Array.from(readFloat32('half', tensors.get('half')!))).toEqual([
      1,
      -Infinity,
      2 ** -24,
      65504,
    ]);
    expect(Array.from(readFloat32('brain', tensors.get('brain')!))).toEqual([1, -2]);
    expect(readUint32('count', tensors.get('count')!)[0]).toBe(0xffffffff);
  });

  it.each<[string, Uint8Array, string]>([
    ['a body of seven bytes', new Uint8Array(7), 'header'],
    ['a header length beyond the body', container({}, 0, 100), 'header'],
    ['a header length of 2^53', container({}, 0, 2 ** 53), 'header'],
    ['a header length of 2^64 - 1', container({}, 0, 2n ** 64n - 1n), 'header'],
    ['a header that is no JSON', container('{"a":', 0), 'header'],
    ['a header that is a list', container([], 0), 'header'],
    ['a header of deep nesting', container('['.repeat(100_000), 0), 'header'],
    [
      'a header that is no UTF-8',
      (() => {
        const b = container('{}  ', 0);
        b[8] = 0xff;
        return b;
      })(),
      'header',
    ],
    [
      'an unknown dtype',
      container({ a: { dtype: 'F8', shape: [1], data_offsets: [0, 1] } }, 1),
      'a.dtype',
    ],
    [
      'a dtype from the prototype',
      container({ a: { dtype: 'constructor', shape: [1], data_offsets: [0, 1] } }, 1),
      'a.dtype',
    ],
    ['a negative size', container({ a: f32([-1], 0, 4) }, 4), 'a.shape'],
    ['a fractional size', container({ a: f32([0.5], 0, 4) }, 4), 'a.shape'],
    ['a shape that overflows', container({ a: f32([2 ** 40, 2 ** 40], 0, 4) }, 4), 'a.shape'],
    ['a size of 2^53', container({ a: f32([2 ** 53], 0, 4) }, 4), 'a.shape'],
    ['nine dimensions', container({ a: f32([1, 1, 1, 1, 1, 1, 1, 1, 1], 0, 4) }, 4), 'a.shape'],
    ['offsets outside the data', container({ a: f32([2], 0, 8) }, 4), 'a.data_offsets'],
    ['offsets that run backwards', container({ a: f32([1], 4, 0) }, 4), 'a.data_offsets'],
    ['offsets of 2^53', container({ a: f32([1], 2 ** 53, 2 ** 53 + 4) }, 4), 'a.data_offsets'],
    ['offsets that do not fill the shape', container({ a: f32([2], 0, 4) }, 4), 'a.data_offsets'],
    [
      'overlapping tensors',
      container({ a: f32([2], 0, 8), b: f32([2], 4, 12) }, 12),
      'b.data_offsets',
    ],
    ['a hole before a tensor', container({ a: f32([1], 4, 8) }, 8), 'a.data_offsets'],
    ['bytes after the last tensor', container({ a: f32([1], 0, 4) }, 8), 'data'],
    ['metadata that is no object', container({ __metadata__: 1 }, 0), '__metadata__'],
    [
      'metadata with a number',
      container({ __metadata__: { attempt: 1 } }, 0),
      '__metadata__.attempt',
    ],
    ['a tensor that is no object', container({ a: 1 }, 0), 'a'],
  ])('refuses %s and says where', (_title, body, path) => {
    const fault = faultOf(() => parseSafetensors(body));
    expect(fault.code).toBe('invalid_body');
    expect(fault.details[0]?.path).toBe(path);
    expect(fault.message).toContain(path);
  });

  it('answers any bytes with a value or a fault that names a place', () => {
    const valid = encodeSafetensors([
      { name: 'step', dtype: 'I64', shape: [1], data: BigInt64Array.of(1n) },
      { name: 'a', dtype: 'F32', shape: [2, 2], data: Float32Array.of(1, 2, 3, 4) },
    ]);
    fc.assert(
      fc.property(
        fc.array(fc.record({ at: fc.nat(valid.length - 1), byte: fc.nat(255) }), { maxLength: 6 }),
        fc.nat(valid.length),
        (changes, length) => {
          const body = valid.slice(0, length);
          for (const { at, byte } of changes) if (at < body.length) body[at] = byte;
          try {
            parseSafetensors(body);
          } catch (error) {
            expect(error).toBeInstanceOf(AppError);
            expect((error as AppError).details[0]?.path).toBeTruthy();
          }
        },
      ),
      { numRuns: 2000 },
    );
  });
});

describe('encodeSafetensors', () => {
  it('refuses data that does not fill its shape', () => {
    expect(() =>
      encodeSafetensors([{ name: 'a', dtype: 'F32', shape: [3], data: Float32Array.of(1) }]),
    ).toThrow(RangeError);
  });

  it('lays every buffer at a multiple of its element size', () => {
    const body = encodeSafetensors([
      { name: 'h', dtype: 'F16', shape: [1], data: Uint16Array.of(1) },
      { name: 'f', dtype: 'F32', shape: [1], data: Float32Array.of(1) },
      { name: 'd', dtype: 'F64', shape: [1], data: Float64Array.of(1) },
    ]);
    for (const [name, size] of [
      ['h', 2],
      ['f', 4],
      ['d', 8],
    ] as const) {
      expect(parseSafetensors(body).tensors.get(name)!.bytes.byteOffset % size).toBe(0);
    }
  });
});
