import { SHAPE_MEASURES, type ShapesInput } from '@/lib/stats/histogram-shapes';
import type { Histogram } from '@/lib/stats/histogram-moments';
import { computeFrameStatistics } from '@/lib/stats/frame-statistics';
import { computeRatioEdges } from '@/lib/stats/ratio-edges';
import { computeUpdateEdges } from '@/lib/stats/update-edges';
import { readDipCases } from '../../lib/stats/dip-cases';
import { countInto } from '../../lib/stats/counted';
import { normalFrom, seededRandom } from '@/tests/seeded-random';
import { recordedInputs } from './sample-inputs';

/** Histograms over the same edges as one batch. */
export function batchOf(
  histograms: readonly Histogram[],
  overrides: Partial<ShapesInput> = {},
): ShapesInput {
  return {
    layerCount: histograms.length,
    edges: histograms[0]?.edges ?? Float32Array.of(-1, 1),
    counts: Uint32Array.from(histograms.flatMap(({ counts }) => [...counts])),
    outside: Uint32Array.from(histograms.flatMap(({ outside }) => [...outside])),
    measures: SHAPE_MEASURES,
    ...overrides,
  };
}

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

/** Values as trainings make them, and as none makes them, by name. */
function shapeMakers(seed: number): Record<string, () => number> {
  const random = seededRandom(seed);
  const normal = normalFrom(random);
  const side = (): number => (random() < 0.5 ? -1 : 1);
  return {
    healthy: () => 0.229 * normal(),
    'a drift': () => 0.287 * side() + 0.208 * normal(),
    'two peaks': () => 0.707 * side() + 0.111 * normal(),
    'two peaks, one small': () => 0.9 * (random() < 0.07 ? -1 : 1) + 0.02 * normal(),
    'half exact zeros': () => (random() < 0.5 ? 0 : 0.229 * normal()),
    'exact zeros and ±1': () => Math.round(3 * (random() - 0.5)),
    'heavy tails': () => (1e-6 * normal()) / Math.max(1e-6, random()),
    'collapsed to 1e-6': () => 1e-6 * (0.7 * side() + 0.11 * normal()),
    'one atom': () => 0.3,
    'one atom beside 0': () => -1e-13,
    uniform: () => 2 * random() - 1,
    'mostly beyond the edges': () => 100 * normal(),
    'of any magnitude': () => 10 ** (-11 * random()) * side(),
  };
}

/** The histograms of r and u of each of those. */
export function madeShapes(sampleCount: number): ShapesInput[] {
  return [computeRatioEdges(0.9, 0.95), computeUpdateEdges()].map((edges) =>
    batchOf(
      Object.values(shapeMakers(7)).map((valueAt) =>
        countInto(edges, Float32Array.from({ length: sampleCount }, valueAt)),
      ),
    ),
  );
}

/** The cases that R's diptest was run on, stretched over 128 equal bins; their dip is the bins' own. */
export function referenceShapes(): ShapesInput {
  const edges = Float32Array.from({ length: 129 }, (_, i) => i / 64 - 1);
  return batchOf(
    readDipCases().map(({ x }) => {
      const [least, most] = [Math.min(...x), Math.max(...x)];
      const stretched = x.map((value) => (1.99 * (value - least)) / (most - least || 1) - 0.995);
      return countInto(edges, stretched);
    }),
  );
}

/** The histograms of three steps of a real run, of r and of u. */
export function recordedShapes(): ShapesInput[] {
  return recordedInputs().flatMap((input) =>
    [...computeFrameStatistics(input).histograms.values()].map((columns) => ({
      ...columns,
      layerCount: input.layerCount,
      measures: SHAPE_MEASURES,
    })),
  );
}

/** Counts of any size in few bins of any width, with the atom on an edge, inside a bin and beyond all. */
export function oddShapes(layerCount: number): ShapesInput[] {
  const random = seededRandom(layerCount);
  const widths = Array.from({ length: 12 }, () => 10 ** (1.5 * random()));
  const sums = widths.map((_, i) => widths.slice(0, i + 1).reduce((sum, width) => sum + width, 0));
  const middle = sums[5]!;
  const sizes = [3, 60, 4096, 1e6, 2 ** 32 - 1];
  return [0, -middle, -middle + 0.4, -2 * sums.at(-1)!, 0.01].map((shift) => {
    const edges = Float32Array.from([0, ...sums], (edge) => edge + shift);
    const count = (row: number): number =>
      random() < 0.4 ? 0 : Math.floor(sizes[row % sizes.length]! * random() ** 3);
    const rows = Array.from({ length: layerCount }, (_, row) => ({
      edges,
      counts: Uint32Array.from(widths, () => count(row)),
      outside: Uint32Array.from([0, 1, 2, 3], () => (random() < 0.5 ? 0 : count(row) / 4)),
    }));
    const zeros = new Uint32Array(12);
    return batchOf([
      ...rows,
      { edges, counts: zeros, outside: new Uint32Array(4) },
      { edges, counts: zeros, outside: Uint32Array.of(0, 0, 9, 1) },
      { edges, counts: zeros.map((_, i) => (i === 4 ? 7 : 0)), outside: new Uint32Array(4) },
      {
        edges,
        counts: zeros.map((_, i) => (i === 4 ? 7 : 0)),
        outside: Uint32Array.of(9, 0, 0, 0),
      },
    ]);
  });
}

/** Edges that float32 tells apart with few digits, or not at all, and some that it does after all. */
export function narrowShapes(): { readonly input: ShapesInput; readonly isLeft: boolean }[] {
  const on = (edgeAt: (i: number) => number) =>
    randomShapes(4, 8, { edges: Float32Array.from({ length: 9 }, (_, i) => edgeAt(i)) });
  return [
    { input: on((i) => 1e-40 * (i - 4)), isLeft: false },
    { input: on((i) => 1e37 * (i - 4)), isLeft: false },
    { input: on((i) => 1000 + 0.01 * i), isLeft: true },
    { input: on((i) => (i === 8 ? 1e20 : 1e-10 * (i - 4))), isLeft: true },
    // More vertices than pairs of them are affordable.
    { input: randomShapes(2, 700), isLeft: true },
    { input: randomShapes(3, 1), isLeft: false },
  ];
}
