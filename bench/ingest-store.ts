/**
 * Datapoints a second through the frame writer, acknowledged after COMMIT, beside COPY of
 * narrow rows in the same run, and the time of one acknowledgement at 100 frames a second.
 * On an embedded server of its own with fsync on. Run: npx tsx bench/ingest-store.ts [seconds]
 */
import type { Database } from '../lib/store/database';
import type { FrameWriter } from '../lib/store/writing/frame-writer';
import { measureNarrowRows } from './ingest/narrow-rows';
import { createRuns, withBenchStore } from './shared/bench-store';
import { machineLine } from './shared/machine-line';
import { measurePacedLatencies } from './shared/paced-latencies';
import { quantile } from './shared/quantiles';
import { randomFrames } from './shared/random-frames';

const LAYERS = 1000;
const METRICS = 16;
const DATAPOINTS = LAYERS * METRICS;
const RUNS = 8;
/** Posts that wait for their acknowledgement at a time, in each run: shards, or a client's queue. */
const IN_FLIGHT = 8;
const PACED_FRAMES_PER_SECOND = 100;

const seconds = Number(process.argv[2] ?? 20);

const frameOf = randomFrames(LAYERS, METRICS);

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

async function measureWriter(db: Database, writer: FrameWriter): Promise<number[]> {
  const runKeys = await createRuns(db, 'throughput', { count: RUNS, layers: LAYERS });
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

async function measureLatency(db: Database, writer: FrameWriter): Promise<number[]> {
  const [runKey = ''] = await createRuns(db, 'latency', { count: 1, layers: LAYERS });
  return measurePacedLatencies(
    (step) => writer.write([{ runKey, attempt: 1, layerOffset: 0, frame: frameOf(step) }]),
    { rate: PACED_FRAMES_PER_SECOND, seconds },
  );
}

console.log(machineLine());
console.log(
  `frames of ${LAYERS} layers × ${METRICS} metrics, ${RUNS} runs × ${IN_FLIGHT} posts in flight, ${seconds} s each`,
);
await withBenchStore(async ({ url, db, writer }) => {
  const frames = await measureWriter(db, writer);
  console.log(`frame writer     ${describeRates(frames)}`);
  // A transaction may take longer than a second: the mean says more than the seconds do.
  const narrow = await measureNarrowRows(url, { layers: LAYERS, metrics: METRICS, seconds });
  console.log(`narrow-row COPY  ${describeRates([narrow])}`);
  console.log(`ratio            ${(quantile(frames, 0.5) / narrow).toFixed(1)}`);
  const latencies = await measureLatency(db, writer);
  console.log(
    `acknowledgement at ${PACED_FRAMES_PER_SECOND} frames/s: p50 ${quantile(latencies, 0.5).toFixed(1)} ms, p95 ${quantile(latencies, 0.95).toFixed(1)} ms, highest ${quantile(latencies, 1).toFixed(1)} ms`,
  );
});
