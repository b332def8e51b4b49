/**
 * How many datapoints a second compaction moves from hot frames into blocks and rollups, with
 * one connection and nothing beside it, and what of a core it needs on both sides; then the
 * same of rounding all of it.
 * On an embedded server of its own with fsync on. Run: npm run bench -- compaction [steps]
 */
import { readFileSync } from 'node:fs';
import pg from 'pg';
import { BLOCK_STEPS } from '../lib/store/compaction/block-layout';
import { compactAttempt } from '../lib/store/compaction/compact-attempt';
import { roundAttempt } from '../lib/store/compaction/round-attempt';
import { createBuffers } from '../lib/store/compaction/write-blocks';
import { createRuns, withBenchStore } from './shared/bench-store';
import { machineLine } from './shared/machine-line';
import { randomFrames } from './shared/random-frames';

const LAYERS = 1000;
const METRICS = 16;
const DATAPOINTS = LAYERS * METRICS;
const FRAMES_A_POST = 16;

const steps = Number(process.argv[2] ?? 4200);

const frameOf = randomFrames(LAYERS, METRICS);

/** Seconds of a core that a process has used; Linux alone says so, NaN elsewhere. */
function cpuSecondsOf(pid: number): number {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
    return (Number(fields[11]) + Number(fields[12])) / 100;
  } catch {
    return NaN;
  }
}

const megabytes = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(0)} MB`;

/** Rounds everything that is in blocks, as if it were old. */
async function measureRounding(client: pg.Client, runKey: string): Promise<void> {
  const startedAt = performance.now();
  const unitMs: number[] = [];
  let blocks = 0;
  let rollups = 0;
  for (let hasMore = true; hasMore;) {
    const unitAt = performance.now();
    const unit = await roundAttempt(
      client,
      { runKey, attempt: 1 },
      { receivedBefore: new Date(Date.now() + 86_400_000) },
    );
    unitMs.push(performance.now() - unitAt);
    ({ hasMore } = unit);
    blocks += unit.blocks;
    rollups += unit.rollups;
  }
  const seconds = (performance.now() - startedAt) / 1000;
  const sorted = unitMs.toSorted((a, b) => a - b);
  const datapoints = blocks * LAYERS * BLOCK_STEPS;
  console.log(
    `rounding: ${(datapoints / seconds / 1e6).toFixed(1)} M datapoints/s, ${blocks} blocks and ${rollups} rollup rows in ${seconds.toFixed(1)} s; a unit: median ${(sorted[Math.floor(sorted.length / 2)] ?? 0).toFixed(0)} ms, longest ${(sorted.at(-1) ?? 0).toFixed(0)} ms`,
  );
}

console.log(machineLine());
await withBenchStore(async ({ url, db, writer }) => {
  const [runKey = ''] = await createRuns(db, 'compaction', { count: 1, layers: LAYERS });
  for (let step = 0; step < steps; step += FRAMES_A_POST) {
    const frames = Array.from({ length: FRAMES_A_POST }, (_, index) => frameOf(step + index));
    const outcomes = await writer.write(
      frames.map((frame) => ({ runKey, attempt: 1, layerOffset: 0, frame })),
    );
    const refused = outcomes.find((outcome) => outcome !== 'stored');
    if (refused !== undefined) throw new Error(`not stored: ${String(refused)}`);
  }

  const client = new pg.Client({ connectionString: url });
  await client.connect();
  const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
  const backend = rows[0]?.pid ?? 0;
  const buffers = createBuffers();
  const before = { backend: cpuSecondsOf(backend), node: process.cpuUsage() };
  const startedAt = performance.now();
  let hotRows = 0;
  let blocks = 0;
  let rollups = 0;
  const unitMs: number[] = [];
  for (let hasMore = true; hasMore;) {
    const unitAt = performance.now();
    const unit = await compactAttempt(
      client,
      { runKey, attempt: 1 },
      { includesLate: false, buffers },
    );
    unitMs.push(performance.now() - unitAt);
    ({ hasMore } = unit);
    hotRows += unit.hotRows;
    blocks += unit.blocks;
    rollups += unit.rollups;
  }
  const seconds = (performance.now() - startedAt) / 1000;
  const node = process.cpuUsage(before.node);
  const cost = (used: number): string =>
    `${((used / hotRows / DATAPOINTS) * 1e9).toFixed(0)} ns a datapoint (${((used / seconds) * 100).toFixed(0)} % of a core)`;
  const sorted = unitMs.toSorted((a, b) => a - b);
  console.log(
    `${((hotRows * DATAPOINTS) / seconds / 1e6).toFixed(1)} M datapoints/s: ${hotRows} frames into ${blocks} blocks and ${rollups} rollup rows in ${seconds.toFixed(1)} s`,
  );
  console.log(
    `processor time: ${cost((node.user + node.system) / 1e6)} here, ${cost(cpuSecondsOf(backend) - before.backend)} in its backend`,
  );
  console.log(
    `a unit: median ${(sorted[Math.floor(sorted.length / 2)] ?? 0).toFixed(0)} ms, longest ${(sorted.at(-1) ?? 0).toFixed(0)} ms`,
  );
  const sizes = await client.query<{ name: string; bytes: string }>(
    `SELECT name, pg_total_relation_size(name) AS bytes
     FROM unnest(ARRAY['hot_frame', 'metric_block', 'metric_rollup', 'scalar_rollup']) AS name`,
  );
  console.log(
    sizes.rows.map(({ name, bytes }) => `${name} ${megabytes(Number(bytes))}`).join(', '),
  );
  await measureRounding(client, runKey);
  await client.end();
});
