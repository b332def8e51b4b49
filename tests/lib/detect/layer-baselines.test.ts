import { describe, expect, it } from 'vitest';
import {
  type LayerBaselines,
  MIN_SAMPLES,
  createLayerBaselines,
  endSample,
  layerZ,
  longMedian,
  nextRow,
} from '@/lib/detect/layer-baselines';
import { seededNormal } from '@/tests/seeded-random';

const LAYERS = 37;

function feed(
  baselines: LayerBaselines,
  samples: number,
  valueAt: (sample: number, layer: number) => number,
) {
  for (let sample = 0; sample < samples; sample++) {
    const row = nextRow(baselines);
    for (let layer = 0; layer < LAYERS; layer++) row[layer] = valueAt(sample, layer);
    endSample(baselines);
  }
}

function lowerMedian(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[(values.length - 1) >>> 1]!;
}

describe('baselines of layers', () => {
  it('know no median before 32 samples are in', () => {
    const baselines = createLayerBaselines(LAYERS, { width: 64, span: 64, refresh: 16 });
    feed(baselines, MIN_SAMPLES - 1, () => 1);
    expect(baselines.median.every(Number.isNaN)).toBe(true);
    feed(baselines, 1, () => 1);
    expect(baselines.median.every((median) => median === 1)).toBe(true);
  });

  it('follow the median of the span, at most one refresh behind', () => {
    const normal = seededNormal(1);
    const values = Array.from({ length: 300 }, () =>
      Float32Array.from({ length: LAYERS }, () => 10 ** normal()),
    );
    const baselines = createLayerBaselines(LAYERS, { width: 128, span: 64, refresh: 16 });
    feed(baselines, 300, (sample, layer) => values[sample]![layer]!);
    for (let layer = 0; layer < LAYERS; layer++) {
      const recent = Array.from({ length: 16 }, (_, back) =>
        lowerMedian(values.slice(300 - back - 64, 300 - back).map((row) => row[layer]!)),
      );
      expect(recent).toContain(baselines.median[layer]);
      const all = values.slice(300 - 128).map((row) => row[layer]!);
      expect(longMedian(baselines, layer)).toBe(lowerMedian(all));
    }
  });

  it('measure z in decades, on a scale of at least 5 %', () => {
    const normal = seededNormal(2);
    const baselines = createLayerBaselines(LAYERS, { width: 128, span: 128, refresh: 32 });
    feed(baselines, 256, (_, layer) => (layer === 0 ? 1 : 10 ** (0.1 * normal())));
    expect(layerZ(baselines, 0, 10)).toBeCloseTo(1 / 0.02, 3);
    expect(layerZ(baselines, 1, 10)).toBeGreaterThan(7);
    expect(layerZ(baselines, 1, 10)).toBeLessThan(13);
  });

  it('leave out what was not reported, and say so where too little is left', () => {
    const baselines = createLayerBaselines(LAYERS, { width: 64, span: 64, refresh: 16 });
    feed(baselines, 200, (sample, layer) => (layer === 3 && sample % 3 !== 0 ? NaN : 2));
    expect(baselines.median[4]).toBe(2);
    expect(baselines.median[3]).toBeNaN();
    expect(layerZ(baselines, 3, 5)).toBeNaN();
  });
});
