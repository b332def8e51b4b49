/**
 * What detection costs a step: nanoseconds a layer, and a layer and series (gradient, RMS,
 * stage), with every metric that the detectors read. Run: npx tsx bench/detect.ts
 */
import { execFileSync } from 'node:child_process';
import { cpus } from 'node:os';
import { encodeDetector } from '../lib/detect/detector-codec';
import { createRunDetector, observeStep } from '../lib/detect/run-detector';
import { seededNormal } from '../tests/seeded-random';

const LAYERS = 1000;
const SERIES = 3;
const WARM_UP_STEPS = 1000;
const ROUNDS = 20;
const STEPS_A_ROUND = 200;
/** Distinct frames, so that the branch predictor does not learn them. */
const FRAMES = 97;

const normal = seededNormal(1);
const column = (valueAt: () => number) => Float32Array.from({ length: LAYERS }, valueAt);

const frames = Array.from(
  { length: FRAMES },
  () =>
    new Map([
      ['gradient_rms', column(() => 1e-4 * 10 ** (0.05 * normal()))],
      ['rms', column(() => 0.98 + 0.02 * normal())],
      ['update_std', column(() => 0.229 + 0.005 * normal())],
      ['ratio_std', column(() => 0.229 + 0.005 * normal())],
      ['update_dip', column(() => 0.002)],
      ['ratio_dip', column(() => 0.002)],
      ['gradient_cosine', column(() => 0.01 * normal())],
      ['second_moment_below_epsilon_fraction', column(() => 0)],
    ]),
);
const context = {
  parameterCounts: new Float64Array(LAYERS).fill(1e6),
  beta1: 0.9,
  beta2: 0.95,
  epsilon: 1e-8,
};

const detector = createRunDetector(LAYERS);
let step = 0;
function run(steps: number): void {
  for (const end = step + steps; step < end; step++) {
    const scalars = new Map([
      ['loss', 3 + 0.03 * normal()],
      ['learning_rate', 1e-3],
      ['gradient_norm', Math.exp(0.1 * normal())],
    ]);
    const layerMetrics = frames[step % FRAMES] ?? new Map<string, Float32Array>();
    observeStep(detector, { step, scalars, layerMetrics }, context);
  }
}

const [cpu] = cpus();
const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim();
console.log(`${cpu?.model.trim() ?? 'unknown CPU'}, ${cpus().length} logical cores, one used`);
console.log(`Node ${process.version}, commit ${commit}, ${LAYERS} layers, healthy, 8 metrics`);
run(WARM_UP_STEPS);
const rounds = Array.from({ length: ROUNDS }, () => {
  // CPU time: on a shared machine the clock on the wall measures the others.
  const before = process.cpuUsage();
  run(STEPS_A_ROUND);
  const { user, system } = process.cpuUsage(before);
  return ((user + system) * 1000) / STEPS_A_ROUND / LAYERS;
}).sort((a, b) => a - b);
const at = (share: number) => rounds[Math.round(share * (ROUNDS - 1))] ?? NaN;
console.log(
  `${at(0.5).toFixed(0)} ns a layer and step (quartiles ${at(0.25).toFixed(0)} to ${at(0.75).toFixed(0)}), ` +
    `${(at(0.5) / SERIES).toFixed(0)} ns a layer, series and step`,
);
console.log(`${(encodeDetector(detector).length / LAYERS).toFixed(0)} bytes of state a layer`);
