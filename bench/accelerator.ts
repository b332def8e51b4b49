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
import {
  type FrameStatistics,
  type FrameStatisticsInput,
  computeFrameStatistics,
} from '../lib/stats/frame-statistics';
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
import {
  type StatisticsClient,
  createStatisticsClient,
} from '../workers/accelerator/statistics-client';
import { compareStatistics } from '../workers/accelerator/compare-statistics';
import type { BackendChoice, StatisticsBackend } from '../workers/accelerator/statistics-backend';

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
  return execFileSync('git', args, { encoding: 'utf8', stdio: 'pipe' }).trim();
}

/** A copy of the tree on a machine with a card need not have its history. */
function describeCommit(): string {
  try {
    const isChanged = git('status', '--porcelain', '--', 'lib/stats', 'workers/accelerator') !== '';
    return `commit ${git('rev-parse', '--short', 'HEAD')}${isChanged ? ' + changes' : ''}`;
  } catch {
    return 'commit unknown: no git history here';
  }
}

const [cpu] = cpus();
console.log(`${cpu?.model.trim() ?? 'unknown CPU'}, ${cpus().length} logical cores`);
console.log(`Node ${process.version}, ${describeCommit()}`);
console.log(`frames of ${layerCount} layers of ${sampleCount} coordinates\n`);

const input = randomInput(layerCount, sampleCount);
/** The first frame of a run, or one whose predecessor held other coordinates. */
const firstInput = { ...input, previousGradient: null };
const reference = computeFrameStatistics(input);
const firstReference = computeFrameStatistics(firstInput);
/** What a frame of samples asks for: of r all, of u the dip. */
const shapes = Array.from(reference.histograms, ([name, histogram]) => ({
  ...histogram,
  layerCount,
  measures: shapeMeasuresOf(name),
}));

interface Work {
  readonly kind: 'samples' | 'bins';
  readonly title: string;
  /** What a rate is of, and how many of those are in a frame. */
  readonly unit: string;
  readonly perFrame: number;
  readonly singlePass: () => unknown;
  readonly onBackend: (backend: StatisticsBackend) => Promise<unknown>;
  /** What differs from the single pass by more than is allowed. */
  readonly findFaults: (backend: StatisticsBackend) => Promise<readonly string[]>;
  readonly inThread: (client: StatisticsClient) => Promise<unknown>;
}

function workOnSamples(
  title: string,
  asked: FrameStatisticsInput,
  expected: FrameStatistics,
): Work {
  return {
    kind: 'samples',
    title,
    unit: 'M coordinates/s',
    perFrame: (layerCount * sampleCount) / 1e6,
    singlePass: () => computeFrameStatistics(asked),
    onBackend: (backend) => backend.compute(asked),
    findFaults: async (backend) => compareStatistics(asked, expected, await backend.compute(asked)),
    inThread: (client) => client.compute(asked),
  };
}

const allWork: readonly Work[] = [
  workOnSamples('samples (g, m, v)', firstInput, firstReference),
  workOnSamples('samples (g, m, v), with the gradient of the step before', input, reference),
  {
    kind: 'bins',
    title: 'bins of r and u',
    unit: 'k histograms/s',
    perFrame: (2 * layerCount) / 1e3,
    singlePass: () => shapes.map(computeHistogramShapes),
    async onBackend(backend) {
      for (const each of shapes) await backend.computeShapes(each);
    },
    async findFaults(backend) {
      const faults: string[] = [];
      for (const each of shapes) {
        faults.push(...compareShapes(each, await backend.computeShapes(each)));
      }
      return faults;
    },
    inThread: (client) => Promise.all(shapes.map((each) => client.computeShapes(each))),
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
  const faults = await work.findFaults(backend);
  const hostRows = backend.status().hostRowCount - hostRowsBefore;
  const rate = await measure(work, backend.name, () => work.onBackend(backend));
  const agreement = faults.length === 0 ? 'agrees with it' : `${faults.length} numbers differ`;
  console.log(
    `  ${''.padEnd(12)} ${backend.device}: ${(rate / singlePass).toPrecision(2)} of the single pass, ` +
      `${agreement}, ${hostRows} rows left to the host, ` +
      `${(backend.status().deviceBytes / 2 ** 20).toFixed(0)} MiB held on the device`,
  );
}

/** As ingest has it: a backend in its thread, and how long the worker itself is held up. */
async function measureThread(work: Work, choice: BackendChoice): Promise<void> {
  const logger = { info: () => undefined, warn: console.warn };
  const client = createStatisticsClient({ choice, logger });
  await client.ready;
  const heldUpMs: number[] = [];
  await measure(work, 'in a thread', () => {
    const startMs = performance.now();
    const computing = work.inThread(client);
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
  console.log(work.title);
  singlePasses.set(work, await measure(work, 'single pass', work.singlePass));
  await measureThread(work, 'cpu');
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
    for (const [work, singlePass] of singlePasses) {
      console.log(work.title);
      await measureBackend(work, backend, singlePass);
      if (work.kind === 'samples') await measureThread(work, name);
    }
    const { shapes: choice } = await chooseShapes(backend);
    console.log(`  ${''.padEnd(12)} histograms go to ${choice.backend}: ${choice.reason}`);
  }
  backend.dispose();
}
