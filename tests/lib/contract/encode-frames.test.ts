import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canShareBody, encodeFrames } from '@/lib/contract/encode-frames';
import type { Frame } from '@/lib/contract/frame';
import { decodeSafetensorsFrames } from '@/lib/contract/frames-safetensors';
import { MISSING_FLOAT32_BITS, bitsOf, missingColumn } from '@/lib/contract/missing-value';

const LAYERS = 3;

function aFrame(step: number, overrides: Partial<Frame> = {}): Frame {
  return {
    step,
    wallTime: 1_700_000_000 + step,
    scalars: new Map([
      ['loss', 2.5 / step],
      ['tokens', 1024],
    ]),
    layerCount: LAYERS,
    layerMetrics: new Map([['gradient_norm', Float32Array.of(step, NaN, Infinity)]]),
    histograms: new Map([
      [
        'ratio',
        {
          edges: Float32Array.of(-1, 0, 1),
          counts: Uint32Array.of(1, 2, 3, 4, 5, step),
          outside: Uint32Array.from({ length: 4 * LAYERS }, (_, i) => i),
        },
      ],
    ]),
    samples: null,
    ...overrides,
  };
}

describe('encodeFrames', () => {
  it('gives back what the worker decodes: every scalar, metric and histogram of every step', () => {
    const frames = [aFrame(1), aFrame(2), aFrame(7)];

    const decoded = decodeSafetensorsFrames(encodeFrames(frames, { attempt: 2, layerOffset: 4 }));

    expect(decoded.attempt).toBe(2);
    expect(decoded.layerOffset).toBe(4);
    expect(decoded.rejected).toEqual([]);
    expect(decoded.frames).toEqual(frames);
  });

  it('keeps "not reported" apart from NaN, in bits', () => {
    const column = missingColumn(LAYERS);
    column[1] = NaN;

    const body = encodeFrames([aFrame(1, { layerMetrics: new Map([['rms', column]]) })]);

    const bits = bitsOf(
      decodeSafetensorsFrames(body).frames[0]!.layerMetrics.get('rms') ?? new Float32Array(),
    );
    expect(Array.from(bits, (word) => word === MISSING_FLOAT32_BITS)).toEqual([true, false, true]);
  });

  it('carries raw samples', () => {
    const samples = {
      sampleCount: 2,
      gradient: Float32Array.of(1, 2, 3, 4, 5, 6),
      firstMoment: Float32Array.of(6, 5, 4, 3, 2, 1),
      secondMoment: Float32Array.of(1e-20, 0, 0, 0, 0, 1e30),
    };

    const body = encodeFrames([aFrame(1, { samples }), aFrame(2, { samples })]);

    expect(decodeSafetensorsFrames(body).frames[1]!.samples).toMatchObject(samples);
  });

  it('says which attempt and shard only when told', () => {
    const decoded = decodeSafetensorsFrames(encodeFrames([aFrame(1)]));

    expect(decoded.attempt).toBeNull();
    expect(decoded.layerOffset).toBeNull();
  });

  it('refuses frames that report different things, naming both steps', () => {
    const other = aFrame(2, { scalars: new Map([['loss', 1]]) });

    expect(() => encodeFrames([aFrame(1), other])).toThrow(/steps 1 and 2 report different things/);
  });

  it('refuses a row that does not fill its shape instead of shifting the layers', () => {
    const short = new Map([['gradient_norm', new Float32Array(2)]]);

    expect(() => encodeFrames([aFrame(1, { layerMetrics: short })])).toThrow(
      /layer\/gradient_norm: expected 3 values a step, got 2/,
    );
    expect(() => encodeFrames([])).toThrow(/at least one frame/);
  });

  it('is the inverse of decoding for any number of steps and layers', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.nat(1e9), { minLength: 1, maxLength: 8 }),
        fc.integer({ min: 1, max: 9 }),
        fc.array(fc.float(), { minLength: 9, maxLength: 9 }),
        (unordered, layerCount, values) => {
          const frames = unordered
            .sort((a, b) => a - b)
            .map((step) =>
              aFrame(step, {
                layerCount,
                histograms: new Map(),
                layerMetrics: new Map([['rms', Float32Array.from(values.slice(0, layerCount))]]),
              }),
            );
          expect(decodeSafetensorsFrames(encodeFrames(frames)).frames).toEqual(frames);
        },
      ),
      { numRuns: 100 },
    );
  });
});

describe('canShareBody', () => {
  it('tells frames apart by edges, wall time, layers and samples', () => {
    const frame = aFrame(1);
    const histogram = frame.histograms.get('ratio')!;
    const shifted = { ...histogram, edges: Float32Array.of(-1, 0, 2) };

    expect(canShareBody(frame, aFrame(9))).toBe(true);
    expect(canShareBody(frame, aFrame(9, { wallTime: null }))).toBe(false);
    expect(canShareBody(frame, aFrame(9, { layerCount: 4 }))).toBe(false);
    expect(canShareBody(frame, aFrame(9, { histograms: new Map() }))).toBe(false);
    expect(canShareBody(frame, aFrame(9, { histograms: new Map([['ratio', shifted]]) }))).toBe(
      false,
    );
  });
});
