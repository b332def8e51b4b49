/**
 * What a hundred rules cost. Runs post at a steady rate, first without a rule and then with
 * them all; printed are the acknowledgements of both, and how soon after the acknowledgement of
 * the frame that trips a rule an open page hears of the incident, which is after its row is
 * committed. The bar for that is 1 s at the 95th percentile.
 *
 * Run: npm run bench -- alert-rules [--rules 100] [--runs 16] [--rate 10] [--layers 100] [--seconds 30]
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { io } from 'socket.io-client';
import type { AlertCondition } from '../lib/contract/alert-rules';
import { liveIncidentSchema } from '../lib/contract/incidents';
import {
  type BenchProduct,
  buildWorkers,
  startBenchProduct,
  startBenchServer,
} from './ingest/bench-product';
import { machineLine } from './shared/machine-line';
import { postJson } from './shared/post-json';
import { quantile } from './shared/quantiles';

const { values: options } = parseArgs({
  options: {
    rules: { type: 'string', default: '100' },
    runs: { type: 'string', default: '16' },
    rate: { type: 'string', default: '10' },
    layers: { type: 'string', default: '100' },
    seconds: { type: 'string', default: '30' },
  },
});
const ruleCount = Number(options.rules);
const runCount = Number(options.runs);
const rate = Number(options.rate);
const layerCount = Number(options.layers);
const seconds = Number(options.seconds);
const BAR_MS = 1_000;
/** A run trips its rules once in so many steps, each run on steps of its own. */
const TRIPS_EVERY = 40;
const SETTLE_MS = 5_000;

console.log(machineLine());

/** Of every kind that looks at steps; one in ten trips where the loss is high. */
function conditionOf(index: number): AlertCondition {
  const often = { openAfter: 1, closeAfter: 3 };
  const loss = { kind: 'threshold', metric: 'loss', side: 'above', ...often } as const;
  switch (index % 10) {
    case 0:
      return { ...loss, limit: 6 };
    case 1:
      return { kind: 'z_score', metric: 'loss', side: 'above', z: 1000, window: 128, ...often };
    case 2:
      return { ...loss, metric: 'gradient_norm', layers: '.', limit: 1e6 };
    case 3:
      return { kind: 'loss_spike', outlierBatches: false };
    case 4:
      return { kind: 'rms_spike', minimumLayers: layerCount + 1, closeAfter: 100 };
    case 5:
      return { kind: 'stage', stage: 'diverged', minimumLayers: 1, closeAfter: 20 };
    case 6:
      return { kind: 'non_finite', closeAfter: 100 };
    case 7:
      return { kind: 'no_data', minutes: 60 };
    default:
      return { ...loss, limit: 1e9 + index };
  }
}

const sum = (values: readonly number[]): number =>
  values.reduce((total, value) => total + value, 0);
const inMs = (values: readonly number[]): string =>
  [0.5, 0.95, 1].map((share) => `${quantile(values, share).toFixed(1)} ms`).join(', ');

const server = await startBenchServer();
let product: BenchProduct | null = null;
try {
  await buildWorkers();
  product = await startBenchProduct(server, 'alert_rules', null);
  const { url } = product;
  const post = (path: string, value: unknown) => postJson(url, path, value);
  const layers = Array.from({ length: layerCount }, (_, index) => ({
    ...{ name: `blocks.${index}`, parameterCount: 1000 },
  }));
  for (let run = 0; run < runCount; run++) {
    await post('/runs', {
      ...{ id: `run-${run}`, project: 'bench', optimizer: { name: 'adamw' }, layers },
    });
  }

  const acknowledgedMs = new Map<string, number>();
  const heardMs: number[] = [];
  const socket = io(`${url}/live`, { transports: ['websocket'] });
  socket.on('incident', (payload: unknown) => {
    const { change, incident } = liveIncidentSchema.parse(payload);
    const sent = acknowledgedMs.get(`${incident.runId}/${incident.openedStep ?? -1}`);
    if (change === 'opened' && sent !== undefined) heardMs.push(performance.now() - sent);
  });
  await new Promise<void>((resolve) => socket.once('connect', () => resolve()));

  /** Posts at the rate, one step a post; returns how long acknowledgements took. */
  async function load(firstStep: number): Promise<number[]> {
    const tookMs: number[] = [];
    const startMs = performance.now();
    const runs = Array.from({ length: runCount }, async (_, run) => {
      for (let index = 0; index < seconds * rate; index++) {
        const dueMs = startMs + ((index + run / runCount) * 1000) / rate;
        await sleep(Math.max(0, dueMs - performance.now()));
        const step = firstStep + index;
        const trips = (step + 7 * run) % TRIPS_EVERY === 0;
        const sentMs = performance.now();
        const gradients = Array<number>(layerCount).fill(1 + (step % 7) / 100);
        const loss = trips ? 7 : 2 + (step % 5) / 100;
        await post(`/runs/run-${run}/frames`, {
          frames: [{ step, loss, layers: { gradient_norm: gradients } }],
        });
        const nowMs = performance.now();
        tookMs.push(nowMs - sentMs);
        if (trips) acknowledgedMs.set(`run-${run}/${step}`, nowMs);
      }
    });
    await Promise.all(runs);
    return tookMs;
  }

  const without = await load(0);
  for (let index = 0; index < ruleCount; index++) {
    await post('/projects/bench/alert-rules', {
      ...{ name: `rule ${index}`, condition: conditionOf(index), notifyBrowsers: true },
    });
  }
  // Rules meet their runs: all of their first progress is written at once.
  await sleep(SETTLE_MS);
  acknowledgedMs.clear();
  const metrics = async (): Promise<number[]> => {
    const text = await (await fetch(`${url}/metrics`)).text();
    return ['seconds', 'turns', 'folded_steps', 'failures'].map((name) =>
      Number(new RegExp(`^spikescope_alerts_${name}_total (\\S+)$`, 'm').exec(text)?.[1]),
    );
  };
  const before = await metrics();
  const withRules = await load(seconds * rate);
  const tripping = Array.from({ length: ruleCount }, (_, index) => index % 10 === 0);
  const expected = acknowledgedMs.size * sum(tripping.map(Number));
  for (let tries = 0; heardMs.length < expected && tries < 200; tries++) await sleep(50);
  const after = await metrics();
  const [busySeconds = NaN, turns = NaN, folded = NaN, failures = NaN] = after.map(
    (value, index) => value - (before[index] ?? 0),
  );
  socket.close();
  console.log(
    `${runCount} runs × ${rate} steps/s, ${layerCount} layers, ${seconds} s; times are median, 95th percentile, longest`,
  );
  console.log(`acknowledged without rules: ${inMs(without)}`);
  console.log(`acknowledged with ${ruleCount} rules: ${inMs(withRules)}`);
  console.log(
    `acknowledged to heard: ${inMs(heardMs)} (bar ${BAR_MS} ms), ${heardMs.length} of ${expected} incidents`,
  );
  console.log(
    `thread: ${turns} turns, ${((1000 * busySeconds) / turns).toFixed(1)} ms each, ${((100 * busySeconds) / seconds).toFixed(0)} % busy, ${folded} steps folded, ${failures} failures`,
  );
  if (!(quantile(heardMs, 0.95) <= BAR_MS) || heardMs.length < expected) process.exitCode = 1;
} finally {
  await product?.stop();
  await server.stop();
}
