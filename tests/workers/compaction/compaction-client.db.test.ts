import pg from 'pg';
import { afterEach, describe, expect, it } from 'vitest';
import { createRun } from '@/lib/store/runs/create-run';
import { finishRun } from '@/lib/store/runs/runs';
import { aFrame } from '@/tests/builders/frame';
import { aRun } from '@/tests/builders/run';
import { silentLogger, useDatabase } from '@/tests/database';
import { compactAll, withClient } from '@/tests/lib/store/compaction/compactor';
import { readRounding } from '@/tests/lib/store/compaction/rounder';
import { readStored } from '@/tests/lib/store/compaction/stored-attempt';
import {
  type CompactionClient,
  type CompactionStatus,
  createCompactionClient,
} from '@/workers/compaction/compaction-client';

const database = useDatabase();
const open: CompactionClient[] = [];
let runNumber = 0;

afterEach(async () => {
  for (const client of open.splice(0)) await client.close();
});

function startClient(threadUrl?: URL, logger = silentLogger): CompactionClient {
  const client = createCompactionClient({
    databaseUrl: database.url,
    logger,
    ...(threadUrl === undefined ? {} : { threadUrl }),
  });
  open.push(client);
  return client;
}

function aStoredRun(): Promise<{ id: string; runKey: string }> {
  return createRun(database.db, aRun({ id: `threaded-${++runNumber}` }));
}

async function post(runKey: string, from: number, to: number): Promise<void> {
  const frames = Array.from({ length: to - from }, (_, index) => aFrame(from + index, { loss: 1 }));
  await database.writer.write(
    frames.map((frame) => ({ runKey, attempt: 1, layerOffset: 0, frame })),
  );
}

function noteStored(client: CompactionClient, runKey: string, from: number, to: number): void {
  const steps = Array.from({ length: to - from }, (_, index) => ({
    step: from + index,
    sizeBytes: 12,
  }));
  client.noteStored({ runKey, attempt: 1 }, steps);
}

/** Another process works: its answer is seen in the store, which sends no event. */
async function until(holds: () => Promise<boolean> | boolean): Promise<void> {
  await expect.poll(holds).toBe(true);
}

const blocksTo = async (runKey: string) => (await readStored(database.db, runKey, 1)).blocksTo;

describe('the compaction thread', () => {
  it('rounds what is as old as the project says, and nothing of other projects', async () => {
    const { pool } = database.db;
    const runs = await Promise.all(
      ['rounding', 'keeping'].map((project) =>
        createRun(database.db, aRun({ id: `threaded-${++runNumber}`, project })),
      ),
    );
    await pool.query(`UPDATE project SET round_after_days = 2 WHERE name = 'rounding'`);
    for (const { id, runKey } of runs) {
      await post(runKey, 0, 300);
      await finishRun(database.db, id, 'finished', new Date());
      await pool.query(
        `UPDATE step SET received_at = now() - interval '1 day' * CASE WHEN step < 100 THEN 3 ELSE 1 END WHERE run = $1`,
        [runKey],
      );
      await withClient(database.url, (client) => compactAll(client, runKey));
    }
    const client = startClient();
    await client.ready;
    await until(() => client.status().roundedBlocks > 0);
    const states = await Promise.all(runs.map(({ runKey }) => readRounding(database.db, runKey)));
    expect(states.map(({ roundedTo }) => roundedTo)).toEqual([64, 0]);
    expect(states.map(({ blocks }) => blocks[0])).toEqual(['0/2', '0/1']);
    expect(client.status()).toMatchObject({ failures: 0, roundedBlocks: 1 });
  });

  it('finds what an earlier worker left, then follows what it is told', async () => {
    const { id, runKey } = await aStoredRun();
    await post(runKey, 0, 200);
    const client = startClient();
    await client.ready;
    await until(async () => (await blocksTo(runKey)) === 128);
    await post(runKey, 200, 400);
    noteStored(client, runKey, 200, 400);
    await until(async () => (await blocksTo(runKey)) === 320);
    await finishRun(database.db, id, 'finished', new Date());
    client.noteChanged(runKey, [1]);
    await until(async () => (await readStored(database.db, runKey, 1)).hot.length === 0);
    await until(() => client.status().hotRows === 0 && client.status().compactedRows === 400);
    expect(client.status()).toMatchObject({ isRunning: true, restarts: 0, failures: 0 });
    expect(client.check()).toBe('ok');
  });

  it('takes late steps in, though nobody asks', async () => {
    const { runKey } = await aStoredRun();
    await post(runKey, 1, 200);
    const client = startClient();
    await until(async () => (await blocksTo(runKey)) === 128);
    await post(runKey, 0, 1);
    noteStored(client, runKey, 0, 1);
    await until(async () => {
      const { hot, blocks } = await readStored(database.db, runKey, 1);
      return hot.every(({ step }) => step >= 128) && blocks[0]!.offsets[0] === 0;
    });
  });

  it('goes on over a lost connection', async () => {
    const { runKey } = await aStoredRun();
    const client = startClient();
    await client.ready;
    await post(runKey, 0, 200);
    noteStored(client, runKey, 0, 200);
    await until(async () => (await blocksTo(runKey)) === 128);
    const admin = new pg.Client({ connectionString: database.url });
    await admin.connect();
    const { rows } = await admin.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
       WHERE application_name = 'spikescope compaction' AND datname = current_database()`,
    );
    expect(rows.length).toBeGreaterThan(0);
    await admin.end();
    await post(runKey, 200, 400);
    noteStored(client, runKey, 200, 400);
    await until(async () => (await blocksTo(runKey)) === 320);
    expect(client.status().restarts).toBe(0);
  });

  it('drops a run that is gone', async () => {
    const client = startClient();
    await client.ready;
    await until(() => client.status().waitingAttempts === 0);
    const { hotRows, units } = client.status();
    noteStored(client, 'ffffffff-ffff-4fff-8fff-ffffffffffff', 0, 300);
    await until(() => client.status().units > units);
    expect(client.status()).toMatchObject({ hotRows, waitingAttempts: 0, failures: 0 });
  });

  it('is started again when it dies, and says so', async () => {
    // Looked at as it dies: it is not away for long.
    const deaths: CompactionStatus[] = [];
    const logger = { ...silentLogger, error: () => void deaths.push(client.status()) };
    const client = startClient(new URL('./threads/dies-at-work.ts', import.meta.url), logger);
    await client.ready;
    noteStored(client, 'ffffffff-ffff-4fff-8fff-ffffffffffff', 0, 1);
    await until(() => deaths.length > 0);
    expect(deaths).toMatchObject([{ isRunning: false, restarts: 1 }]);
    await until(() => client.status().isRunning);
    expect(client.check()).toBe('ok');
  });

  it('says for how long it has not been running', () => {
    let nowMs = 0;
    const client = createCompactionClient({
      databaseUrl: database.url,
      logger: silentLogger,
      threadUrl: new URL('./threads/never-starts.ts', import.meta.url),
      clock: () => nowMs,
    });
    open.push(client);
    expect(client.check()).toBe('ok');
    nowMs = 90_000;
    expect(client.check()).toBe('not running for 90 s');
  });
});
