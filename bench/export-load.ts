/**
 * Small reads and acknowledgements beside large exports, through the bundled product: first
 * with no export, then beside one in each format, then beside three at once. The reads are a
 * person's, one after the other; a job posts frames of 1,000 layers × 16 metrics all the while;
 * both are there in every phase, so the ratios to the first one are those of the exports alone.
 * Readers and job are processes of their own. An export that ends before its phase begins again.
 *
 * Run: npm run bench -- export-load [--seconds 20] [--steps 1000000] [--rate 20] [--only csv] [--profile DIR]
 */
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { openDatabase } from '../lib/store/database';
import type { Drained, DrainOrder } from './exports/drain';
import {
  type BenchProduct,
  buildWorkers,
  startBenchProduct,
  startBenchServer,
} from './ingest/bench-product';
import type { LoadResult } from './ingest/load';
import { runLoad, startHelper } from './ingest/physical-limits';
import { HttpReader } from './reads/http-reader';
import { loadLongRun, METRIC } from './reads/load-run';
import { loadWideRun } from './reads/load-wide-run';
import { machineLine } from './shared/machine-line';
import { postJson } from './shared/post-json';
import { type Quantiles, toQuantiles } from './shared/quantiles';

const { values: options } = parseArgs({
  options: {
    seconds: { type: 'string', default: '20' },
    steps: { type: 'string', default: '1000000' },
    /** Frames a second. */
    rate: { type: 'string', default: '20' },
    /** Only this phase, beside the one without exports. */
    only: { type: 'string', default: '' },
    /** A folder for the workers' processor profiles. */
    profile: { type: 'string' },
  },
});
const seconds = Number(options.seconds);
const WIDE = { id: 'wide', layers: 1000, steps: 200, metrics: 4 };
const LONG = { id: 'long', layerCount: 100, stepCount: Number(options.steps), hasAllBlocks: true };
const JOB = { id: 'job', layers: 1000, metrics: 16 };
/** Between a reply and the next question. */
const PAUSE_MS = 20;
/** A worker that has just been started compiles its code first. */
const WARM_UP_SECONDS = Math.min(3, seconds / 4);

const READS = {
  'series of a layer': `/api/v1/runs/${LONG.id}/layers/50/series?metric=${METRIC}`,
  'distributions at a step': `/api/v1/runs/${WIDE.id}/layers/500/distributions?step=77`,
  'the run': `/api/v1/runs/${LONG.id}`,
} as const;
type ReadName = keyof typeof READS;
const READ_NAMES: readonly ReadName[] = ['series of a layer', 'distributions at a step', 'the run'];

const exportOf = (format: string): string =>
  `/api/v1/runs/${LONG.id}/export?kind=layers&format=${format}`;
const PHASES = [
  { name: 'no export', formats: [] },
  { name: 'csv', formats: ['csv'] },
  { name: 'jsonl', formats: ['jsonl'] },
  { name: 'parquet', formats: ['parquet'] },
  { name: 'csv, jsonl and parquet', formats: ['csv', 'jsonl', 'parquet'] },
];

interface Measured {
  readonly reads: ReadonlyMap<ReadName, Quantiles>;
  readonly acknowledgement: Quantiles;
  readonly drained: Drained;
}

/** Asks in turn until `ended`. */
async function readInTurn(url: string, ended: () => boolean): Promise<Map<ReadName, number[]>> {
  const reader = new HttpReader(url);
  const tookMs = new Map<ReadName, number[]>(READ_NAMES.map((name) => [name, []]));
  const startMs = performance.now();
  while (!ended()) {
    for (const name of READ_NAMES) {
      const sentMs = performance.now();
      await reader.get(READS[name]);
      const nowMs = performance.now();
      if (nowMs - startMs >= WARM_UP_SECONDS * 1000) tookMs.get(name)?.push(nowMs - sentMs);
      await sleep(PAUSE_MS);
    }
  }
  reader.close();
  return tookMs;
}

async function measure(
  { url }: BenchProduct,
  formats: readonly string[],
  jobId: string,
): Promise<Measured> {
  const drain = startHelper('../exports/drain');
  const order: DrainOrder = { url, paths: formats.map(exportOf) };
  drain.send(order);
  let load: LoadResult | null = null;
  const loading = runLoad({
    ...{ url, runIds: [jobId], layers: JOB.layers, metrics: JOB.metrics, stepsPerPost: 1 },
    ...{ inFlight: 1, seconds, warmUpSeconds: WARM_UP_SECONDS },
    postsPerSecond: Number(options.rate),
  }).then((result) => {
    load = result;
    return result;
  });
  const [result, tookMs] = await Promise.all([loading, readInTurn(url, () => load !== null)]);
  const answer = once(drain, 'message');
  drain.send('stop');
  const [drained] = (await answer) as [Drained];
  return {
    reads: new Map(READ_NAMES.map((name) => [name, toQuantiles(tookMs.get(name) ?? [])])),
    acknowledgement: result.acknowledgement,
    drained,
  };
}

function line(name: string, now: Quantiles, alone: Quantiles | undefined): string {
  const beside =
    alone === undefined || alone === now
      ? ''
      : `; ${(now.p50 / alone.p50).toFixed(1)} × and ${(now.p95 / alone.p95).toFixed(1)} × without exports`;
  return `    ${name.padEnd(24)} p50 ${now.p50.toFixed(1).padStart(5)} ms, p95 ${now.p95.toFixed(1).padStart(5)} ms, highest ${now.highest.toFixed(0).padStart(4)} ms${beside}`;
}

console.log(machineLine());
await buildWorkers();
const server = await startBenchServer();
try {
  const product = await startBenchProduct(server, 'export_load', options.profile ?? null);
  const db = openDatabase({ url: product.databaseUrl, maxConnections: 4 });
  const startMs = performance.now();
  await loadWideRun(db, product.databaseUrl, WIDE);
  await loadLongRun(db, product.databaseUrl, LONG);
  await db.pool.query('VACUUM ANALYZE');
  await db.pool.query('CHECKPOINT');
  await db.close();
  console.log(`runs loaded in ${((performance.now() - startMs) / 1000).toFixed(0)} s`);
  console.log(
    `exports of ${LONG.layerCount} layers × ${LONG.stepCount} steps; a read every ${PAUSE_MS} ms, ${options.rate} frames/s of ${JOB.layers} layers × ${JOB.metrics} metrics beside; ${seconds} s each`,
  );
  let alone: Measured | null = null;
  for (const [index, { name, formats }] of PHASES.entries()) {
    if (formats.length > 0 && !name.includes(options.only)) continue;
    const jobId = `${JOB.id}-${index}`;
    await postJson(product.url, '/runs', {
      ...{ id: jobId, project: 'bench', optimizer: { name: 'adamw', beta1: 0.9, beta2: 0.95 } },
      layers: Array.from({ length: JOB.layers }, (_, layer) => ({
        ...{ name: `layer.${layer}`, parameterCount: 1_000_000 },
      })),
    });
    const measured = await measure(product, formats, jobId);
    alone ??= measured;
    const { bytes, files, refusals } = measured.drained;
    const rates = bytes.map(
      (count, at) => `${formats[at] ?? ''} ${(count / seconds / 1e6).toFixed(1)} MB/s`,
    );
    console.log(
      formats.length === 0
        ? name
        : `${name}: ${rates.join(', ')}; ${files} files whole, ${refusals} refused`,
    );
    for (const [read, times] of measured.reads)
      console.log(line(read, times, alone.reads.get(read)));
    console.log(line('acknowledgement', measured.acknowledgement, alone.acknowledgement));
  }
  await product.stop();
} finally {
  await server.stop();
}
