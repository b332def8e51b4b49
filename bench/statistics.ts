/**
 * Coordinates (g, m, v) a second of `computeFrameStatistics` on one core, over the kinds of
 * layers that take different ways through its loop. Run: npx tsx bench/statistics.ts
 */
import { computeFrameStatistics } from '../lib/stats/frame-statistics';
import { machineLine } from './shared/machine-line';
import { seededRandom } from '../tests/seeded-random';

const LAYERS = 100;
const SAMPLES = 4096;
const REPEATS = 40;
const WARM_UP = 30;

const random = seededRandom(1);
function normal(): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

function samples(gradientAt: () => number, ratioAt: () => number) {
  const count = LAYERS * SAMPLES;
  const gradient = Float32Array.from({ length: count }, gradientAt);
  const secondMoment = gradient.map((g) => g * g * (0.5 + random()));
  const firstMoment = secondMoment.map((v) => Math.sqrt(v) * ratioAt());
  return { gradient, firstMoment, secondMoment };
}

/** Rows of 64 coordinates, every other one without a gradient: tokens that no batch holds. */
let coordinate = 0;
const embeddingGradient = () => ((coordinate++ >> 6) % 2 === 0 ? 0 : 1e-3 * normal());

const healthy = () =>
  samples(
    () => 1e-3 * normal(),
    () => 0.229 * normal(),
  );
const cases = {
  healthy: healthy(),
  'gradients around ε': samples(
    () => 1e-8 * 10 ** (4 * random() - 2),
    () => 0.229 * normal(),
  ),
  'half the rows 0': samples(embeddingGradient, () => 0.229 * normal()),
};

console.log(machineLine('one core used'));
console.log(`${LAYERS} layers of ${SAMPLES} coordinates, ${REPEATS} runs after ${WARM_UP}`);

function measure(name: string, input: ReturnType<typeof samples>, withPrevious: boolean): void {
  const rates: number[] = [];
  for (let run = 0; run < WARM_UP + REPEATS; run++) {
    const started = process.hrtime.bigint();
    computeFrameStatistics({
      layerCount: LAYERS,
      sampleCount: SAMPLES,
      ...input,
      parameterCounts: new Float64Array(LAYERS).fill(1e6),
      epsilon: 1e-8,
      beta1: 0.9,
      beta2: 0.95,
      previousGradient: withPrevious ? cases.healthy.gradient : null,
    });
    const seconds = Number(process.hrtime.bigint() - started) / 1e9;
    if (run >= WARM_UP) rates.push((LAYERS * SAMPLES) / seconds / 1e6);
  }
  rates.sort((a, b) => a - b);
  const at = (share: number) => (rates[Math.round(share * (rates.length - 1))] ?? NaN).toFixed(1);
  console.log(
    `${name.padEnd(34)} median ${at(0.5)} M coordinates/s (min ${at(0)}, quartiles ${at(0.25)} to ${at(0.75)}, max ${at(1)})`,
  );
}

for (const [name, input] of Object.entries(cases)) measure(name, input, false);
measure('healthy, with the step before', cases.healthy, true);
