import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { createRun } from '@/lib/store/runs/create-run';
import { createFrameWriter, type FrameWriter } from '@/lib/store/writing/frame-writer';
import { isTransient } from '@/lib/store/writing/writer-connection';
import { aFrame } from '@/tests/builders/frame';
import { aRun } from '@/tests/builders/run';
import { silentLogger, useDatabase } from '@/tests/database';
import { type LossyProxy, startLossyProxy } from '../lossy-proxy';

const database = useDatabase();
let proxy: LossyProxy;
let writer: FrameWriter;
let runKey: string;

beforeAll(async () => {
  proxy = await startLossyProxy(database.url);
  writer = createFrameWriter({ url: proxy.url, logger: silentLogger, maxQueuedBytes: 1e6 });
  runKey = (await createRun(database.db, aRun({ id: 'run' }))).runKey;
  await write(0);
});

afterAll(async () => {
  await writer.close();
  await proxy.close();
});

const write = (step: number) =>
  writer.write([{ runKey, attempt: 1, layerOffset: 0, frame: aFrame(step, { loss: step }) }]);

describe('a writer that loses its connection', () => {
  it('connects again and stores the frame', async () => {
    await database.db.pool.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
       WHERE application_name = 'spikescope writer' AND datname = current_database()`,
    );
    expect(await write(1)).toEqual(['stored']);
  });

  it('knows its own frame when only the answer to the commit was lost', async () => {
    proxy.loseNextCommit();
    expect(await write(2)).toEqual(['stored']);
    expect(proxy.lostCommits()).toBe(1);
    expect(await write(2)).toEqual(['duplicate']);
    const { rows } = await database.db.pool.query(
      'SELECT count(*)::int AS count FROM hot_frame WHERE step = 2',
    );
    expect(rows).toEqual([{ count: 1 }]);
  });

  it('refuses writes while the database cannot be reached, and stores them afterwards', async () => {
    proxy.cut();
    const waiting = await Promise.allSettled([write(3), write(4)]);
    for (const result of waiting) {
      expect(result).toMatchObject({
        status: 'rejected',
        reason: { code: 'unavailable', retryAfterSeconds: 1 },
      });
    }
    expect(writer.status()).toMatchObject({
      outage: 'the database cannot be reached',
      queuedFrames: 0,
      queuedBytes: 0,
    });
    await expect(write(5)).rejects.toMatchObject({ code: 'unavailable' });
    proxy.restore();
    await vi.waitFor(() => expect(writer.status().outage).toBeNull(), { timeout: 60_000 });
    expect((await Promise.all([write(3), write(4), write(5)])).flat()).toEqual([
      'stored',
      'stored',
      'stored',
    ]);
  });

  it('closes while it is trying to connect', async () => {
    const lonely = createFrameWriter({ url: proxy.url, logger: silentLogger, maxQueuedBytes: 1e6 });
    proxy.cut();
    await expect(
      lonely.write([{ runKey, attempt: 1, layerOffset: 0, frame: aFrame(9) }]),
    ).rejects.toMatchObject({ code: 'unavailable' });
    await lonely.close();
    // The other writer notices as well: an outage that it sees later would be one too many.
    await vi.waitFor(() => expect(writer.status().outage).not.toBeNull(), { timeout: 60_000 });
    proxy.restore();
    await vi.waitFor(() => expect(writer.status().outage).toBeNull(), { timeout: 60_000 });
  });
});

describe('a writer whose database is full', () => {
  it('refuses writes until one would go through, though connections do', async () => {
    const { pool } = database.db;
    await pool.query(`CREATE FUNCTION no_space() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN RAISE EXCEPTION 'could not extend file' USING ERRCODE = 'disk_full'; END $$`);
    await pool.query(
      'CREATE TRIGGER no_space BEFORE INSERT ON hot_frame EXECUTE FUNCTION no_space()',
    );
    const words = 'the database has no space left on its disk';
    await expect(write(10)).rejects.toMatchObject({ code: 'unavailable', message: words });
    // Long enough for the first trials, which begin after 0.1 s.
    const until = Date.now() + 800;
    while (Date.now() < until) {
      expect(writer.status().outage).toBe(words);
      await expect(write(11)).rejects.toMatchObject({ code: 'unavailable', message: words });
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    await pool.query('DROP TRIGGER no_space ON hot_frame');
    await vi.waitFor(() => expect(writer.status().outage).toBeNull(), { timeout: 60_000 });
    expect((await Promise.all([write(10), write(11)])).flat()).toEqual(['stored', 'stored']);
    const { rows } = await pool.query(
      `SELECT count(*)::int AS count FROM hot_frame WHERE run NOT IN (SELECT run FROM run)`,
    );
    expect(rows).toEqual([{ count: 0 }]);
  });
});

describe('a writer with nothing to write', () => {
  it('notices that the database has gone, and that it is back', async () => {
    proxy.cut();
    await vi.waitFor(() => expect(writer.status().outage).not.toBeNull(), { timeout: 60_000 });
    proxy.restore();
    await vi.waitFor(() => expect(writer.status().outage).toBeNull(), { timeout: 60_000 });
    expect(await write(20)).toEqual(['stored']);
  });
});

describe('what passes by itself', () => {
  const withCode = (code: string) => Object.assign(new Error('failed'), { code });

  it('is an outage, a deadlock or an internal error of a distributed server, but never a violation', () => {
    for (const code of ['40P01', '40001', 'XX000', '53100', 'ECONNRESET'])
      expect(isTransient(withCode(code))).toBe(true);
    for (const code of ['23505', '22P02', '42P01']) expect(isTransient(withCode(code))).toBe(false);
    expect(isTransient(new RangeError('out of range'))).toBe(false);
  });
});
