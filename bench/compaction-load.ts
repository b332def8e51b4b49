/**
 * Frames written and compacted at once, as the ingestion worker does it: the rate that is
 * acknowledged, how far compaction falls behind, how large the hot table grows, and the time
 * of one acknowledgement at 100 frames a second with and without compaction beside it.
 * On an embedded server of its own with fsync on. Run: npm run bench -- compaction-load [seconds] [frames a second]
 *
 * Whether vacuum keeps up is seen over ten minutes, in a line a minute: how large the hot
 * table's file is beside what is hot, and how often it was vacuumed. A file that goes on
 * growing after the first minutes would be a setting that is wrong
 * (prisma/migrations/20260106000003_vacuum). Run: npm run bench -- compaction-load 600
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Database } from '../lib/store/database';
import type { FrameWriter } from '../lib/store/writing/frame-writer';
import {
  type CompactionClient,
  createCompactionClient,
} from '../workers/compaction/compaction-client';
import { createRuns, withBenchStore } from './shared/bench-store';
import { machineLine } from './shared/machine-line';
import { measurePacedLatencies } from './shared/paced-latencies';
import { quantile } from './shared/quantiles';
import { randomFrames } from './shared/random-frames';
import { logger } from './shared/store-logger';

const LAYERS = 1000;
const METRICS = 16;
const DATAPOINTS = LAYERS * METRICS;
const RUNS = 8;
const PACED_FRAMES_PER_SECOND = 100;
const LINE_MS = 60_000;

const seconds = Number(process.argv[2] ?? 60);
/** Of all runs together; without it as fast as it goes. */
const framesPerSecond = Number(process.argv[3] ?? Infinity);

const frameOf = randomFrames(LAYERS, METRICS);

async function post(
  writer: FrameWriter,
  compaction: CompactionClient | null,
  runKey: string,
  step: number,
): Promise<void> {
  const id = { runKey, attempt: 1 };
  const [outcome] = await writer.write([{ ...id, layerOffset: 0, frame: frameOf(step) }]);
  if (outcome !== 'stored') throw new Error(`not stored: ${String(outcome)}`);
  compaction?.noteStored(id, [{ step, sizeBytes: DATAPOINTS * 4 }]);
}

interface HotTable {
  readonly sizeBytes: number;
  readonly deadRows: number;
  readonly vacuums: number;
}

/** Its file and what of it lies out of line; vacuums of both. */
async function measureHotTable(db: Database): Promise<HotTable> {
  const { rows } = await db.pool.query<{ bytes: string; dead: string; vacuums: string }>(
    `SELECT pg_total_relation_size('hot_frame') AS bytes, sum(n_dead_tup) AS dead,
       sum(autovacuum_count) AS vacuums
     FROM pg_stat_all_tables JOIN pg_class AS hot ON hot.oid = 'hot_frame'::regclass
     WHERE relid IN (hot.oid, hot.reltoastrelid)`,
  );
  return {
    sizeBytes: Number(rows[0]?.bytes ?? 0),
    deadRows: Number(rows[0]?.dead ?? 0),
    vacuums: Number(rows[0]?.vacuums ?? 0),
  };
}

const megabytes = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(0)} MB`;

async function measureLoad(
  db: Database,
  writer: FrameWriter,
  compaction: CompactionClient,
): Promise<void> {
  const runKeys = await createRuns(db, 'load', { count: RUNS, layers: LAYERS });
  const start = performance.now();
  const before = compaction.status();
  const end = start + seconds * 1000;
  let acknowledged = 0;
  const sizes: number[] = [];
  const lags: number[] = [];
  const watching = (async () => {
    for (let nextLineMs = start + LINE_MS; performance.now() < end;) {
      const table = await measureHotTable(db);
      sizes.push(table.sizeBytes);
      lags.push(compaction.status().hotBytes);
      if (performance.now() >= nextLineMs) {
        const minute = Math.round((nextLineMs - start) / LINE_MS);
        console.log(
          `minute ${minute}: table ${megabytes(table.sizeBytes)} with ${megabytes(lags.at(-1) ?? 0)} hot, ${table.deadRows} dead rows, ${table.vacuums} vacuums so far`,
        );
        nextLineMs += LINE_MS;
      }
      await delay(1000);
    }
  })();
  await Promise.all(
    runKeys.flatMap((runKey) => {
      let nextStep = 0;
      return Array.from({ length: 4 }, async () => {
        while (performance.now() < end) {
          const due = start + ((acknowledged + 1) * 1000) / framesPerSecond;
          if (due > performance.now()) await delay(due - performance.now());
          await post(writer, compaction, runKey, nextStep++);
          acknowledged++;
        }
      });
    }),
  );
  await watching;
  const { failures, ...after } = compaction.status();
  const compactedRows = after.compactedRows - before.compactedRows;
  const busySeconds = after.busySeconds - before.busySeconds;
  const rate = (frames: number): string => ((frames * DATAPOINTS) / seconds / 1e6).toFixed(1);
  console.log(
    `${seconds} s of load: ${rate(acknowledged)} M datapoints/s acknowledged, ${rate(compactedRows)} compacted, the thread ${((busySeconds / seconds) * 100).toFixed(0)} % of the time at work, ${failures} failures`,
  );
  console.log(
    `hot frames: median ${megabytes(quantile(lags, 0.5))}, most ${megabytes(quantile(lags, 1))}; table ${megabytes(quantile(sizes, 0.5))}, most ${megabytes(quantile(sizes, 1))}${growthOf(sizes)}`,
  );
  const drainedAt = performance.now();
  while (compaction.status().waitingAttempts > 0) await delay(50);
  console.log(`behind by ${((performance.now() - drainedAt) / 1000).toFixed(1)} s at the end`);
}

/** What the second half of a long load grew to beyond the first: nothing, where vacuum keeps up. */
function growthOf(sizes: readonly number[]): string {
  if (seconds < 2 * 60) return '';
  const middle = sizes.length >> 1;
  const [before, after] = [sizes.slice(0, middle), sizes.slice(middle)];
  const grown = quantile(after, 1) / quantile(before, 1) - 1;
  return `, ${(Math.max(0, grown) * 100).toFixed(0)} % more in the second half than in the first`;
}

async function measureLatency(
  db: Database,
  writer: FrameWriter,
  compaction: CompactionClient | null,
): Promise<void> {
  const name = compaction === null ? 'without compaction' : 'with compaction';
  const [runKey = ''] = await createRuns(db, name.replace(' ', '-'), { count: 1, layers: LAYERS });
  const latencies = await measurePacedLatencies((step) => post(writer, compaction, runKey, step), {
    rate: PACED_FRAMES_PER_SECOND,
    seconds: Math.min(20, seconds),
  });
  console.log(
    `acknowledgement at ${PACED_FRAMES_PER_SECOND} frames/s ${name}: p50 ${quantile(latencies, 0.5).toFixed(1)} ms, p95 ${quantile(latencies, 0.95).toFixed(1)} ms, highest ${quantile(latencies, 1).toFixed(0)} ms`,
  );
}

console.log(machineLine());
await withBenchStore(async ({ url, db, writer }) => {
  await measureLatency(db, writer, null);
  const compaction = createCompactionClient({ databaseUrl: url, logger });
  await compaction.ready;
  await measureLatency(db, writer, compaction);
  await measureLoad(db, writer, compaction);
  await compaction.close();
});
