import pg from 'pg';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createCompactor } from '@/lib/store/compaction/compactor';
import { HotVacuum, VACUUM_BYTES } from '@/lib/store/compaction/hot-vacuum';
import { createRun } from '@/lib/store/runs/create-run';
import { aFrame } from '@/tests/builders/frame';
import { aRun } from '@/tests/builders/run';
import { silentLogger, useDatabase } from '@/tests/database';
import { findLoopbackPort } from '@/workers/launcher/loopback-port';

const database = useDatabase();
const HOUR_MS = 60 * 60_000;
const ROW_BYTES = 64 * 1024;
const ROWS = VACUUM_BYTES / ROW_BYTES;
const warnings: string[] = [];
const logger = {
  ...silentLogger,
  warn: (_fields: object, message: string) => void warnings.push(message),
};
let clockMs = 0;
let vacuum: HotVacuum;

beforeEach(async () => {
  clockMs = 0;
  warnings.length = 0;
  await run('TRUNCATE hot_frame');
  vacuum = new HotVacuum({ url: database.url, logger, clock: () => clockMs });
});
afterEach(() => vacuum.close());

async function run(sql: string, parameters: unknown[] = []): Promise<unknown[]> {
  return (await database.db.pool.query(sql, parameters)).rows;
}

/** Frames of 64 KB, as many as make a vacuum due once they are gone. */
async function fill(): Promise<void> {
  await run(
    `INSERT INTO hot_frame SELECT gen_random_uuid(), 1, step, 0, 1024, '{0}', decode(repeat('3f', $2::int), 'hex')
     FROM generate_series(1, $1::int) AS step`,
    [ROWS, ROW_BYTES],
  );
}

async function removeAll(): Promise<void> {
  await run('DELETE FROM hot_frame');
  vacuum.noteRemoved(VACUUM_BYTES);
}

async function tableBytes(): Promise<number> {
  const [row] = (await run(`SELECT pg_table_size('hot_frame')::int AS "sizeBytes"`)) as {
    sizeBytes: number;
  }[];
  return row?.sizeBytes ?? NaN;
}

/** Of the values, which lie in a table of their own. */
async function vacuums(): Promise<number> {
  const [row] = (await run(
    `SELECT vacuum_count::int AS count FROM pg_stat_all_tables
     WHERE relid = (SELECT reltoastrelid FROM pg_class WHERE oid = 'hot_frame'::regclass)`,
  )) as { count: number }[];
  return row?.count ?? NaN;
}

describe('HotVacuum', () => {
  it('makes room for the next frames, so that the table does not grow', async () => {
    await fill();
    const filledBytes = await tableBytes();
    expect(filledBytes).toBeGreaterThan(VACUUM_BYTES);
    for (let round = 0; round < 4; round++) {
      const before = await vacuums();
      await removeAll();
      await expect.poll(vacuums).toBe(before + 1);
      // Room that is free stays with the table.
      expect(await tableBytes()).toBeGreaterThan(VACUUM_BYTES);
      await fill();
    }
    expect(await tableBytes()).toBeLessThan(filledBytes * 1.05);
    expect(warnings).toEqual([]);
  });

  it('waits until it is worth its while', async () => {
    const before = await vacuums();
    await fill();
    await run('DELETE FROM hot_frame');
    vacuum.noteRemoved(0);
    vacuum.noteRemoved(VACUUM_BYTES - 1);
    const filledBytes = await tableBytes();
    await run('SELECT pg_stat_force_next_flush()');
    expect(await vacuums()).toBe(before);
    vacuum.noteRemoved(1);
    await expect.poll(vacuums).toBe(before + 1);
    expect(await tableBytes()).toBeGreaterThan(filledBytes * 0.95);
  });

  it('comes less often to a table that a long read keeps from being freed', async () => {
    const reader = new pg.Client({ connectionString: database.url });
    await reader.connect();
    let count = await vacuums();
    let keptBytes: number;
    try {
      await reader.query('BEGIN ISOLATION LEVEL REPEATABLE READ');
      await reader.query('SELECT 1 FROM hot_frame');
      for (let round = 0; round < 4; round++) {
        await fill();
        await removeAll();
        await expect.poll(vacuums).toBe(++count);
      }
      keptBytes = await tableBytes();
    } finally {
      await reader.end();
    }
    expect(keptBytes).toBeGreaterThan(4 * VACUUM_BYTES);
    vacuum.noteRemoved(VACUUM_BYTES);
    vacuum.noteRemoved(keptBytes / 4 - VACUUM_BYTES - 1);
    expect(await vacuums()).toBe(count);
    vacuum.noteRemoved(1);
    await expect.poll(vacuums).toBe(count + 1);
  });

  it('gives the disk back what is free at rest, and lets its connection go', async () => {
    await fill();
    await run('DELETE FROM hot_frame');
    vacuum.noteRemoved(VACUUM_BYTES / 2);
    vacuum.noteRest();
    await expect.poll(tableBytes).toBeLessThan(1e6);
    const connections = (): Promise<unknown[]> =>
      run(
        `SELECT pid FROM pg_stat_activity WHERE application_name = 'spikescope vacuum' AND datname = current_database()`,
      );
    await expect.poll(connections).toEqual([]);
    const before = await vacuums();
    vacuum.noteRest();
    await vacuum.close();
    expect(await vacuums()).toBe(before);
  });

  it('gives it back once an hour where there is no rest', async () => {
    await fill();
    clockMs = HOUR_MS;
    await removeAll();
    await expect.poll(tableBytes).toBeLessThan(1e6);
  });

  it('says that it could not, and tries again', async () => {
    const url = new URL(database.url);
    url.port = String(await findLoopbackPort());
    const broken = new HotVacuum({ url: url.href, logger });
    broken.noteRemoved(VACUUM_BYTES);
    await expect.poll(() => warnings).toHaveLength(1);
    expect(warnings[0]).toBe('hot frames were not vacuumed; autovacuum does it later');
    // The one that failed ends a moment after it has said so.
    await expect
      .poll(() => {
        broken.noteRemoved(VACUUM_BYTES);
        return warnings.length;
      })
      .toBeGreaterThan(1);
    await broken.close();
  });

  it('can be closed while it vacuums', async () => {
    await fill();
    await removeAll();
    await vacuum.close();
    vacuum.noteRemoved(VACUUM_BYTES);
    expect(warnings).toEqual([]);
  });
});

describe('createCompactor', () => {
  it('vacuums what it has emptied', async () => {
    const layerCount = 1024;
    const metricCount = 16;
    const { runKey } = await createRun(database.db, aRun({ id: 'emptied', layerCount }));
    const values = Array.from({ length: layerCount }, (_, layer) => layer);
    const layers = Object.fromEntries(
      Array.from({ length: metricCount }, (_, metric) => [`metric_${metric}`, values]),
    );
    // What is not sealed yet stays hot.
    const steps = ROWS + 256;
    for (let step = 0; step < steps; step += 64) {
      await database.writer.write(
        Array.from({ length: 64 }, (_, index) => {
          const frame = aFrame(step + index, { layers });
          return { runKey, attempt: 1, layerOffset: 0, frame };
        }),
      );
    }
    const before = await vacuums();
    const compactor = createCompactor({ url: database.url, logger });
    let unit = await compactor.compact({ runKey, attempt: 1 }, false);
    while (unit.hasMore) unit = await compactor.compact({ runKey, attempt: 1 }, false);
    await expect.poll(vacuums).toBe(before + 1);
    await compactor.close();
    expect(warnings).toEqual([]);
  });
});
