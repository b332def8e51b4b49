import { gunzipSync } from 'node:zlib';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { findNamedModes } from '@/lib/view/layer/named-modes';
import type { CountedDistribution } from '@/lib/view/layer/to-histogram';

const lineSchema = z.object({
  step: z.number(),
  layers: z.array(
    z.object({ name: z.string(), r_hist: z.object({ counts: z.array(z.number()) }) }),
  ),
});

/** r of one layer of recorded run B: 64 equal bins on [−2, 2). */
function recordedRatio(step: number, layer: string): CountedDistribution {
  const path = new URL('../../../fixtures/recorded/B_spontaneous_spike.jsonl.gz', import.meta.url);
  const line = gunzipSync(readFileSync(path)).toString().split('\n')[step - 1]!;
  const { step: found, layers } = lineSchema.parse(JSON.parse(line));
  expect(found).toBe(step);
  const { counts } = layers.find(({ name }) => name.includes(layer))!.r_hist;
  return fromCounts(counts, -2, 2);
}

function fromCounts(counts: readonly number[], low: number, high: number): CountedDistribution {
  const width = (high - low) / counts.length;
  return {
    edges: Array.from({ length: counts.length + 1 }, (_, i) => low + i * width),
    counts,
    underflow: 0,
    overflow: 0,
    zeros: 0,
    nonFinite: 0,
  };
}

describe('where a distribution is highest', () => {
  it('is at ±0.47 in the burst of recorded run B, with nothing between', () => {
    const { modes, valleyShare } = findNamedModes(recordedRatio(317, 'h.0.attn.c_attn.weight'));
    expect(modes).toHaveLength(2);
    expect(modes[0]?.position).toBeCloseTo(-0.47, 1);
    expect(modes[1]?.position).toBeCloseTo(0.47, 1);
    expect(valleyShare).toBeLessThan(0.05);
  });

  it('is at 0 alone before the burst', () => {
    const { modes, valleyShare } = findNamedModes(recordedRatio(316, 'h.0.attn.c_attn.weight'));
    expect(modes.map(({ position }) => Math.abs(position) < 0.05)).toEqual([true]);
    expect(valleyShare).toBeNull();
  });

  it('is one place where counting noise makes teeth', () => {
    const hill = [1, 5, 20, 60, 52, 61, 55, 58, 20, 4, 1];
    expect(findNamedModes(fromCounts(hill, -1.1, 1.1)).modes).toHaveLength(1);
  });

  it('is one place where so few coordinates make two by chance', () => {
    const teeth = [0, 4, 8, 8, 3, 3, 8, 8, 4, 0];
    expect(findNamedModes(fromCounts(teeth, -1, 1)).modes).toHaveLength(1);
    const many = teeth.map((count) => 100 * count);
    expect(findNamedModes(fromCounts(many, -1, 1)).modes.length).toBeGreaterThan(1);
  });

  it('is two places at most, the higher ones', () => {
    const three = [0, 90, 0, 0, 40, 0, 0, 80, 0, 0];
    expect(
      findNamedModes(fromCounts(three, -1, 1)).modes.map(({ position }) =>
        Number(position.toFixed(1)),
      ),
    ).toEqual([-0.7, 0.5]);
  });

  it('is nowhere when nothing was counted', () => {
    expect(findNamedModes(fromCounts([0, 0, 0], -1, 1))).toEqual({ modes: [], valleyShare: null });
  });
});
