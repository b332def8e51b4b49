/**
 * Coordinates (g, m, v) a second of every statistics backend that this machine has, beside
 * the single pass of lib/stats in the same run. Run: npm run bench -- accelerator
 *
 *   --layers N --samples N --seconds N   the size of a frame, and how long each is measured
 *   --swiftshader                        WebGPU on the browser's software device
 */
import { execFileSync } from 'node:child_process';
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { type FrameStatisticsInput, computeFrameStatistics } from '../lib/stats/frame-statistics';
import { randomInput } from '../tests/workers/accelerator/sample-inputs';
import { findSwiftShader, useSwiftShader } from '../tests/workers/accelerator/find-swift-shader';
import { chooseBackend } from '../workers/accelerator/choose-backend';
import { createStatisticsClient } from '../workers/accelerator/statistics-client';
import { compareStatistics } from '../workers/accelerator/compare-statistics';
import type { StatisticsBackend } from '../workers/accelerator/statistics-backend';

const { values: options } = parseArgs({
  options: {
    layers: { type: 'string', default: '1000' },
    samples: { type: 'string', default: '4096' },
    seconds: { type: 'string', default: '10' },
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

/** Median, quartiles and number of the rates of whole frames, after as many unmeasured ones as warm it up. */
async function measure(name: string, compute: (input: FrameStatisticsInput) => unknown) {
  const rates: number[] = [];
  const startMs = performance.now();
  while (rates.length < 3 || performance.now() - startMs < 1.3 * measuredMs) {
    const frameMs = performance.now();
    await compute(input);
    const endMs = performance.now();
    // The first 0.3 of the time compile what is compiled when it is hot.
    if (endMs - startMs >= 0.3 * measuredMs) {
      rates.push((layerCount * sampleCount) / (endMs - frameMs) / 1000);
    }
  }
  rates.sort((a, b) => a - b);
  const at = (share: number) => rates[Math.round(share * (rates.length - 1))] ?? NaN;
  const spread = `quartiles ${at(0.25).toFixed(2)} to ${at(0.75).toFixed(2)}, ${rates.length} frames`;
  console.log(`${name.padEnd(12)} median ${at(0.5).toFixed(2)} M coordinates/s (${spread})`);
  return at(0.5);
}

async function measureBackend(backend: StatisticsBackend, singlePass: number): Promise<void> {
  const hostRowsBefore = backend.status().hostRowCount;
  const faults = compareStatistics(input, reference, await backend.compute(input));
  const hostRows = backend.status().hostRowCount - hostRowsBefore;
  const rate = await measure(backend.name, backend.compute);
  const agreement = faults.length === 0 ? 'agrees with it' : `${faults.length} numbers differ`;
  console.log(
    `${''.padEnd(12)} ${backend.device}: ${(rate / singlePass).toFixed(3)} of the single pass, ` +
      `${agreement}, ${hostRows} of ${layerCount} layers left to the host, ` +
      `${(backend.status().deviceBytes / 2 ** 20).toFixed(0)} MiB held on the device`,
  );
}

/** As ingest has it: the single pass in its thread, and how long the worker itself is held up. */
async function measureThread(): Promise<void> {
  const logger = { info: () => undefined, warn: console.warn };
  const client = createStatisticsClient({ choice: 'cpu', logger });
  await client.ready;
  const heldUpMs: number[] = [];
  await measure('in a thread', (frame) => {
    const startMs = performance.now();
    const computing = client.compute(frame);
    heldUpMs.push(performance.now() - startMs);
    return computing;
  });
  heldUpMs.sort((a, b) => a - b);
  const median = heldUpMs[heldUpMs.length >> 1] ?? NaN;
  console.log(`${''.padEnd(12)} the worker itself is held up ${median.toFixed(2)} ms a frame`);
  await client.close();
}

const singlePass = await measure('single pass', computeFrameStatistics);
await measureThread();
for (const choice of ['tensorflow', 'webgpu'] as const) {
  const { backend, passedOver } = await chooseBackend(choice);
  for (const { name, reason } of passedOver) console.log(`${name.padEnd(12)} ${reason}`);
  if (backend.name === choice) await measureBackend(backend, singlePass);
  backend.dispose();
}
