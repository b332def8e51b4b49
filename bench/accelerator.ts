/**
 * Coordinates (g, m, v) a second, and histograms a second, of every statistics backend that
 * this machine has, beside the single pass of lib/stats in the same run. A backend that it
 * has not, or that fails its self-test, says so. Run: npm run bench -- accelerator
 *
 *   --layers N --samples N --seconds N   the size of a frame, and how long each is measured
 *   --of samples|bins                    one of the two alone
 *   --swiftshader                        WebGPU on the browser's software device
 */
import { execFileSync } from 'node:child_process';
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { computeFrameStatistics } from '../lib/stats/frame-statistics';
import { computeHistogramShapes } from '../lib/stats/histogram-shapes';
import { shapeMeasuresOf } from '../lib/stats/shape-metrics';
import { randomInput } from '../tests/workers/accelerator/sample-inputs';
import { findSwiftShader, useSwiftShader } from '../tests/workers/accelerator/find-swift-shader';
import { chooseShapes } from '../workers/accelerator/choose-shapes';
import { compareShapes } from '../workers/accelerator/compare-shapes';
import { loadTensorflow } from '../workers/accelerator/load-tensorflow';
import { loadWebgpu } from '../workers/accelerator/load-webgpu';
import { findFault } from '../workers/accelerator/self-test';
import { createTensorBackend } from '../workers/accelerator/tensor-backend';
import { createStatisticsClient } from '../workers/accelerator/statistics-client';
import { compareStatistics } from '../workers/accelerator/compare-statistics';
import type { StatisticsBackend } from '../workers/accelerator/statistics-backend';

const { values: options } = parseArgs({
  options: {
    layers: { type: 'string', default: '1000' },
    samples: { type: 'string', default: '4096' },
    seconds: { type: 'string', default: '10' },
    of: { type: 'string' },
    swiftshader: { type: 'boolean', default: false },
  },
});
const layerCount = Number(options.layers);
const sampleCount = Number(options.samples);
const measuredMs = 1000 * Number(options.seconds);

if (options.swiftshader) {
  const folder = findSwiftShader();
  if (folder === null) throw new Error('no SwiftShader: install Debian’s chromium package');
  useSwiftShader(folder);
}

function git(...args: string[]): string {
  return execFileSync('git', args, { encoding: 'utf8' }).trim();
}

const [cpu] = cpus();
const isChanged = git('status', '--porcelain', '--', 'lib/stats', 'workers/accelerator') !== '';
console.log(`${cpu?.model.trim() ?? 'unknown CPU'}, ${cpus().length} logical cores`);
console.log(
  `Node ${process.version}, commit ${git('rev-parse', '--short', 'HEAD')}${isChanged ? ' + changes' : ''}`,
);
console.log(
  `frames of ${layerCount} layers of ${sampleCount} coordinates, each step's gradient compared with the one before\n`,
);

const input = randomInput(layerCount, sampleCount);
const reference = computeFrameStatistics(input);
/** What a frame of samples asks for: of r all, of u the dip. */
const shapes = Array.from(reference.histograms, ([name, histogram]) => ({
  ...histogram,
  layerCount,
  measures: shapeMeasuresOf(name),
}));

interface Work {
  readonly kind: 'samples' | 'bins';
  /** What a rate is of, and how many of those are in a frame. */
  readonly unit: string;
  readonly perFrame: number;
  readonly singlePass: () => unknown;
  readonly onBackend: (backend: StatisticsBackend) => Promise<readonly string[]>;
}

const allWork: readonly Work[] = [
  {
    kind: 'samples',
    unit: 'M coordinates/s',
    perFrame: (layerCount * sampleCount) / 1e6,
    singlePass: () => computeFrameStatistics(input),
    onBackend: async (backend) => compareStatistics(input, reference, await backend.compute(input)),
  },
  {
    kind: 'bins',
    unit: 'k histograms/s',
    perFrame: (2 * layerCount) / 1e3,
    singlePass: () => shapes.map(computeHistogramShapes),
    onBackend: async (backend) => {
      const faults: string[] = [];
      for (const each of shapes) {
        faults.push(...compareShapes(each, await backend.computeShapes(each)));
      }
      return faults;
    },
  },
];

/** Median, quartiles and number of the rates of whole frames, after as many unmeasured ones as warm it up. */
async function measure({ unit, perFrame }: Work, name: string, compute: () => unknown) {
  const rates: number[] = [];
  const startMs = performance.now();
  for (;;) {
    const frameMs = performance.now();
    await compute();
    const endMs = performance.now();
    const elapsedMs = endMs - startMs;
    // The first 0.3 of the time compile what is compiled when it is hot, the first frame does anyway.
    if (elapsedMs >= 0.3 * measuredMs && frameMs > startMs + 1) {
      rates.push((1e3 * perFrame) / (endMs - frameMs));
    }
    // Three frames at least, one where three take a device too long.
    const isEnough = rates.length >= (elapsedMs > 4 * measuredMs ? 1 : 3);
    if (isEnough && elapsedMs >= 1.3 * measuredMs) break;
  }
  rates.sort((a, b) => a - b);
  const at = (share: number) => rates[Math.round(share * (rates.length - 1))] ?? NaN;
  const text = (share: number) => at(share).toPrecision(3);
  const spread = `quartiles ${text(0.25)} to ${text(0.75)}, ${rates.length} frames`;
  console.log(`  ${name.padEnd(12)} median ${text(0.5)} ${unit} (${spread})`);
  return at(0.5);
}

async function measureBackend(work: Work, backend: StatisticsBackend, singlePass: number) {
  const hostRowsBefore = backend.status().hostRowCount;
  const faults = await work.onBackend(backend);
  const hostRows = backend.status().hostRowCount - hostRowsBefore;
  const compute =
    work.kind === 'samples'
      ? () => backend.compute(input)
      : async () => {
          for (const each of shapes) await backend.computeShapes(each);
        };
  const rate = await measure(work, backend.name, compute);
  const agreement = faults.length === 0 ? 'agrees with it' : `${faults.length} numbers differ`;
  console.log(
    `  ${''.padEnd(12)} ${backend.device}: ${(rate / singlePass).toPrecision(2)} of the single pass, ` +
      `${agreement}, ${hostRows} rows left to the host, ` +
      `${(backend.status().deviceBytes / 2 ** 20).toFixed(0)} MiB held on the device`,
  );
}

/** As ingest has it: the single pass in its thread, and how long the worker itself is held up. */
async function measureThread(work: Work): Promise<void> {
  const logger = { info: () => undefined, warn: console.warn };
  const client = createStatisticsClient({ choice: 'cpu', logger });
  await client.ready;
  const heldUpMs: number[] = [];
  const ask = (): Promise<unknown> =>
    work.kind === 'samples'
      ? client.compute(input)
      : Promise.all(shapes.map((each) => client.computeShapes(each)));
  await measure(work, 'in a thread', () => {
    const startMs = performance.now();
    const computing = ask();
    heldUpMs.push(performance.now() - startMs);
    return computing;
  });
  heldUpMs.sort((a, b) => a - b);
  const median = heldUpMs[heldUpMs.length >> 1] ?? NaN;
  const shapesToo = work.kind === 'samples' ? '; with the shapes of the histograms' : '';
  console.log(
    `  ${''.padEnd(12)} the worker itself is held up ${median.toFixed(2)} ms a frame${shapesToo}`,
  );
  await client.close();
}

const singlePasses = new Map<Work, number>();
for (const work of allWork.filter(({ kind }) => (options.of ?? kind) === kind)) {
  console.log(work.kind);
  singlePasses.set(work, await measure(work, 'single pass', work.singlePass));
  await measureThread(work);
}
// Each device as it is: not what the measurement at start makes of it for histograms.
for (const [name, load] of [
  ['tensorflow', () => loadTensorflow()],
  ['webgpu', loadWebgpu],
] as const) {
  let backend: StatisticsBackend;
  try {
    backend = createTensorBackend(await load());
  } catch (error) {
    const [reason] = String(error).split('\n');
    console.log(`${name} is not measured: ${reason ?? ''}`);
    continue;
  }
  const fault = await findFault(backend);
  if (fault !== null) console.log(`${name} on ${backend.device} failed its self-test: ${fault}`);
  else {
    console.log(`${name} on ${backend.device}`);
    for (const [work, singlePass] of singlePasses) await measureBackend(work, backend, singlePass);
    const { shapes: choice } = await chooseShapes(backend);
    console.log(`  ${''.padEnd(12)} histograms go to ${choice.backend}: ${choice.reason}`);
  }
  backend.dispose();
}
