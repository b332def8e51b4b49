import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AppError } from '@/lib/contract/app-error';
import { encodeFrames } from '@/lib/contract/encode-frames';
import type { Frame } from '@/lib/contract/frame';
import { decodeSafetensorsFrames } from '@/lib/contract/frames-safetensors';
import { MISSING_FLOAT32_BITS, bitsOf, missingColumn } from '@/lib/contract/missing-value';
import { type TensorToEncode, encodeSafetensors } from '@/lib/contract/safetensors';

function aFrame(step: number, layerCount = 2, overrides: Partial<Frame> = {}): Frame {
  return {
    step,
    wallTime: 1_700_000_000 + step,
    scalars: new Map([
      ['loss', 1 / (step + 1)],
      ['throughput', 10],
    ]),
    layerCount,
    layerMetrics: new Map([
      ['gradient_norm', Float32Array.from({ length: layerCount }, (_, i) => i + step)],
    ]),
    histograms: new Map(),
    samples: null,
    ...overrides,
  };
}

const steps = (...values: (number | bigint)[]): TensorToEncode => ({
  name: 'step',
  dtype: 'I64',
  shape: [values.length],
  data: BigInt64Array.from(values, BigInt),
});
const floats = (
  name: string,
  shape: number[],
  data = new Float32Array(shape.reduce((a, b) => a * b, 1)),
): TensorToEncode => ({
  name,
  dtype: 'F32',
  shape,
  data,
});
const counts = (name: string, shape: number[]): TensorToEncode => ({
  name,
  dtype: 'U32',
  shape,
  data: new Uint32Array(shape.reduce((a, b) => a * b, 1)),
});

function faultPath(tensors: TensorToEncode[], metadata: Record<string, string> = {}): string {
  try {
    decodeSafetensorsFrames(encodeSafetensors(tensors, metadata));
  } catch (error) {
    if (error instanceof AppError) return error.details[0]?.path ?? '';
    throw error;
  }
  throw new Error('expected a fault');
}

describe('decodeSafetensorsFrames', () => {
  it('is the inverse of encodeFrames, non-finite values and missing layers included', () => {
    const metric = fc.oneof(
      fc.float({ noNaN: false }),
      fc.constantFrom(NaN, Infinity, -Infinity, -0, 1e-45),
    );
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.nat(1_000_000), { minLength: 1, maxLength: 5 }),
        fc.array(metric, { minLength: 3, maxLength: 3 }),
        fc.boolean(),
        (unordered, values, hasMissing) => {
          const column = Float32Array.from(values);
          if (hasMissing) bitsOf(column)[1] = MISSING_FLOAT32_BITS;
          const frames = unordered
            .sort((a, b) => a - b)
            .map((step) =>
              aFrame(step, 3, {
                scalars: new Map([['loss', values[0]!]]),
                layerMetrics: new Map([['rms', column]]),
                histograms: new Map([
                  [
                    'ratio',
                    {
                      edges: Float32Array.of(-1, 0, 1),
                      counts: Uint32Array.of(1, 2, 3, 4, 5, 0xffffffff),
                      outside: Uint32Array.from({ length: 12 }, (_, i) => i),
                    },
                  ],
                ]),
              }),
            );
          const decoded = decodeSafetensorsFrames(
            encodeFrames(frames, { attempt: 2, layerOffset: 1 }),
          );
          expect(decoded.attempt).toBe(2);
          expect(decoded.layerOffset).toBe(1);
          expect(decoded.rejected).toEqual([]);
          expect(decoded.frames.map((frame) => frame.step)).toEqual(
            frames.map((frame) => frame.step),
          );
          decoded.frames.forEach((frame, index) => {
            const original = frames[index]!;
            expect(frame.wallTime).toBe(original.wallTime);
            expect(frame.scalars.get('loss')).toBe(original.scalars.get('loss'));
            expect(Array.from(bitsOf(frame.layerMetrics.get('rms')!))).toEqual(
              Array.from(bitsOf(column)),
            );
            const histogram = frame.histograms.get('ratio')!;
            expect(histogram).toEqual(original.histograms.get('ratio'));
          });
        },
      ),
    );
  });

  it('reads raw samples of all three kinds', () => {
    const decoded = decodeSafetensorsFrames(
      encodeSafetensors([
        steps(7),
        floats('sample/gradient', [1, 2, 3], Float32Array.of(1, 2, 3, 4, 5, 6)),
        floats('sample/first_moment', [1, 2, 3]),
        {
          name: 'sample/second_moment',
          dtype: 'BF16',
          shape: [1, 2, 3],
          data: new Uint16Array(6).fill(0x3f80),
        },
      ]),
    );
    const { samples, layerCount } = decoded.frames[0]!;
    expect(layerCount).toBe(2);
    expect(samples?.sampleCount).toBe(3);
    expect(Array.from(samples!.gradient)).toEqual([1, 2, 3, 4, 5, 6]);
    expect(Array.from(samples!.secondMoment)).toEqual([1, 1, 1, 1, 1, 1]);
  });

  it('keeps raw samples as they were posted, step by step', () => {
    const { frames } = decodeSafetensorsFrames(
      encodeSafetensors([
        steps(7, 8),
        floats('sample/gradient', [2, 1, 2], Float32Array.of(1, 2, 3, 4)),
        {
          name: 'sample/first_moment',
          dtype: 'F16',
          shape: [2, 1, 2],
          data: Uint16Array.of(0x3c00, 0x4000, 0x4200, 0x4400),
        },
        floats('sample/second_moment', [2, 1, 2]),
      ]),
    );
    const posted = frames[1]!.samples!.posted!;
    expect(posted.gradient.type).toBe('F32');
    expect(new Float32Array(posted.gradient.bytes.slice().buffer)).toEqual(Float32Array.of(3, 4));
    expect(posted.firstMoment.type).toBe('F16');
    expect([...posted.firstMoment.bytes]).toEqual([0x00, 0x42, 0x00, 0x44]);
    expect([...frames[1]!.samples!.firstMoment]).toEqual([3, 4]);
  });

  it('rejects negative, huge and unordered steps one by one and keeps the others', () => {
    const decoded = decodeSafetensorsFrames(
      encodeSafetensors([
        steps(-1, 5, 5, 3, 2n ** 60n, 6),
        floats('loss', [6], Float32Array.of(0, 1, 2, 3, 4, 5)),
      ]),
    );
    expect(decoded.frames.map(({ step, scalars }) => [step, scalars.get('loss')])).toEqual([
      [5, 1],
      [6, 5],
    ]);
    expect(decoded.rejected.map(({ code }) => code)).toEqual([
      'step_negative',
      'step_out_of_order',
      'step_out_of_order',
      'step_out_of_range',
    ]);
  });

  it('takes a body of steps alone and a body of no steps', () => {
    expect(decodeSafetensorsFrames(encodeSafetensors([steps(1)])).frames).toHaveLength(1);
    expect(decodeSafetensorsFrames(encodeSafetensors([steps()])).frames).toHaveLength(0);
  });

  it.each<[string, TensorToEncode[], string, Record<string, string>?]>([
    ['no step', [floats('loss', [1])], 'step'],
    ['steps in two dimensions', [{ ...steps(1), shape: [1, 1] }], 'step'],
    ['steps as floats', [floats('step', [1])], 'step.dtype'],
    ['a loss of another length', [steps(1), floats('loss', [2])], 'loss'],
    ['a loss as integers', [steps(1), counts('loss', [1])], 'loss.dtype'],
    ['a metric in one dimension', [steps(1), floats('layer/rms', [1])], 'layer/rms'],
    [
      'metrics that disagree on layers',
      [steps(1), floats('layer/a', [1, 2]), floats('layer/b', [1, 3])],
      'layer/b',
    ],
    [
      'a metric as float64',
      [steps(1), { name: 'layer/a', dtype: 'F64', shape: [1, 1], data: new Float64Array(1) }],
      'layer/a.dtype',
    ],
    ['a metric without a name', [steps(1), floats('layer/', [1, 1])], 'layer/'],
    ['a metric with a space', [steps(1), floats('layer/a b', [1, 1])], 'layer/a b'],
    ['a tensor of no meaning', [steps(1), floats('lossy', [1])], 'lossy'],
    ['a histogram without edges', [steps(1), counts('histogram/ratio', [1, 1, 2])], 'edges/ratio'],
    ['edges without a histogram', [steps(1), floats('edges/ratio', [3])], 'histogram/ratio'],
    [
      'too few edges',
      [
        steps(1),
        counts('histogram/ratio', [1, 1, 2]),
        floats('edges/ratio', [2], Float32Array.of(0, 1)),
      ],
      'edges/ratio',
    ],
    [
      'edges that repeat',
      [
        steps(1),
        counts('histogram/ratio', [1, 1, 2]),
        floats('edges/ratio', [3], Float32Array.of(0, 1, 1)),
      ],
      'edges/ratio.2',
    ],
    [
      'an infinite edge',
      [
        steps(1),
        counts('histogram/ratio', [1, 1, 2]),
        floats('edges/ratio', [3], Float32Array.of(-Infinity, 0, 1)),
      ],
      'edges/ratio.0',
    ],
    [
      'counts as floats',
      [
        steps(1),
        floats('histogram/ratio', [1, 1, 1]),
        floats('edges/ratio', [2], Float32Array.of(0, 1)),
      ],
      'histogram/ratio.dtype',
    ],
    [
      'three outside columns',
      [
        steps(1),
        counts('histogram/ratio', [1, 1, 1]),
        floats('edges/ratio', [2], Float32Array.of(0, 1)),
        counts('outside/ratio', [1, 1, 3]),
      ],
      'outside/ratio',
    ],
    [
      'a sample without moments',
      [steps(1), floats('sample/gradient', [1, 1, 4])],
      'sample/first_moment',
    ],
    [
      'samples of two sizes',
      [
        steps(1),
        floats('sample/gradient', [1, 1, 4]),
        floats('sample/first_moment', [1, 1, 3]),
        floats('sample/second_moment', [1, 1, 4]),
      ],
      'sample/first_moment',
    ],
    [
      'too many samples',
      [
        steps(1),
        floats('sample/gradient', [1, 1, 65_537]),
        floats('sample/first_moment', [1, 1, 65_537]),
        floats('sample/second_moment', [1, 1, 65_537]),
      ],
      'sample/gradient',
    ],
    [
      'a second moment as F16',
      [
        steps(1),
        floats('sample/gradient', [1, 1, 1]),
        floats('sample/first_moment', [1, 1, 1]),
        { name: 'sample/second_moment', dtype: 'F16', shape: [1, 1, 1], data: new Uint16Array(1) },
      ],
      'sample/second_moment.dtype',
    ],
    ['an unknown sample', [steps(1), floats('sample/weight', [1, 1, 1])], 'sample/weight'],
    ['attempt 0', [steps(1)], '__metadata__.attempt', { attempt: '0' }],
    ['an attempt in words', [steps(1)], '__metadata__.attempt', { attempt: 'two' }],
    ['a negative offset', [steps(1)], '__metadata__.layer_offset', { layer_offset: '-1' }],
  ])('refuses %s and names the tensor', (_title, tensors, path, metadata) => {
    expect(faultPath(tensors, metadata)).toBe(path);
  });
});

describe('metadata of a container', () => {
  const ignoredOf = (metadata: Record<string, string>) =>
    decodeSafetensorsFrames(encodeSafetensors([steps(1)], metadata)).ignored;

  it('is named where the contract does not know it', () => {
    expect(ignoredOf({ layerOffset: '1', attempt: '2', rank: '3' })).toEqual([
      '__metadata__.layerOffset',
      '__metadata__.rank',
    ]);
  });

  it('may have what libraries write into every container', () => {
    expect(ignoredOf({ format: 'pt', attempt: '1', layer_offset: '0' })).toBeUndefined();
  });
});

describe('missingColumn', () => {
  it('is NaN to arithmetic and told apart from NaN by its bits', () => {
    const column = missingColumn(2);
    column[1] = NaN;
    expect(Array.from(column)).toEqual([NaN, NaN]);
    expect(bitsOf(column)[0]).toBe(MISSING_FLOAT32_BITS);
    expect(bitsOf(column)[1]).not.toBe(MISSING_FLOAT32_BITS);
  });

  it('refuses a scalar under two names with two values, of which one would be lost', () => {
    const loss = floats('loss', [2], Float32Array.of(1, NaN));
    const named = (...values: number[]) => floats('scalar/loss', [2], Float32Array.from(values));
    expect(faultPath([steps(0, 1), loss, named(1, 2)])).toBe('scalar/loss');
    const body = encodeSafetensors([steps(0, 1), loss, named(1, NaN)]);
    expect([...decodeSafetensorsFrames(body).frames[1]!.scalars]).toEqual([['loss', NaN]]);
  });
});
