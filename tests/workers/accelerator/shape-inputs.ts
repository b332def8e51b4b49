import { SHAPE_MEASURES, type ShapesInput } from '@/lib/stats/histogram-shapes';
import { seededRandom } from '../../lib/stats/seeded-random';

/** Rows of one peak, two peaks and noise on equal bins over [−1, 1], with zeros and some outside. */
export function randomShapes(
  layerCount: number,
  binCount: number,
  overrides: Partial<ShapesInput> = {},
): ShapesInput {
  const random = seededRandom(layerCount * 131 + binCount);
  const edges = Float32Array.from({ length: binCount + 1 }, (_, i) => (2 * i) / binCount - 1);
  const counts = Uint32Array.from({ length: layerCount * binCount }, (_, i) => {
    const layer = Math.floor(i / binCount);
    const x = (2 * ((i % binCount) + 0.5)) / binCount - 1;
    const center = (layer % 3) * 0.3;
    const height = Math.exp(-(((Math.abs(x) - center) / 0.2) ** 2));
    return Math.floor(200 * height * (0.7 + 0.6 * random()) + 3 * random());
  });
  const outside = Uint32Array.from({ length: layerCount * 4 }, () =>
    Math.floor(20 * random() ** 2),
  );
  return { layerCount, edges, counts, outside, measures: SHAPE_MEASURES, ...overrides };
}
