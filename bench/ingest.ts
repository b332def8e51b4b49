/**
 * The whole way of a frame under load: a load generator in a process of its own posts
 * safetensors over HTTP to the front door; the bundled ingestion worker decodes, detects,
 * stores, compacts and publishes; PostgreSQL flushes every commit. Prints datapoints
 * acknowledged a second, the time of an acknowledgement, what each part took of the
 * processors, bytes on disk, and beside them narrow rows and the machine's own limits.
 *
 * Run: npm run bench -- ingest [--seconds 60] [--layers 1000] [--runs 16] [--steps-per-post 8] [--only-paced] [--profile DIR] [--postgres name=value …]
 */
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import {
  type BenchProduct,
  type BenchServer,
  buildWorkers,
  startBenchProduct,
  startBenchServer,
} from './ingest/bench-product';
import type { LoadOrder, LoadResult } from './ingest/load';
import { measureNarrowRows } from './ingest/narrow-rows';
import {
  measureLoopback,
  measureMemoryCopies,
  measureSyncedWrites,
  runLoad,
  startHelper,
} from './ingest/physical-limits';
import {
  type ProcessTimes,
  describeTimes,
  readMachineTimes,
  readProcessTimes,
} from './ingest/process-times';
import { readConnections, readStoredCounts, reconcile } from './ingest/stored-counts';
import { machineLine } from './shared/machine-line';
import { postJson } from './shared/post-json';
import type { Quantiles } from './shared/quantiles';

const { values: options } = parseArgs({
  options: {
    seconds: { type: 'string', default: '60' },
    layers: { type: 'string' },
    runs: { type: 'string' },
    'steps-per-post': { type: 'string' },
    'only-paced': { type: 'boolean', default: false },
    /** A folder for the workers' processor profiles. */
    profile: { type: 'string' },
    /** A setting of PostgreSQL to try, laid over ours. */
    postgres: { type: 'string', multiple: true, default: [] },
  },
});
const profileDirectory = options.profile ?? null;
const METRICS = 16;
const seconds = Number(options.seconds);

interface Scenario {
  readonly layers: number;
  readonly runs: number;
  /** A job that keeps up posts each step; a client that is behind posts what has waited. */
  readonly stepsPerPost: number;
}

/** What a layer count, a run count or a number of steps does not narrow down. */
const SCENARIOS: readonly Scenario[] = [
  { layers: 1000, runs: 16, stepsPerPost: 8 },
  { layers: 1000, runs: 16, stepsPerPost: 1 },
  { layers: 1000, runs: 1, stepsPerPost: 8 },
  { layers: 1000, runs: 100, stepsPerPost: 8 },
  { layers: 100, runs: 16, stepsPerPost: 8 },
  { layers: 100, runs: 1, stepsPerPost: 8 },
  { layers: 100, runs: 100, stepsPerPost: 8 },
];
const matches = (option: string | undefined, value: number): boolean =>
  option === undefined || Number(option) === value;
const scenarios = SCENARIOS.filter(
  ({ layers, runs, stepsPerPost }) =>
    matches(options.layers, layers) &&
    matches(options.runs, runs) &&
    matches(options['steps-per-post'], stepsPerPost),
);
/** Posts under way over all runs: enough for group commit, and what a front door of a team sees. */
const IN_FLIGHT = 16;
const PACED_PER_SECOND = 100;
/** A worker that has just been started compiles its code first. */
const WARM_UP_SECONDS = Math.min(5, seconds / 4);
/** Yardsticks are steady within seconds. */
const LIMIT_SECONDS = Math.min(5, seconds);
const NARROW_SECONDS = Math.min(20, seconds);
/** How long compaction may take to come to the end of what was posted. */
const CATCH_UP_MS = 120_000;

const millions = (perSecond: number): string => `${(perSecond / 1e6).toFixed(2)} M datapoints/s`;
const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(bytes < 1e7 ? 2 : 0)} MB`;
const describe = ({ p50, p95, p99, highest }: Quantiles): string =>
  `p50 ${p50.toFixed(1)} · p95 ${p95.toFixed(1)} · p99 ${p99.toFixed(1)} · highest ${highest.toFixed(0)} ms`;

async function createRuns(url: string, count: number, layers: number): Promise<string[]> {
  const ids = Array.from({ length: count }, (_, index) => `run-${index}`);
  for (const id of ids) {
    await postJson(url, '/runs', {
      id,
      project: 'bench',
      optimizer: { name: 'adamw', beta1: 0.9, beta2: 0.95, epsilon: 1e-8 },
      layers: Array.from({ length: layers }, (_, index) => ({
        name: `layer.${index}`,
        parameterCount: 1_000_000,
      })),
    });
  }
  return ids;
}

const sumOf = (times: ProcessTimes): number =>
  Array.from(times.values()).reduce((sum, seconds) => sum + seconds, 0);

interface Measured {
  readonly result: LoadResult;
  readonly times: string;
}

async function measureLoad(
  server: BenchServer,
  product: BenchProduct,
  order: Omit<LoadOrder, 'url'>,
): Promise<Measured> {
  const generator = startHelper('load-generator');
  const connections = await readConnections(product.databaseUrl);
  const parts = {
    nodes: { ...product.pids, generator: generator.pid ?? 0, bench: process.pid },
    postgres: server.postgres.pid,
    connections,
  };
  const before = readProcessTimes(parts);
  const machineBefore = readMachineTimes();
  const startMs = performance.now();
  const halfTime = setTimeout(
    () => {
      void readConnections(product.databaseUrl).then((found) => {
        for (const [pid, name] of found) connections.set(pid, name);
      });
    },
    (order.seconds * 1000) / 2,
  );
  const result = await runLoad({ ...order, url: product.url }, generator);
  clearTimeout(halfTime);
  const after = readProcessTimes(parts);
  const elapsed = (performance.now() - startMs) / 1000;
  const steps = result.acknowledgedSteps.reduce((sum, count) => sum + count, 0);
  const machine = readMachineTimes();
  const ours = sumOf(after) - sumOf(before);
  const others = machine.busy - machineBefore.busy - ours;
  const share = (seconds: number): string => (seconds / elapsed).toFixed(2);
  const times = `${describeTimes(before, after, steps)}; of ${cpus().length} processors ${share(ours)} ours, ${share(others)} others, ${share(machine.waiting - machineBefore.waiting)} waiting for disks`;
  return { result, times };
}

/** Datapoints a second over the whole load, the last acknowledgement included. */
function rateOf({ acknowledgedSteps, elapsedMs }: LoadResult, layers: number): number {
  const steps = acknowledgedSteps.reduce((sum, count) => sum + count, 0);
  return (steps * layers * METRICS * 1000) / elapsedMs;
}

/** Ends the runs and waits until nothing is hot; milliseconds, or null where it never is. */
async function catchUp(
  { url, databaseUrl }: BenchProduct,
  runIds: readonly string[],
): Promise<number | null> {
  const startMs = performance.now();
  for (const id of runIds) {
    await fetch(`${url}/api/v1/runs/${id}/finish`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: '{"status":"finished"}',
    });
  }
  while (performance.now() - startMs < CATCH_UP_MS) {
    const { hotFrames } = await readStoredCounts(databaseUrl);
    if (hotFrames === 0) return performance.now() - startMs;
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
  return null;
}

/** Whether the detectors kept up, in the worker's own words. */
async function readDetection({ ingestUrl }: BenchProduct): Promise<string> {
  const metrics = await (await fetch(`${ingestUrl}/metrics`)).text();
  const read = (name: string): number =>
    Number(new RegExp(`^spikescope_ingest_${name} (\\S+)$`, 'm').exec(metrics)?.[1] ?? NaN);
  return `${read('detection_passed_gaps')} gaps passed over, ${read('detection_late_posts')} late posts, ${read('detection_failures')} failures`;
}

async function measureThroughput(
  server: BenchServer,
  { layers, runs, stepsPerPost }: Scenario,
): Promise<number> {
  console.log(
    `\n${layers} layers × ${METRICS} metrics, ${runs} runs, ${stepsPerPost} steps a post`,
  );
  const product = await startBenchProduct(
    server,
    `load_${layers}_${runs}_${stepsPerPost}`,
    profileDirectory,
  );
  try {
    const runIds = await createRuns(product.url, runs, layers);
    const inFlight = Math.max(1, Math.round(IN_FLIGHT / runs));
    const { result, times } = await measureLoad(server, product, {
      runIds,
      layers,
      metrics: METRICS,
      stepsPerPost,
      inFlight,
      seconds,
      warmUpSeconds: 0,
      postsPerSecond: null,
    });
    const rate = rateOf(result, layers);
    const bySecond = result.datapointsBySecond.slice(1, seconds).toSorted((a, b) => a - b);
    const steps = result.acknowledgedSteps.reduce((sum, count) => sum + count, 0);
    const datapoints = steps * layers * METRICS;
    console.log(
      `  acknowledged     ${millions(rate)} over ${(result.elapsedMs / 1000).toFixed(1)} s (seconds from ${millions(bySecond[0] ?? NaN)} to ${millions(bySecond.at(-1) ?? NaN)}); ${result.refusals} refusals`,
    );
    console.log(
      `  acknowledgement  ${describe(result.acknowledgement)} of a post of ${megabytes(result.postBytes)}`,
    );
    console.log(`  processors       ${times}`);
    const atEnd = await readStoredCounts(product.databaseUrl);
    const caughtUpMs = await catchUp(product, runIds);
    await reconcile(product.databaseUrl, runIds, result.acknowledgedSteps);
    const stored = await readStoredCounts(product.databaseUrl);
    console.log(
      `  reconciled       ${steps} steps acknowledged, ${stored.frames} frames and ${stored.steps} steps stored, each once`,
    );
    console.log(`  detection        ${await readDetection(product)}`);
    console.log(
      `  compaction       ${atEnd.hotFrames} hot frames at the end of the load (${((100 * atEnd.hotFrames) / steps).toFixed(1)} %); ${caughtUpMs === null ? `${stored.hotFrames} stay hot` : `none ${(caughtUpMs / 1000).toFixed(1)} s later`}`,
    );
    const perDatapoint = (bytes: number): string => (bytes / datapoints).toFixed(2);
    console.log(
      `  bytes/datapoint  ${perDatapoint(stored.sizeBytes)} (${stored.sizes
        .filter(([, bytes]) => bytes / datapoints >= 0.01)
        .map(([table, bytes]) => `${table} ${perDatapoint(bytes)}`)
        .join(' · ')})`,
    );
    return rate;
  } finally {
    await product.stop();
  }
}

async function measureAcknowledgement(
  server: BenchServer,
  layers: number,
  runs: number,
): Promise<void> {
  const product = await startBenchProduct(server, `paced_${layers}_${runs}`, profileDirectory);
  try {
    const runIds = await createRuns(product.url, runs, layers);
    const { result, times } = await measureLoad(server, product, {
      runIds,
      layers,
      metrics: METRICS,
      stepsPerPost: 1,
      inFlight: 1,
      seconds,
      warmUpSeconds: WARM_UP_SECONDS,
      postsPerSecond: PACED_PER_SECOND,
    });
    await reconcile(product.databaseUrl, runIds, result.acknowledgedSteps);
    console.log(
      `\n${layers} layers × ${METRICS} metrics, ${runs} runs, ${PACED_PER_SECOND} frames/s of one step each, from when due, after ${WARM_UP_SECONDS} s of them\n  acknowledgement  ${describe(result.acknowledgement)}; ${result.refusals} refusals\n  processors       ${times}`,
    );
  } finally {
    await product.stop();
  }
}

async function printLimits(
  directory: string,
  { layers, stepsPerPost }: Pick<Scenario, 'layers' | 'stepsPerPost'>,
): Promise<void> {
  const perDatapoint = 4;
  const synced = measureSyncedWrites(directory, LIMIT_SECONDS);
  const copies = measureMemoryCopies(LIMIT_SECONDS);
  const loopback = await measureLoopback({
    runIds: ['sink'],
    layers,
    metrics: METRICS,
    stepsPerPost,
    inFlight: IN_FLIGHT,
    seconds: LIMIT_SECONDS,
    warmUpSeconds: 0,
    postsPerSecond: null,
  });
  const line = (name: string, bytesPerSecond: number): string =>
    `  ${name.padEnd(16)} ${megabytes(bytesPerSecond)}/s, ${millions(bytesPerSecond / perDatapoint)} of 4 bytes`;
  console.log('\nlimits of this machine, in the same run');
  console.log(line('synced writes', synced));
  console.log(line('loopback HTTP', rateOf(loopback, layers) * perDatapoint));
  console.log(line('memory copies', copies));
}

console.log(machineLine());
await buildWorkers();
const server = await startBenchServer(
  Object.fromEntries(
    options.postgres.map((setting) => {
      const [name = '', ...value] = setting.split('=');
      return [name, value.join('=')];
    }),
  ),
);
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => void server.stop().finally(() => process.exit(1)));
}
try {
  const rates: [string, number][] = [];
  for (const scenario of options['only-paced'] ? [] : scenarios) {
    const { layers, runs, stepsPerPost } = scenario;
    const name = `${layers} layers, ${runs} runs, ${stepsPerPost} steps a post`;
    rates.push([name, await measureThroughput(server, scenario)]);
  }
  await measureAcknowledgement(server, 1000, 1);
  await measureAcknowledgement(server, 1000, 16);
  await server.admin('CREATE DATABASE narrow');
  const narrow = await measureNarrowRows(server.urlOf('narrow'), {
    layers: 1000,
    metrics: METRICS,
    seconds: NARROW_SECONDS,
  });
  console.log(`\nnarrow rows by COPY, nothing else running: ${millions(narrow)}`);
  for (const [name, rate] of rates) console.log(`  ${name}: ${(rate / narrow).toFixed(1)} ×`);
  await printLimits(server.directory, { layers: 1000, stepsPerPost: 8 });
} finally {
  await server.stop();
}
