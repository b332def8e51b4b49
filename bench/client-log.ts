/**
 * How long the TypeScript client's log() holds a training loop up:
 *
 *   npx tsx bench/client-log.ts [--away] [--calls 5000] [--per-second 200]
 *
 * Each call passes 16 metrics of 1,000 layers and 4 scalars. The server is one in this process
 * that answers at once, or, with --away, none at all: then everything goes to disk. `turn` is how
 * late a timer of the loop comes, which is what sending and reading the disk cost it.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { createClient } from '../clients/typescript/create-client';
import { machineLine } from './shared/machine-line';
import { quantile } from './shared/quantiles';

const LAYERS = 1000;
const METRICS = 16;
/** The first calls are the compiler's. */
const WARM_UP = 200;

const { values: options } = parseArgs({
  options: {
    away: { type: 'boolean', default: false },
    calls: { type: 'string', default: '5000' },
    'per-second': { type: 'string', default: '200' },
  },
});

const server = createServer((request, response) => {
  request.resume().on('end', () => {
    const isRun = request.url === '/api/v1/runs';
    const opened = { id: 'bench', attempt: 1, nextStep: 0, url: 'http://bench' };
    const stored = { accepted: 1, duplicates: 0, rejected: [], events: [] };
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify(isRun ? opened : stored));
  });
});
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
const address = server.address();
const port = typeof address === 'object' && address !== null ? address.port : 0;
const directory = mkdtempSync(join(tmpdir(), 'spikescope-bench-'));
const run = createClient({
  url: options.away ? 'http://127.0.0.1:9' : `http://127.0.0.1:${port}`,
  directory,
}).startRun({
  project: 'bench',
  id: 'bench',
  optimizer: { name: 'adamw' },
  layers: Array.from({ length: LAYERS }, (_, index) => ({ name: `h.${index}`, parameterCount: 1 })),
});

const layers = Object.fromEntries(
  Array.from({ length: METRICS }, (_, index) => [
    `metric_${index}`,
    Float32Array.from({ length: LAYERS }, () => Math.random()),
  ]),
);
const callMs: number[] = [];
const lateMs: number[] = [];
const intervalMs = 1000 / Number(options['per-second']);
const startMs = performance.now();
for (let step = 0; step < Number(options.calls) + WARM_UP; step++) {
  const dueMs = startMs + step * intervalMs;
  await setTimeout(Math.max(0, dueMs - performance.now()));
  const beforeMs = performance.now();
  run.log({
    step,
    loss: 1,
    learningRate: 1e-3,
    gradientNorm: 2,
    scalars: { tokens: step },
    layers,
  });
  if (step < WARM_UP) continue;
  callMs.push(performance.now() - beforeMs);
  lateMs.push(Math.max(0, beforeMs - dueMs));
}
const { dropped, keptOnDisk } = run.counts;
const inMs = (values: readonly number[]) =>
  [0.5, 0.99, 1].map((q) => `${quantile(values, q).toFixed(3)} ms`).join(', ');
console.log(machineLine());
console.log(`log()  p50, p99, highest of ${callMs.length}: ${inMs(callMs)}`);
console.log(`turn   p50, p99, highest: ${inMs(lateMs)}`);
console.log(`${keptOnDisk} kept on disk, ${dropped} dropped`);
await run.finish('finished', options.away ? 0 : 15_000);
server.close();
server.closeAllConnections();
rmSync(directory, { recursive: true });
