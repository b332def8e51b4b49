/**
 * Datapoints a second through the frame writer, acknowledged after COMMIT, beside COPY of
 * narrow rows in the same run, and the time of one acknowledgement at 100 frames a second.
 * On an embedded server of its own with fsync on. Run: npx tsx bench/ingest-store.ts [seconds]
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { BinaryWriter } from '../lib/store/postgres/binary-writer';
import { CopyIn } from '../lib/store/postgres/copy-binary';
import { createRun } from '../lib/store/runs/create-run';
import { type Database, openDatabase } from '../lib/store/database';
import { createFrameWriter, type FrameWriter } from '../lib/store/writing/frame-writer';
import { applyMigrations } from '../lib/store/migrations/migrate';
import { uuidBytes } from '../lib/store/runs/run-key';
import { startEmbeddedPostgres } from '../workers/launcher/embedded-postgres';
import { machineLine } from './shared/machine-line';
import { quantile } from './shared/quantiles';
import { randomFrames } from './shared/random-frames';
import { seededRandom } from '../tests/seeded-random';
import { logger } from './shared/store-logger';

const LAYERS = 1000;
const METRICS = 16;
const DATAPOINTS = LAYERS * METRICS;
const RUNS = 8;
/** Posts that wait for their acknowledgement at a time, in each run: shards, or a client's queue. */
const IN_FLIGHT = 8;
/** Frames of narrow rows a transaction: as many datapoints as a batch of the writer holds at most. */
const NARROW_FRAMES = 32;
const PACED_FRAMES_PER_SECOND = 100;

const seconds = Number(process.argv[2] ?? 20);

const frameOf = randomFrames(LAYERS, METRICS);
const random = seededRandom(2);

/** "median (lowest … highest)" of the rates of each second. */
function describeRates(counts: readonly number[]): string {
  const [median, low, high] = [0.5, 0, 1].map((q) => (quantile(counts, q) / 1e6).toFixed(2));
  return `${median} M datapoints/s (${low} … ${high})`;
}

class PerSecond {
  readonly counts: number[] = [];
  readonly #start = performance.now();

  add(datapoints: number): void {
    const second = Math.floor((performance.now() - this.#start) / 1000);
    this.counts[second] = (this.counts[second] ?? 0) + datapoints;
  }

  /** Whole seconds only, without the first, in which caches and the log warm up. */
  get whole(): number[] {
    return Array.from(this.counts, (count) => count ?? 0).slice(1, Math.floor(seconds));
  }
}

async function createRuns(db: Database, prefix: string, count: number): Promise<string[]> {
  const layers = Array.from({ length: LAYERS }, (_, index) => ({
    name: `layer.${index}`,
    parameterCount: 1000,
  }));
  const runKeys: string[] = [];
  for (let index = 0; index < count; index++) {
    const run = await createRun(db, {
      project: 'bench',
      id: `${prefix}-${index}`,
      optimizer: { name: 'adamw' },
      layers,
    });
    runKeys.push(run.runKey);
  }
  return runKeys;
}

async function measureWriter(db: Database, writer: FrameWriter): Promise<number[]> {
  const runKeys = await createRuns(db, 'throughput', RUNS);
  const rate = new PerSecond();
  const end = performance.now() + seconds * 1000;
  let acknowledged = 0;
  await Promise.all(
    runKeys.flatMap((runKey) => {
      let nextStep = 0;
      return Array.from({ length: IN_FLIGHT }, async () => {
        while (performance.now() < end) {
          const frame = frameOf(nextStep++);
          const [outcome] = await writer.write([{ runKey, attempt: 1, layerOffset: 0, frame }]);
          if (outcome !== 'stored') throw new Error(`not stored: ${String(outcome)}`);
          acknowledged++;
          rate.add(DATAPOINTS);
        }
      });
    }),
  );
  const { rows } = await db.pool.query<{ frames: number; bytes: string }>(
    `SELECT (SELECT count(*)::int FROM hot_frame) AS frames,
       pg_total_relation_size('hot_frame') + pg_total_relation_size('frame') + pg_total_relation_size('step') AS bytes`,
  );
  const { frames = 0, bytes = '0' } = rows[0] ?? {};
  const { committedBatches } = writer.status();
  console.log(
    `acknowledged ${acknowledged} frames, stored ${frames}, ${(acknowledged / committedBatches).toFixed(1)} a transaction, ${(Number(bytes) / frames / DATAPOINTS).toFixed(2)} bytes a datapoint`,
  );
  if (frames !== acknowledged) throw new Error('what was acknowledged is not what is stored');
  return rate.whole;
}

async function measureNarrowRows(url: string, runKey: string): Promise<number[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query(
    `CREATE TABLE narrow (run uuid, step bigint, layer int, metric smallint, value real,
       PRIMARY KEY (run, step, layer, metric))`,
  );
  const runBytes = uuidBytes(runKey);
  const rate = new PerSecond();
  const end = performance.now() + seconds * 1000;
  for (let step = 0; performance.now() < end; step += NARROW_FRAMES) {
    const writer = new BinaryWriter(1 << 24);
    writer.copyHeader();
    for (let frame = 0; frame < NARROW_FRAMES; frame++) {
      for (let layer = 0; layer < LAYERS; layer++) {
        for (let metric = 0; metric < METRICS; metric++) {
          writer.row(5);
          writer.uuid(runBytes);
          writer.int8(step + frame);
          writer.int4(layer);
          writer.int2(metric);
          writer.float4(random());
        }
      }
    }
    writer.copyTrailer();
    await client.query(new CopyIn('narrow', writer.finish())).done;
    rate.add(NARROW_FRAMES * DATAPOINTS);
  }
  await client.end();
  // A transaction may take longer than a second: the mean says more than the seconds do.
  const total = rate.counts.reduce((sum, count) => sum + (count ?? 0), 0);
  return [total / seconds];
}

async function measureLatency(db: Database, writer: FrameWriter): Promise<number[]> {
  const [runKey = ''] = await createRuns(db, 'latency', 1);
  const latencies: number[] = [];
  const posts: Promise<void>[] = [];
  const start = performance.now();
  for (let step = 0; step < seconds * PACED_FRAMES_PER_SECOND; step++) {
    const due = start + (step * 1000) / PACED_FRAMES_PER_SECOND;
    await delay(Math.max(0, due - performance.now()));
    const frame = frameOf(step);
    // From when the frame was due: a post that starts late because of us has waited as well.
    posts.push(
      writer.write([{ runKey, attempt: 1, layerOffset: 0, frame }]).then(() => {
        latencies.push(performance.now() - due);
      }),
    );
  }
  await Promise.all(posts);
  return latencies;
}

console.log(machineLine());
console.log(
  `frames of ${LAYERS} layers × ${METRICS} metrics, ${RUNS} runs × ${IN_FLIGHT} posts in flight, ${seconds} s each`,
);
const dataDirectory = await mkdtemp(path.join(tmpdir(), 'spikescope-bench-'));
const server = await startEmbeddedPostgres({ dataDirectory, logger });
try {
  await applyMigrations({
    url: server.url,
    directory: fileURLToPath(new URL('../prisma/migrations', import.meta.url)),
  });
  const db = openDatabase({ url: server.url, maxConnections: 4 });
  const writer = createFrameWriter({ url: server.url, logger, maxQueuedBytes: 256 * 1024 * 1024 });
  const frames = await measureWriter(db, writer);
  console.log(`frame writer     ${describeRates(frames)}`);
  const [narrowRun = ''] = await createRuns(db, 'narrow', 1);
  const narrow = await measureNarrowRows(server.url, narrowRun);
  console.log(`narrow-row COPY  ${describeRates(narrow)}`);
  console.log(`ratio            ${(quantile(frames, 0.5) / quantile(narrow, 0.5)).toFixed(1)}`);
  const latencies = await measureLatency(db, writer);
  console.log(
    `acknowledgement at ${PACED_FRAMES_PER_SECOND} frames/s: p50 ${quantile(latencies, 0.5).toFixed(1)} ms, p95 ${quantile(latencies, 0.95).toFixed(1)} ms, highest ${quantile(latencies, 1).toFixed(1)} ms`,
  );
  await writer.close();
  await db.close();
} finally {
  await server.stop();
  await rm(dataDirectory, { recursive: true, force: true });
}
