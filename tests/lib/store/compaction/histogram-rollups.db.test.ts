import { expect, it } from 'vitest';
import { createRun } from '@/lib/store/runs/create-run';
import { deleteRun, finishRun } from '@/lib/store/runs/runs';
import { aFrame } from '@/tests/builders/frame';
import { aRun } from '@/tests/builders/run';
import { useDatabase } from '@/tests/database';
import { compactAll, withClient } from './compactor';
import { copyRun, runUntilCrash } from './cut-off';

const database = useDatabase();
const NOW = new Date('2026-01-01T00:00:00Z');
const LATE = new Set([10, 130]);
/** Histograms every second step, of 400: four levels. */
const STEPS = Array.from({ length: 400 }, (_, step) => step);

async function write(runKey: string, steps: readonly number[]): Promise<void> {
  await database.writer.write(
    steps.map((step) => ({
      runKey,
      attempt: 1,
      layerOffset: 0,
      frame: aFrame(step, {
        layers: { gradient_norm: [1, 2] },
        histograms:
          step % 2 === 1
            ? {}
            : {
                ratio: {
                  edges: Float32Array.of(-1, 1),
                  counts: Uint32Array.of(step, 1),
                  outside: Uint32Array.of(0, 1, 2, 3, 4, 5, 6, step),
                },
              },
      }),
    })),
  );
}

async function sumsOf(runKey: string): Promise<string> {
  const { rows } = await database.db.pool.query(
    `SELECT level, bucket, kind, layer_offset, layer_count, step_width, count_width, outside_width,
       encode(steps, 'hex') AS steps, encode(counts, 'hex') AS counts, encode(outside, 'hex') AS outside,
       (SELECT histograms_to FROM compaction_state AS state WHERE state.run = summed.run AND state.attempt = summed.attempt)
     FROM histogram_rollup AS summed WHERE run = $1 ORDER BY level, bucket`,
    [runKey],
  );
  return JSON.stringify(rows);
}

it('sums of histograms come to the same, wherever compaction is cut off', async () => {
  const run = await createRun(database.db, aRun({ id: 'cut-off', layerCount: 2 }));
  await write(
    run.runKey,
    STEPS.filter((step) => !LATE.has(step) && step < 300),
  );
  await withClient(database.url, (client) => compactAll(client, run.runKey));
  await write(
    run.runKey,
    STEPS.filter((step) => LATE.has(step) || step >= 300),
  );
  await finishRun(database.db, run.id, 'finished', NOW);

  const inOrder = await createRun(database.db, aRun({ id: 'in-order', layerCount: 2 }));
  await write(inOrder.runKey, STEPS);
  await finishRun(database.db, inOrder.id, 'finished', NOW);
  await withClient(database.url, (client) => compactAll(client, inOrder.runKey));
  const expected = await sumsOf(inOrder.runKey);
  expect(JSON.parse(expected)).toHaveLength(25 + 6 + 1 + 1);

  const whole = await copyRun(database.db, run.runKey);
  let queries = 0;
  const count = (number: number): void => {
    queries = number;
  };
  await runUntilCrash(database.url, Infinity, (client) => compactAll(client, whole), count);
  expect(await sumsOf(whole)).toBe(expected);
  await withClient(database.url, (client) => compactAll(client, whole));
  expect(await sumsOf(whole)).toBe(expected);

  expect(queries).toBeGreaterThan(40);
  for (let n = 1; n <= queries; n++) {
    const copy = await copyRun(database.db, run.runKey);
    await runUntilCrash(database.url, n, (client) => compactAll(client, copy));
    // The server may need a moment to see that nobody is there: its locks are waited for.
    await withClient(database.url, (client) => compactAll(client, copy));
    if ((await sumsOf(copy)) !== expected) {
      throw new Error(`cut off at query ${n}, it came to another state`);
    }
  }

  await deleteRun(database.db, inOrder.id);
  expect(await sumsOf(inOrder.runKey)).toBe('[]');
}, 180_000);
