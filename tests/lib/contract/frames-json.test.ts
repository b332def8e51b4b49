import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AppError } from '@/lib/contract/app-error';
import { decodeJsonFrames, toDetails } from '@/lib/contract/frames-json';
import { MISSING_FLOAT32_BITS, bitsOf } from '@/lib/contract/missing-value';
import { createRunSchema, finishRunSchema } from '@/lib/contract/runs';

const decode = (value: unknown) =>
  decodeJsonFrames(
    new TextEncoder().encode(typeof value === 'string' ? value : JSON.stringify(value)),
  );

function faultOf(value: unknown): AppError {
  try {
    decode(value);
  } catch (error) {
    if (error instanceof AppError) return error;
    throw error;
  }
  throw new Error('expected a fault');
}

describe('decodeJsonFrames', () => {
  it('reads every field of the contract', () => {
    const request = decode({
      attempt: 3,
      layerOffset: 4,
      frames: [
        {
          step: 12,
          loss: 2.5,
          learningRate: 3e-4,
          wallTime: 1.7e9,
          gradientNorm: 0.25,
          scalars: { throughput: 7 },
          layers: { gradient_norm: [0.5, null, 'NaN', '-Infinity'] },
          histograms: {
            update: {
              edges: [-1, 0, 1],
              counts: [
                [1, 2],
                [3, 4],
                [5, 6],
                [7, 8],
              ],
              outside: [
                [0, 0, 9, 0],
                [0, 0, 0, 0],
                [0, 0, 0, 0],
                [0, 0, 0, 1],
              ],
            },
          },
        },
      ],
    });
    expect(request.attempt).toBe(3);
    expect(request.layerOffset).toBe(4);
    const frame = request.frames[0]!;
    expect(frame.wallTime).toBe(1.7e9);
    expect(Object.fromEntries(frame.scalars)).toEqual({
      loss: 2.5,
      learning_rate: 3e-4,
      gradient_norm: 0.25,
      throughput: 7,
    });
    const column = frame.layerMetrics.get('gradient_norm')!;
    expect(Array.from(column)).toEqual([0.5, NaN, NaN, -Infinity]);
    expect(bitsOf(column)[1]).toBe(MISSING_FLOAT32_BITS);
    expect(bitsOf(column)[2]).not.toBe(MISSING_FLOAT32_BITS);
    const histogram = frame.histograms.get('update')!;
    expect(Array.from(histogram.counts)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    expect(histogram.outside[2]).toBe(9);
    expect(histogram.outside[15]).toBe(1);
  });

  it.each([
    ['NaN', NaN],
    ['Infinity', Infinity],
    ['-Infinity', -Infinity],
  ])('takes "%s" wherever a metric stands', (word, value) => {
    const frame = decode({
      frames: [{ step: 0, loss: word, scalars: { a: word }, layers: { rms: [word] } }],
    }).frames[0]!;
    expect(frame.scalars.get('loss')).toBe(value);
    expect(frame.scalars.get('a')).toBe(value);
    expect(frame.layerMetrics.get('rms')![0]).toBe(value);
  });

  it('keeps good steps beside bad ones and names the fault of each', () => {
    const request = decode({
      frames: [
        { step: 1, loss: 1 },
        { step: 2, loss: 'much' },
        { step: 3, layers: { a: [1, 2], b: [1] } },
        { step: -4 },
        { step: 5, loss: 5 },
        { step: 5, loss: 5 },
        { loss: 1 },
        { step: 7, layers: { a: [1e39] } },
        { step: 8, histograms: { ratio: { edges: [0, 1], counts: [[4294967296]] } } },
        { step: 9, histograms: { ratio: { edges: [1, 0], counts: [[1]] } } },
        { step: 10, histograms: { ratio: { edges: [0, 1], counts: [[1, 2]] } } },
        { step: 1.5 },
        null,
      ],
    });
    expect(request.frames.map(({ step }) => step)).toEqual([1, 5]);
    const codes = new Map(
      request.rejected.map(({ step, code, message }) => [`${step} ${code}`, message]),
    );
    expect([...codes.keys()].sort()).toEqual(
      [
        '-1 invalid_frame',
        '-4 step_negative',
        '10 invalid_frame',
        '2 invalid_frame',
        '3 layer_count_mismatch',
        '5 step_out_of_order',
        '7 invalid_frame',
        '8 invalid_frame',
        '9 invalid_frame',
      ].sort(),
    );
    expect(codes.get('2 invalid_frame')).toContain('frames.1.loss');
    expect(codes.get('7 invalid_frame')).toContain('frames.7.layers.a.0');
    expect(codes.get('8 invalid_frame')).toContain('frames.8.histograms.ratio.counts.0.0');
    expect(codes.get('9 invalid_frame')).toContain('frames.9.histograms.ratio.edges.1');
    expect(codes.get('10 invalid_frame')).toContain('frames.10.histograms.ratio.counts.0');
  });

  it.each<[string, unknown, string, string]>([
    ['text that is no JSON', '{"frames":[', 'invalid_body', 'body'],
    ['a list', [], 'invalid_body', ''],
    ['no frames', {}, 'invalid_body', 'frames'],
    ['frames that are no list', { frames: 3 }, 'invalid_body', 'frames'],
    ['an attempt of 0', { attempt: 0, frames: [] }, 'invalid_body', 'attempt'],
    ['a negative offset', { layerOffset: -1, frames: [] }, 'invalid_body', 'layerOffset'],
    ['one bad frame alone', { frames: [{ step: 1, loss: {} }] }, 'invalid_frame', 'frames.0.loss'],
    ['deep nesting', `{"frames":${'['.repeat(1_000_000)}`, 'invalid_body', 'body'],
    [
      'deep nesting inside a string key',
      { frames: [{ step: 1, scalars: { 'a b': 1 } }] },
      'invalid_frame',
      'frames.0.scalars.a b',
    ],
  ])('refuses %s', (_title, body, code, path) => {
    const fault = faultOf(body);
    expect(fault.code).toBe(code);
    expect(fault.details[0]?.path).toBe(path);
  });

  it('does not count brackets inside strings as nesting', () => {
    const request = decode({ frames: [{ step: 1 }], note: `"${'['.repeat(1000)}\\` });
    expect(request.frames).toHaveLength(1);
  });

  it('answers any JSON with a value or a fault that has a code', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 6 }), (value) => {
        for (const body of [
          value,
          { frames: value },
          { frames: [value] },
          { frames: [{ step: 1, layers: value, histograms: value }] },
        ]) {
          try {
            decode(body);
          } catch (error) {
            expect(error).toBeInstanceOf(AppError);
          }
        }
      }),
      { numRuns: 500 },
    );
  });

  it('answers any bytes with a value or a fault that has a code', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(() => decodeJsonFrames(bytes)).toThrow(AppError);
      }),
    );
  });

  it.each([
    [{ loss: 'nan' }, 'frames.0.loss: expected a number within float64, "NaN", "Infinity"'],
    [{ layers: { rms: [1, 'x'] } }, 'frames.0.layers.rms.1: expected a number within float32'],
    [{ layers: { rms: [1e39] } }, 'frames.0.layers.rms.0: is beyond float32'],
    [{ scalars: { 'a b': 1 } }, 'frames.0.scalars.a b: expected 1 to 128 characters of A-Z'],
    [{ loss: 1, scalars: { loss: 2 } }, 'frames.0.scalars.loss: expected one loss'],
  ])('says of %j what was expected', (fields, message) => {
    expect(faultOf({ frames: [{ step: 0, ...fields }] }).message).toContain(message);
  });

  it('refuses a name that would be lost', () => {
    for (const field of ['scalars', 'layers', 'histograms']) {
      const body = `{"frames":[{"step":0,"${field}":{"__proto__":[1]}}]}`;
      expect(faultOf(body).message).toContain(`frames.0.${field}.__proto__: expected another name`);
    }
  });

  it('takes a scalar that is posted under both of its names with the same value', () => {
    const { frames } = decode({ frames: [{ step: 0, loss: 'NaN', scalars: { loss: 'NaN' } }] });
    expect([...frames[0]!.scalars]).toEqual([['loss', NaN]]);
  });

  it('names each field once that the contract does not know', () => {
    const histogram = { edges: [0, 1], counts: [[1]], bins: 1 };
    const frame = { loss: 1, learning_rate: 2, histograms: { update: histogram } };
    const { ignored, frames } = decode({
      layer_offset: 1,
      frames: [{ step: 0 }, { step: 1, ...frame }, { step: 2, ...frame, lr: 3 }],
    });
    expect(frames).toHaveLength(3);
    expect(ignored).toEqual([
      'layer_offset',
      'frames.1.learning_rate',
      'frames.1.histograms.update.bins',
      'frames.2.lr',
    ]);
    expect(decode({ frames: [{ step: 0, loss: 1 }] }).ignored).toEqual([]);
  });
});

describe('toDetails', () => {
  const run = {
    project: 'a',
    optimizer: { name: 'adamw' },
    layers: [{ name: 'wte', parameterCount: 1 }],
  };

  it.each([
    [createRunSchema, { ...run, project: undefined }, 'project', 'expected string, got nothing'],
    [createRunSchema, { ...run, layers: 2 }, 'layers', 'expected array, got number'],
    [
      createRunSchema,
      { ...run, optimizer: { name: 'adamw', beta1: 1.5 } },
      'optimizer.beta1',
      'expected number to be <=1',
    ],
    [createRunSchema, null, '', 'expected object, got null'],
    [finishRunSchema, { status: 'x' }, 'status', 'expected one of "finished"|"failed"|"stopped"'],
  ])('says what was expected and what came: %#', (schema, body, path, message) => {
    const { error } = schema.safeParse(body);
    expect(toDetails(error!, [])).toEqual([{ path, message }]);
  });
});
