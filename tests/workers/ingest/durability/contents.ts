/** What every step of every attempt says, by formula: any stored value can be told right or wrong. */
import type { Frame, HistogramFrame } from '@/lib/contract/frame';

export const METRICS = ['gradient_norm', 'rms', 'activation_scale'] as const;
const EDGES = Float32Array.of(-1, 0, 1, 2);

/** A uniform hash of small integers: murmur3's finaliser over their mix. */
function hash(...parts: readonly number[]): number {
  let state = 0x9e3779b9;
  for (const part of parts) {
    state = Math.imul(state ^ part, 0x85ebca6b);
    state = Math.imul(state ^ (state >>> 13), 0xc2b2ae35);
    state ^= state >>> 16;
  }
  return state >>> 0;
}

/** In [1, 2) and exact in float32, once in about 500 times NaN or Infinity. */
export function valueAt(attempt: number, step: number, metric: number, layer: number): number {
  const bits = hash(attempt, step, metric, layer);
  if (bits % 1009 === 0) return NaN;
  if (bits % 1013 === 0) return Infinity;
  return 1 + (bits >>> 9) / 2 ** 23;
}

export function lossAt(attempt: number, step: number): number {
  return 2 + hash(attempt, step) / 2 ** 34;
}

export function hasHistogram(step: number): boolean {
  return step % 4 === 0;
}

export function countsAt(attempt: number, step: number, layer: number): number[] {
  return [0, 1, 2].map((bin) => hash(attempt, step, layer, bin) % 1000);
}

/** Layers [layerOffset, layerOffset + layerCount) of a step. */
export function frameAt(
  attempt: number,
  step: number,
  layerOffset: number,
  layerCount: number,
): Frame {
  const layers = Array.from({ length: layerCount }, (_, index) => layerOffset + index);
  const histogram: HistogramFrame = {
    edges: EDGES,
    counts: Uint32Array.from(layers.flatMap((layer) => countsAt(attempt, step, layer))),
    outside: new Uint32Array(layerCount * 4),
  };
  return {
    step,
    wallTime: 1.7e9 + step,
    scalars: new Map([
      ['loss', lossAt(attempt, step)],
      ['tokens', step * 1024],
    ]),
    layerCount,
    layerMetrics: new Map(
      METRICS.map((name, metric) => [
        name,
        Float32Array.from(layers, (layer) => valueAt(attempt, step, metric, layer)),
      ]),
    ),
    histograms: hasHistogram(step) ? new Map([['activation', histogram]]) : new Map(),
    samples: null,
  };
}
