/**
 * Microseconds of the dip and the shape measures of one histogram, and milliseconds of a
 * whole frame of 1,000 layers, on one core. Run: npx tsx bench/dip.ts
 */
import { computeBimodalityCoefficient } from '../lib/stats/bimodality-coefficient';
import { dipOfHistogram } from '../lib/stats/dip-of-histogram';
import { dipOfSample } from '../lib/stats/dip-of-sample';
import { findHistogramModes } from '../lib/stats/histogram-modes';
import { computeHistogramMoments, type Histogram } from '../lib/stats/histogram-moments';
import { computeRatioEdges } from '../lib/stats/ratio-edges';
import { computeUpdateEdges } from '../lib/stats/update-edges';
import { computeValleyDepth } from '../lib/stats/valley-depth';
import { machineLine } from './shared/machine-line';
import { seededRandom } from '../tests/seeded-random';

const SAMPLES = 4096;
const LAYERS = 1000;
const REPEATS = 60;
const WARM_UP = 15;

const random = seededRandom(1);
function normal(): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

/** One layer's values by name: shapes that a training has, and one that no training has. */
const shapes: Record<string, () => number> = {
  healthy: () => 0.229 * normal(),
  'drift, one wide peak': () => 0.287 * (random() < 0.5 ? -1 : 1) + 0.208 * normal(),
  'two peaks': () => 0.707 * (random() < 0.5 ? -1 : 1) + 0.111 * normal(),
  'half exact zeros': () => (random() < 0.5 ? 0 : 0.229 * normal()),
  'collapsed to 1e-6, heavy tails': () => (1e-6 * normal()) / Math.max(1e-6, random()),
  uniform: () => 2 * random() - 1,
  'uniform in magnitude’s logarithm': () => 10 ** (-11 * random()) * (random() < 0.5 ? -1 : 1),
};

function histogramOf(edges: Float32Array, valueAt: () => number): Histogram {
  const counts = new Uint32Array(edges.length - 1);
  const outside = new Uint32Array(4);
  for (let i = 0; i < SAMPLES; i++) {
    const value = valueAt();
    if (value === 0) outside[2]!++;
    else if (value < edges[0]!) outside[0]!++;
    else if (value >= edges[edges.length - 1]!) outside[1]!++;
    else {
      let low = 0;
      let high = counts.length;
      while (high - low > 1) {
        const middle = (low + high) >> 1;
        if (edges[middle]! <= value) low = middle;
        else high = middle;
      }
      counts[low]!++;
    }
  }
  return { edges, counts, outside };
}

/** Milliseconds of one call of `run`, over the repeats after warm-up, ascending. */
function time(run: () => void): number[] {
  const times: number[] = [];
  for (let i = 0; i < WARM_UP + REPEATS; i++) {
    const started = process.hrtime.bigint();
    run();
    if (i >= WARM_UP) times.push(Number(process.hrtime.bigint() - started) / 1e6);
  }
  return times.sort((a, b) => a - b);
}

function print(name: string, times: readonly number[], scale: number, unit: string): void {
  const at = (share: number) =>
    ((times[Math.round(share * (times.length - 1))] ?? NaN) * scale).toFixed(2);
  console.log(
    `${name.padEnd(52)} median ${at(0.5)} ${unit} (min ${at(0)}, quartiles ${at(0.25)} to ${at(0.75)}, max ${at(1)})`,
  );
}

console.log(machineLine('one core used'));
console.log(`${SAMPLES} values a histogram, ${REPEATS} runs after ${WARM_UP}`);

const ratioEdges = computeRatioEdges(0.9, 0.95);
const updateEdges = computeUpdateEdges();
const shapeNames = Object.keys(shapes);
/** Added up so that no call can be left out as unused. */
let sink = 0;

/** Microseconds of one call, from passes over all `histograms`. */
function measureEach(name: string, histograms: readonly Histogram[], of: (h: Histogram) => number) {
  const times = time(() => {
    for (const histogram of histograms) sink += of(histogram);
  });
  print(name, times, 1e3 / histograms.length, 'µs');
}

function bimodalityOf(histogram: Histogram): number {
  return computeBimodalityCoefficient(computeHistogramMoments(histogram));
}

console.log('\nOne histogram');
for (const [name, valueAt] of Object.entries(shapes)) {
  for (const [kind, edges] of [
    ['r, 128 bins', ratioEdges],
    ['u, 418 bins', updateEdges],
  ] as const) {
    const histograms = Array.from({ length: 200 }, () => histogramOf(edges, valueAt));
    measureEach(`dip of ${kind}, ${name}`, histograms, dipOfHistogram);
  }
}
for (const [kind, edges] of [
  ['r, 128 bins', ratioEdges],
  ['u, 418 bins', updateEdges],
] as const) {
  const histograms = Array.from({ length: 200 }, () => histogramOf(edges, shapes['healthy']!));
  measureEach(`bimodality coefficient of ${kind}`, histograms, bimodalityOf);
  measureEach(`valley depth of ${kind}`, histograms, computeValleyDepth);
  measureEach(`modes of ${kind}`, histograms, (h) => findHistogramModes(h).length);
}

console.log(`\n${LAYERS} layers`);
for (const name of ['healthy', 'all shapes in turn']) {
  const layers = Array.from({ length: LAYERS }, (_, i) => {
    const shape = name === 'healthy' ? name : shapeNames[i % shapeNames.length]!;
    return {
      ratio: histogramOf(ratioEdges, shapes[shape]!),
      update: histogramOf(updateEdges, shapes[shape]!),
    };
  });
  const standard = time(() => {
    for (const { ratio, update } of layers) {
      sink += dipOfHistogram(ratio) + bimodalityOf(ratio) + computeValleyDepth(ratio);
      sink += dipOfHistogram(update);
    }
  });
  print(`${name}: r dip, bimodality, valley; u dip`, standard, 1, 'ms');
  const all = time(() => {
    for (const { ratio, update } of layers) {
      sink += dipOfHistogram(ratio) + bimodalityOf(ratio) + computeValleyDepth(ratio);
      sink += dipOfHistogram(update) + bimodalityOf(update) + computeValleyDepth(update);
    }
  });
  print(`${name}: the same, all three of u too`, all, 1, 'ms');
}

console.log('\nOne sample, not sorted');
for (const count of [4096, 65_536]) {
  const values = Float32Array.from({ length: count }, shapes['healthy']!);
  const times = time(() => {
    sink += dipOfSample(values);
  });
  print(`dip of ${count} values, healthy`, times, 1, 'ms');
}
if (Number.isNaN(sink)) throw new Error('a statistic is not a number');
