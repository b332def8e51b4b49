/**
 * Milliseconds of the reads behind the screens: over HTTP in front of the bundled product,
 * on one kept-alive connection, and beside it in this process. In the same run what the
 * machine itself takes for the same bytes. The runs are live: their last steps are hot.
 * Each read is made for three seconds before it is measured.
 *
 * Run: npm run bench -- reads [--repeats 200] [--only TEXT] [--in-process]
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { parseArgs } from 'node:util';
import {
  distributionsQuerySchema,
  heatmapQuerySchema,
  seriesQuerySchema,
  timelineQuerySchema,
} from '../lib/contract/reads';
import { readAdvice } from '../lib/query/read-advice';
import { readDistributions } from '../lib/query/read-distributions';
import { readHeatmap } from '../lib/query/read-heatmap';
import { readRun } from '../lib/query/read-run';
import { readSeries } from '../lib/query/read-series';
import { readTimeline } from '../lib/query/read-timeline';
import { type Database, openDatabase } from '../lib/store/database';
import { buildWorkers, startBenchProduct, startBenchServer } from './ingest/bench-product';
import { measureMemoryCopies } from './ingest/physical-limits';
import { HttpReader } from './reads/http-reader';
import { loadFindings } from './reads/load-findings';
import { loadLongRun, METRIC } from './reads/load-run';
import { loadWideRun } from './reads/load-wide-run';
import { machineLine } from './shared/machine-line';
import { type Quantiles, toQuantiles } from './shared/quantiles';

const { values: options } = parseArgs({
  options: {
    repeats: { type: 'string', default: '200' },
    only: { type: 'string', default: '' },
    /** Without the product in front: for a profiler. */
    'in-process': { type: 'boolean', default: false },
  },
});
const repeats = Number(options.repeats);
/**
 * Before each measurement: a server that people look at all day has compiled what it runs.
 * The first thousand reads of a fresh process take up to half as long again.
 */
const WARM_UP_MS = 3000;
const SAFETENSORS = 'application/vnd.safetensors';

const WIDE = { id: 'wide', layers: 1000, steps: 1000, metrics: 16 };
const LONG = { id: 'long', layerCount: 100, stepCount: 1_000_000, hasAllBlocks: true };
const BROAD = { id: 'broad', layerCount: 1000, stepCount: 100_000, hasAllBlocks: false };

interface Read {
  readonly name: string;
  readonly path: string;
  readonly accept: string;
  /** Milliseconds at the median; null where none is set. */
  readonly bar: number | null;
  readonly inProcess: (db: Database) => Promise<unknown>;
}

function heatmap(
  name: string,
  run: string,
  query: Record<string, string>,
  bar: number | null,
): Read {
  const parsed = heatmapQuerySchema.parse({ metric: METRIC, ...query });
  return {
    name,
    path: `/api/v1/runs/${run}/heatmap?${new URLSearchParams({ metric: METRIC, ...query }).toString()}`,
    accept: SAFETENSORS,
    bar,
    inProcess: (db) => readHeatmap(db, run, parsed),
  };
}

function series(
  name: string,
  run: string,
  query: Record<string, string>,
  bar: number | null,
): Read {
  const parsed = seriesQuerySchema.parse({ metric: METRIC, ...query });
  return {
    name,
    path: `/api/v1/runs/${run}/layers/50/series?${new URLSearchParams({ metric: METRIC, ...query }).toString()}`,
    accept: 'application/json',
    bar,
    inProcess: (db) => readSeries(db, run, 50, parsed),
  };
}

function timeline(
  name: string,
  run: string,
  query: Record<string, string>,
  bar: number | null,
): Read {
  const asked = { series: 'loss,gradient_norm', ...query };
  const parsed = timelineQuerySchema.parse(asked);
  return {
    name,
    path: `/api/v1/runs/${run}/timeline?${new URLSearchParams(asked).toString()}`,
    accept: 'application/json',
    bar,
    inProcess: (db) => readTimeline(db, run, parsed),
  };
}

function distributions(name: string, query: Record<string, string>, bar: number | null): Read {
  const parsed = distributionsQuerySchema.parse(query);
  return {
    name,
    path: `/api/v1/runs/${WIDE.id}/layers/500/distributions?${new URLSearchParams(query).toString()}`,
    accept: 'application/json',
    bar,
    inProcess: (db) => readDistributions(db, WIDE.id, 500, parsed),
  };
}

const MIDDLE = { fromStep: '400123', toStep: '440122' };
const READS: readonly Read[] = [
  heatmap('heatmap, 1,000 layers × 1,000 steps', WIDE.id, {}, 15),
  heatmap('heatmap, 100 layers × 1,000,000 steps', LONG.id, {}, 25),
  heatmap('heatmap, the same, mean', LONG.id, { reduce: 'mean' }, null),
  heatmap('heatmap, 100 layers × 40,000 steps of them', LONG.id, MIDDLE, null),
  heatmap(
    'heatmap, 100 layers × 1,000 steps of them',
    LONG.id,
    { fromStep: '500100', toStep: '501099' },
    null,
  ),
  heatmap('heatmap, 1,000 layers × 100,000 steps', BROAD.id, {}, null),
  series('series of a layer, 1,000,000 steps', LONG.id, {}, 3),
  series('series of a layer, 40,000 steps of them', LONG.id, MIDDLE, null),
  series('series of a layer, 1,000 steps', WIDE.id, {}, null),
  timeline('timeline, 1,000,000 steps', LONG.id, {}, 10),
  timeline('timeline, 40,000 steps of them', LONG.id, MIDDLE, null),
  timeline('timeline, 1,000 steps', WIDE.id, {}, null),
  distributions('distributions of a layer at a step', { step: '777' }, 3),
  distributions('distributions of a layer, 100 steps', { limit: '100' }, null),
  distributions(
    'distributions of a layer, sums of all steps',
    { reduce: 'sum', limit: '100' },
    null,
  ),
  {
    name: 'advice, 1,000 layers and 413 spikes',
    path: `/api/v1/runs/${WIDE.id}/advice`,
    accept: 'application/json',
    bar: null,
    inProcess: (db) => readAdvice(db, WIDE.id, null),
  },
  {
    name: 'the run, 1,000 layers',
    path: `/api/v1/runs/${WIDE.id}`,
    accept: 'application/json',
    bar: null,
    inProcess: (db) => readRun(db, WIDE.id),
  },
];

async function warmUp(read: () => Promise<unknown>): Promise<void> {
  for (const startMs = performance.now(); performance.now() - startMs < WARM_UP_MS;) await read();
}

async function measure(read: () => Promise<unknown>): Promise<Quantiles> {
  const times: number[] = [];
  for (let repeat = 0; repeat < repeats; repeat++) {
    const startMs = performance.now();
    await read();
    times.push(performance.now() - startMs);
  }
  return toQuantiles(times);
}

/** A server that answers with as many bytes and does nothing else. */
async function measureLoopback(byteLength: number): Promise<Quantiles> {
  const body = Buffer.alloc(byteLength, 7);
  const server = createServer((_, response) => {
    response.writeHead(200, { 'Content-Length': byteLength });
    response.end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const reader = new HttpReader(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  await warmUp(() => reader.get('/'));
  const times = await measure(() => reader.get('/'));
  reader.close();
  server.close();
  return times;
}

function describe({ p50, p95, lowest }: Quantiles): string {
  return `p50 ${p50.toFixed(1).padStart(5)} ms (lowest ${lowest.toFixed(1)}, p95 ${p95.toFixed(1)})`;
}

console.log(machineLine());
const chosen = READS.filter(
  ({ name, path }) => name.includes(options.only) || path.includes(options.only),
);
const server = await startBenchServer();
try {
  await buildWorkers();
  const product = await startBenchProduct(server, 'reads', null);
  const db = openDatabase({ url: product.databaseUrl, maxConnections: 4 });
  const startMs = performance.now();
  const asked = (id: string): boolean => chosen.some(({ path }) => path.includes(`/runs/${id}`));
  if (asked(WIDE.id)) {
    await loadWideRun(db, product.databaseUrl, WIDE);
    await loadFindings(db, WIDE);
  }
  for (const run of [LONG, BROAD]) {
    if (asked(run.id)) await loadLongRun(db, product.databaseUrl, run);
  }
  await db.pool.query('VACUUM ANALYZE');
  await db.pool.query('CHECKPOINT');
  console.log(`runs loaded in ${((performance.now() - startMs) / 1000).toFixed(0)} s`);
  const reader = new HttpReader(product.url);
  for (const { name, path, accept, bar, inProcess } of chosen) {
    let bytes = 0;
    const ask = async (): Promise<void> => {
      bytes = await reader.get(path, accept);
    };
    if (!options['in-process']) await warmUp(ask);
    const overHttp = options['in-process'] ? null : await measure(ask);
    await warmUp(() => inProcess(db));
    const usedBefore = process.cpuUsage();
    const inside = await measure(() => inProcess(db));
    const used = process.cpuUsage(usedBefore);
    const limit = bar === null ? '' : `, bar ${bar} ms`;
    console.log(name);
    if (overHttp !== null) {
      console.log(
        `    over HTTP       ${describe(overHttp)}${limit}, ${(bytes / 1e6).toFixed(2)} MB`,
      );
    }
    const coreMs = (used.user + used.system) / 1000 / repeats;
    console.log(`    in process      ${describe(inside)}, ${coreMs.toFixed(1)} ms of a core each`);
    if (bytes > 1e6) console.log(`    loopback alone  ${describe(await measureLoopback(bytes))}`);
  }
  reader.close();
  console.log(`memory copies  ${(measureMemoryCopies(2) / 1e9).toFixed(1)} GB/s`);
  await db.close();
  await product.stop();
} finally {
  await server.stop();
}
