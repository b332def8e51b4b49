import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ClonedDatabase, createTestDatabase } from '@/tests/database';
import { type LossyProxy, startLossyProxy } from '@/tests/lib/store/lossy-proxy';
import { type ApiResult, aRun, startServers, type TestServers } from '@/tests/servers';
import pg from 'pg';

/** The worker and the front door while the database is away or full: nothing is lost, nothing is restarted. */
let database: ClonedDatabase;
let proxy: LossyProxy;
let servers: TestServers;

beforeAll(async () => {
  database = await createTestDatabase();
  proxy = await startLossyProxy(database.url);
  servers = await startServers({ database: { ...database, url: proxy.url } });
  expect((await servers.post('/api/v1/runs', aRun('known'))).status).toBe(201);
  expect((await post(0)).body).toMatchObject({ accepted: 1 });
});

afterAll(async () => {
  await servers.stop();
  await proxy.close();
  await database.drop();
});

const aFrame = (step: number) => ({ step, loss: step, layers: { gradient_norm: [1, 2] } });
const post = (...steps: number[]) =>
  servers.post('/api/v1/runs/known/frames', { frames: steps.map(aFrame) });

const isReady = async (url: string) => (await fetch(`${url}/readyz`)).status === 200;

async function expectUnavailable(reply: Promise<ApiResult>) {
  const { status, headers, body } = await reply;
  expect(status, JSON.stringify(body)).toBe(503);
  expect(headers.get('retry-after')).toBe('1');
  expect(body.error.code).toBe('unavailable');
  return body.error.message as string;
}

async function untilReady() {
  await expect.poll(() => isReady(servers.ingestUrl)).toBe(true);
  await expect.poll(() => isReady(servers.url)).toBe(true);
}

async function storedSteps(): Promise<number[]> {
  const client = new pg.Client({ connectionString: database.url });
  await client.connect();
  const { rows } = await client.query('SELECT step::int FROM frame ORDER BY step');
  await client.end();
  return rows.map(({ step }) => step);
}

describe('a database that is away', () => {
  it('answers posts and reads 503 with a time to come back, and takes them again by itself', async () => {
    expect(await isReady(servers.url)).toBe(true);
    proxy.cut();
    expect(await expectUnavailable(post(1, 2))).toBe('the database cannot be reached');
    await expectUnavailable(post(3));
    await expectUnavailable(servers.post('/api/v1/runs', aRun('new')));
    await expectUnavailable(
      servers.post('/api/v1/runs/known/events', { step: 1, kind: 'note', title: 'x' }),
    );
    await expectUnavailable(servers.get('/api/v1/runs'));
    await expectUnavailable(servers.get('/api/v1/runs/known/timeline?series=loss'));
    expect(await isReady(servers.ingestUrl)).toBe(false);
    expect(await isReady(servers.url)).toBe(false);
    expect((await fetch(`${servers.ingestUrl}/healthz`)).status).toBe(200);
    proxy.restore();
    await untilReady();
    expect((await post(1, 2, 3)).body).toMatchObject({ accepted: 3, duplicates: 0, rejected: [] });
    expect((await servers.get('/api/v1/runs/known')).status).toBe(200);
    expect(await storedSteps()).toEqual([0, 1, 2, 3]);
  });

  it('is noticed by /readyz also while nobody posts', async () => {
    proxy.cut();
    const writerOutage = async () =>
      ((await (await fetch(`${servers.ingestUrl}/readyz`)).json()) as { writerOutage: unknown })
        .writerOutage;
    await expect.poll(writerOutage).toBe('the database cannot be reached');
    expect(await isReady(servers.ingestUrl)).toBe(false);
    proxy.restore();
    await untilReady();
  });
});

describe('a database whose disk is full', () => {
  it('answers posts 503, goes on answering reads, and takes posts when there is room', async () => {
    const client = new pg.Client({ connectionString: database.url });
    await client.connect();
    await client.query(`CREATE FUNCTION no_space() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN RAISE EXCEPTION 'could not extend file' USING ERRCODE = 'disk_full'; END $$`);
    await client.query(
      'CREATE TRIGGER no_space BEFORE INSERT ON hot_frame EXECUTE FUNCTION no_space()',
    );
    const before = await storedSteps();
    const words = 'the database has no space left on its disk';
    expect(await expectUnavailable(post(50))).toBe(words);
    expect(await isReady(servers.ingestUrl)).toBe(false);
    const { body } = await servers.get('/readyz');
    expect(body.checks).toEqual({ database: 'ok', ingest: `takes no posts: ${words}`, web: 'ok' });
    const { body: metrics } = await servers.get('/metrics');
    expect(metrics).toContain('spikescope_ready{part="database"} 1\n');
    expect(metrics).toContain('spikescope_ready{part="ingest"} 0\n');
    expect(metrics).toContain('spikescope_ingest_writer_outage 1\n');
    expect((await servers.get('/api/v1/runs/known')).status).toBe(200);
    expect(await expectUnavailable(post(51))).toBe(words);
    expect(await storedSteps()).toEqual(before);
    await client.query('DROP TRIGGER no_space ON hot_frame');
    await client.end();
    await untilReady();
    expect((await post(50, 51)).body).toMatchObject({ accepted: 2, rejected: [] });
    expect(await storedSteps()).toEqual([...before, 50, 51]);
  });
});

it('answers 429 with a time to come back while more waits than the writer may hold', async () => {
  const small = await startServers({ maxQueuedBytes: 20_000 });
  try {
    await small.post('/api/v1/runs', aRun('busy', 1000));
    const layers = { gradient_norm: Array.from({ length: 1000 }, (_, layer) => layer) };
    const post = (step: number) =>
      small.post('/api/v1/runs/busy/frames', { frames: [{ step, layers }] });
    await post(0);
    // Nothing is written until a post was refused, however fast the database is.
    const lock = await small.db.pool.connect();
    await lock.query('BEGIN; LOCK TABLE hot_frame IN EXCLUSIVE MODE');
    const sending = Array.from({ length: 39 }, (_, index) => post(index + 1));
    await new Promise<void>((resolve) => {
      for (const reply of sending) {
        void reply.then(({ status }) => {
          if (status === 429) resolve();
        });
      }
    });
    await lock.query('ROLLBACK');
    lock.release();
    const replies = await Promise.all(sending);
    const refused = replies.filter(({ status }) => status === 429);
    expect(refused.length).toBeGreaterThan(0);
    for (const { headers, body } of refused) {
      expect(headers.get('retry-after')).toBe('1');
      expect(body.error.code).toBe('writer_saturated');
    }
    // A job posts again what was refused; what was stored is known.
    let left = replies.map((_, index) => index + 1);
    while (left.length > 0) {
      const again = await Promise.all(left.map((step) => post(step)));
      left = left.filter((_, index) => again[index]!.status !== 200);
    }
    const { rows } = await small.db.pool.query(
      'SELECT count(*)::int AS frames, count(DISTINCT step)::int AS steps FROM frame',
    );
    expect(rows).toEqual([{ frames: 40, steps: 40 }]);
  } finally {
    await small.stop();
  }
});
