import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync, gzipSync } from 'node:zlib';
import pg from 'pg';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { restoreBackup } from '@/lib/store/backup/restore-backup';
import { writeBackup } from '@/lib/store/backup/write-backup';
import { type ClonedDatabase, createEmptyDatabase, createTestDatabase } from '@/tests/database';
import { type TestServers, aRun, startServers } from '@/tests/servers';

const migrations = fileURLToPath(new URL('../../../../prisma/migrations', import.meta.url));
const STEPS = 400;
const LAYERS = 3;

let database: ClonedDatabase;
let servers: TestServers;
let folder: string;
let backup: string;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'spikescope-backup-'));
  backup = path.join(folder, 'product.backup');
  database = await createTestDatabase();
  servers = await startServers({ database, compacts: true });
  await servers.post('/api/v1/runs', aRun('kept', LAYERS));
  await post('kept', 0, STEPS);
  await servers.post('/api/v1/runs/kept/finish', { status: 'finished' });
  // What moves from hot rows into blocks during a backup is in it once, but elsewhere than later.
  await vi.waitFor(
    async () => {
      const { hot_frame: hot, scalar_rollup: rollups } = await dump(database.url);
      // The last unit of a run that has ended writes its rollups.
      expect([hot?.length, rollups?.length]).toEqual([0, 3]);
    },
    { timeout: 60_000, interval: 200 },
  );
  await servers.post('/api/v1/runs', aRun('live', LAYERS));
  // What a policy says, and where it has let values go.
  await servers.db.pool.query('UPDATE project SET keep_raw_days = 30, round_after_days = 7');
  await servers.db.pool.query(
    `INSERT INTO raw_gap (run, attempt, metric, from_step, end_step) SELECT run, 1, 0, 64, 128 FROM run WHERE id = 'kept'`,
  );
});
afterAll(async () => {
  await servers.stop();
  await database.drop();
  await rm(folder, { recursive: true });
});

const post = (id: string, fromStep: number, count: number) =>
  servers.post(`/api/v1/runs/${id}/frames`, {
    frames: Array.from({ length: count }, (_, index) => ({
      step: fromStep + index,
      loss: index === 7 ? 'NaN' : 1 / (index + 3),
      layers: { rms: [index / 7, index % 5 === 0 ? null : 'Infinity', -0] },
      histograms: {
        ratio: {
          edges: [-1, 0, 1],
          counts: Array.from({ length: LAYERS }, () => [index, 1]),
          outside: Array.from({ length: LAYERS }, () => [0, 0, 0, 0]),
        },
      },
    })),
  });

/** Every row of every table but those of the run that is posted to, as text. */
async function dump(url: string): Promise<Record<string, string[]>> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const { rows: tables } = await client.query<{ name: string; has_run: boolean }>(
      `SELECT relname AS name, EXISTS (SELECT FROM pg_attribute WHERE attrelid = pg_class.oid AND attname = 'run') AS has_run
       FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND relname <> '_prisma_migrations'`,
    );
    const found: Record<string, string[]> = {};
    for (const { name, has_run: hasRun } of tables) {
      const only = hasRun ? `WHERE run = (SELECT run FROM run WHERE id = 'kept')` : '';
      const { rows } = await client.query<{ line: string }>(
        `SELECT t::text AS line FROM ${name} AS t ${only} ORDER BY 1`,
      );
      found[name] = rows.map(({ line }) => line);
    }
    return found;
  } finally {
    await client.end();
  }
}

async function onEmpty(work: (url: string) => Promise<void>): Promise<void> {
  const target = await createEmptyDatabase();
  try {
    await work(target.url);
  } finally {
    await target.drop();
  }
}

it('makes the same database again, while a run posts', async () => {
  let isWriting = true;
  const posting = (async () => {
    let step = 0;
    while (isWriting) step += Number((await post('live', step, 5)).body.accepted);
    return step;
  })();
  const rows = await writeBackup({ url: database.url, path: backup, now: () => new Date() });
  isWriting = false;
  const posted = await posting;
  expect(rows['run']).toBe(2);
  await onEmpty(async (url) => {
    expect(await restoreBackup({ url, path: backup, migrations, replaces: false })).toEqual(rows);
    const restoredRows = await dump(url);
    expect(restoredRows).toEqual(await dump(database.url));
    expect(restoredRows['raw_gap']).toHaveLength(1);
    expect(restoredRows['project']?.join()).toContain(',30,');
    const restored = await startServers({ database: { url, drop: () => Promise.resolve() } });
    try {
      // Of the live run what was committed at one moment: as many steps as posts, whole fives.
      const { body } = await restored.get('/api/v1/runs/live/size');
      const sizes = Object.fromEntries(
        body.tables.map((it: { name: string; rows: number }) => [it.name, it.rows]),
      );
      const steps = Number(sizes['step'] ?? 0);
      expect(steps % 5).toBe(0);
      expect(steps).toBeLessThanOrEqual(posted);
      expect(sizes['frame'] ?? 0).toBe(steps);
      // And it goes on where it was.
      const more = await restored.post('/api/v1/runs/live/frames', {
        frames: [{ step: posted + 1, loss: 1 }],
      });
      expect(more.body).toMatchObject({ accepted: 1 });
    } finally {
      await restored.stop();
    }
  });
});

it('refuses a database that holds something, unless told to replace it', async () => {
  const target = await createTestDatabase();
  try {
    const other = await startServers({ database: target });
    await other.post('/api/v1/runs', aRun('other'));
    await other.stop();
    const options = { url: target.url, path: backup, migrations };
    await expect(restoreBackup({ ...options, replaces: false })).rejects.toThrow('--replace');
    await restoreBackup({ ...options, replaces: true });
    expect((await dump(target.url))['step']).toHaveLength(STEPS);
  } finally {
    await target.drop();
  }
});

it('says that a database without tables has nothing to back up', async () => {
  await onEmpty(async (url) => {
    const nowhere = path.join(folder, 'nowhere.backup');
    await expect(writeBackup({ url, path: nowhere, now: () => new Date() })).rejects.toThrow(
      'nothing to back up',
    );
  });
});

it('refuses what is damaged, cut off, newer or no backup, and changes nothing', async () => {
  const whole = await readFile(backup);
  const plain = gunzipSync(whole);
  const flipped = Buffer.from(plain);
  flipped[Math.floor(flipped.length / 2)]! ^= 1;
  const bad = path.join(folder, 'bad.backup');
  const older = path.join(folder, 'migrations');
  await cp(migrations, older, { recursive: true });
  await rm(path.join(older, '20260105000000_blocks'), { recursive: true });
  await onEmpty(async (url) => {
    for (const [bytes, message, known] of [
      [gzipSync(flipped), /damaged|no backup|cut off/, migrations],
      [whole.subarray(0, whole.length - 100), /cut off|cannot be read/, migrations],
      [gzipSync(plain.subarray(0, plain.length - 50)), /cut off|damaged/, migrations],
      [gzipSync('hello there, this is something else'), /no backup/, migrations],
      [whole, /newer Spikescope: migration 20260105000000_blocks/, older],
    ] as const) {
      await writeFile(bad, bytes);
      await expect(
        restoreBackup({ url, path: bad, migrations: known, replaces: true }),
      ).rejects.toThrow(message);
      const client = new pg.Client({ connectionString: url });
      await client.connect();
      const { rows } = await client.query(`SELECT to_regclass('public.run') AS run`);
      await client.end();
      expect(rows).toEqual([{ run: null }]);
    }
  });
});
