import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { encodeFrames } from '@/lib/contract/encode-frames';
import type { Frame } from '@/lib/contract/frame';
import { decodeSafetensorsFrames } from '@/lib/contract/frames-safetensors';
import { missingColumn } from '@/lib/contract/missing-value';

/** The bodies that the Python client holds itself to as well, and what they say in words. */
const FRAMES = 'tests/fixtures/frames';

type Value = number | string | null;

interface DescribedFrame {
  readonly step: number;
  readonly wallTime: number | null;
  readonly scalars: Readonly<Record<string, Value>>;
  readonly layerCount: number;
  readonly layers: Readonly<Record<string, readonly Value[]>>;
  readonly histograms: Readonly<
    Record<string, Readonly<Record<'edges' | 'counts' | 'outside', readonly number[]>>>
  >;
  readonly samples?: {
    readonly sampleCount: number;
    readonly gradient: readonly Value[];
    readonly firstMoment: readonly Value[];
    readonly secondMoment: readonly Value[];
  };
}

interface Vector {
  readonly file: string;
  readonly attempt?: number;
  readonly layerOffset?: number;
  readonly frames: readonly DescribedFrame[];
}

function floats(values: readonly Value[]): Float32Array {
  const column = missingColumn(values.length);
  values.forEach((value, index) => {
    if (value !== null) column[index] = Number(value);
  });
  return column;
}

function readFrame({ samples, ...described }: DescribedFrame): Frame {
  const entries = Object.entries(described.histograms);
  return {
    step: described.step,
    wallTime: described.wallTime,
    scalars: new Map(
      Object.entries(described.scalars).map(([name, value]) => [name, Number(value)]),
    ),
    layerCount: described.layerCount,
    layerMetrics: new Map(
      Object.entries(described.layers).map(([name, values]) => [name, floats(values)]),
    ),
    histograms: new Map(
      entries.map(([name, { edges, counts, outside }]) => [
        name,
        {
          edges: Float32Array.from(edges),
          counts: Uint32Array.from(counts),
          outside: Uint32Array.from(outside),
        },
      ]),
    ),
    samples:
      samples === undefined
        ? null
        : {
            sampleCount: samples.sampleCount,
            gradient: floats(samples.gradient),
            firstMoment: floats(samples.firstMoment),
            secondMoment: floats(samples.secondMoment),
          },
  };
}

const vectors = JSON.parse(readFileSync(join(FRAMES, 'frames.json'), 'utf8')) as Vector[];

describe('the frame format that clients of all languages share', () => {
  it.each(vectors)(
    'decodes and encodes $file to the byte',
    ({ file, attempt, layerOffset, frames }) => {
      const body = new Uint8Array(readFileSync(join(FRAMES, file)));

      const decoded = decodeSafetensorsFrames(body);

      expect(decoded.rejected).toEqual([]);
      expect(decoded.attempt).toBe(attempt ?? null);
      expect(decoded.layerOffset).toBe(layerOffset ?? null);
      expect(decoded.frames).toMatchObject(frames.map(readFrame));
      const options = {
        ...(attempt === undefined ? {} : { attempt }),
        ...(layerOffset === undefined ? {} : { layerOffset }),
      };
      expect(Buffer.from(encodeFrames(decoded.frames, options)).equals(body)).toBe(true);
      expect(Buffer.from(encodeFrames(frames.map(readFrame), options)).equals(body)).toBe(true);
    },
  );
});
