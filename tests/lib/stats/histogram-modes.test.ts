import { gunzipSync } from 'node:zlib';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { findHistogramModes } from '@/lib/stats/histogram-modes';
import { computeRatioEdges } from '@/lib/stats/ratio-edges';
import { computeUpdateEdges } from '@/lib/stats/update-edges';
import { countInto, histogramOf } from './counted';
import { normalFrom, seededRandom } from '@/tests/seeded-random';

const RATIO_EDGES = computeRatioEdges(0.9, 0.95);

function mixture(parts: readonly (readonly [number, number, number])[], count: number) {
  const random = seededRandom(12);
  const normal = normalFrom(random);
  return Array.from({ length: count }, () => {
    let left = random();
    for (const [share, center, std] of parts) {
      left -= share;
      if (left < 0) return center + std * normal();
    }
    return NaN;
  });
}

const lineSchema = z.object({
  layers: z.array(
    z.object({ name: z.string(), r_hist: z.object({ counts: z.array(z.number()) }) }),
  ),
});

/** r of one layer of recorded run B: 64 equal bins on [−2, 2). */
function recordedRatio(step: number, layer: string) {
  const path = new URL('../../fixtures/recorded/B_spontaneous_spike.jsonl.gz', import.meta.url);
  const line = gunzipSync(readFileSync(path)).toString().split('\n')[step - 1]!;
  const { counts } = lineSchema
    .parse(JSON.parse(line))
    .layers.find(({ name }) => name.includes(layer))!.r_hist;
  const edges = Array.from({ length: 65 }, (_, i) => -2 + i / 16);
  return histogramOf(edges, counts);
}

describe('findHistogramModes', () => {
  it.each([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])('is one peak at 0 for healthy r (seed %i)', (seed) => {
    const normal = normalFrom(seededRandom(seed));
    const values = Array.from({ length: 4096 }, () => 0.229 * normal());
    const modes = findHistogramModes(countInto(RATIO_EDGES, values));
    expect(modes).toHaveLength(1);
    expect(Math.abs(modes[0]!.position)).toBeLessThan(0.1);
    expect(modes[0]!.mass).toBeCloseTo(1, 12);
    // 1/(0.229·√2π) = 1.742, a little less under the window.
    expect(modes[0]!.density).toBeCloseTo(1.74, 0);
  });

  it('finds the centers and the masses of a mixture', () => {
    const values = mixture(
      [
        [0.7, -0.7, 0.11],
        [0.3, 0.6, 0.1],
      ],
      8192,
    );
    const [low, high, ...rest] = findHistogramModes(countInto(RATIO_EDGES, values));
    expect(rest).toEqual([]);
    expect(low!.position).toBeCloseTo(-0.7, 1);
    expect(high!.position).toBeCloseTo(0.6, 1);
    expect(low!.mass).toBeCloseTo(0.7, 1);
    expect(low!.mass + high!.mass).toBeCloseTo(1, 3);
  });

  it('finds three', () => {
    const values = mixture(
      [
        [0.4, -0.8, 0.05],
        [0.3, 0, 0.1],
        [0.3, 0.8, 0.05],
      ],
      8192,
    );
    const positions = findHistogramModes(countInto(RATIO_EDGES, values)).map(({ position }) =>
      Number(position.toFixed(1)),
    );
    expect(positions.map((x) => x + 0)).toEqual([-0.8, 0, 0.8]);
  });

  it('places narrow peaks finer than a bin', () => {
    const values = mixture(
      [
        [0.5, -0.995, 0.01],
        [0.5, 0.995, 0.01],
      ],
      8192,
    );
    const positions = findHistogramModes(countInto(RATIO_EDGES, values)).map((m) => m.position);
    expect(positions).toHaveLength(2);
    expect(Math.abs(positions[0]! + 0.995)).toBeLessThan(0.004);
    expect(Math.abs(positions[1]! - 0.995)).toBeLessThan(0.004);
  });

  it('leaves exact zeros out of the modes and in the whole', () => {
    const values = [
      ...mixture(
        [
          [0.5, -0.7, 0.1],
          [0.5, 0.7, 0.1],
        ],
        4000,
      ),
      ...new Array<number>(4000).fill(0),
    ];
    const modes = findHistogramModes(countInto(RATIO_EDGES, values));
    expect(modes.map(({ mass }) => Number(mass.toFixed(2)))).toEqual([0.25, 0.25]);
  });

  it('finds the peaks of a collapsed update at their own scale', () => {
    const values = mixture(
      [
        [0.5, -0.7, 0.1],
        [0.5, 0.7, 0.1],
      ],
      8192,
    ).map((x) => 1e-8 * x);
    const modes = findHistogramModes(countInto(computeUpdateEdges(), values));
    expect(modes.map(({ position }) => Number((1e8 * position).toFixed(1)))).toEqual([-0.7, 0.7]);
  });

  it('is no more than one for uniform values and lone ones in the tails', () => {
    const random = seededRandom(2);
    const uniform = Array.from({ length: 4096 }, () => 2 * random() - 1);
    expect(findHistogramModes(countInto(RATIO_EDGES, uniform))).toHaveLength(1);
    const tails = histogramOf([-4, -3, -2, -1, 1, 2, 3, 4], [1, 0, 0, 5000, 0, 0, 2]);
    expect(findHistogramModes(tails)).toHaveLength(1);
  });

  it('is at ±0.47 in the burst of recorded run B, at 0 the step before', () => {
    const layer = 'h.0.attn.c_attn.weight';
    const burst = findHistogramModes(recordedRatio(317, layer));
    expect(burst.map(({ position }) => Number(position.toFixed(1)))).toEqual([-0.5, 0.5]);
    const before = findHistogramModes(recordedRatio(316, layer));
    expect(before).toHaveLength(1);
    expect(Math.abs(before[0]!.position)).toBeLessThan(0.05);
  });

  it('is none for an empty histogram', () => {
    expect(findHistogramModes(histogramOf([-1, 1], [0], [4, 5, 6, 7]))).toEqual([]);
  });

  it('puts the mode of a symmetric shape in its middle, however few bins there are', () => {
    const counts = Uint32Array.of(20, 90, 250, 400, 400, 250, 90, 20);
    const edges = Float32Array.from({ length: 9 }, (_, i) => -0.5 + i * 0.125);
    const [mode, ...others] = findHistogramModes({ edges, counts, outside: new Uint32Array(4) });
    expect(mode?.position).toBeCloseTo(0, 9);
    expect(others).toEqual([]);
  });
});
