import { afterAll, beforeAll, expect, it } from 'vitest';
import { createToken } from '@/lib/store/tokens';
import { type TestServers, aRun, startServers } from '@/tests/servers';

let servers: TestServers;
beforeAll(async () => {
  servers = await startServers();
});
afterAll(() => servers.stop());

const LAYERS = 4;

async function addRun(id: string, project: string): Promise<void> {
  const { status } = await servers.post('/api/v1/runs', aRun(id, LAYERS, { project }));
  expect(status).toBe(201);
}

const post = (id: string, fromStep: number, count: number) =>
  servers.post(`/api/v1/runs/${id}/frames`, {
    frames: Array.from({ length: count }, (_, index) => ({
      step: fromStep + index,
      loss: 1,
      layers: { rms: Array.from({ length: LAYERS }, () => index) },
    })),
  });

const remove = (name: string, confirm: string, headers = {}) =>
  servers.api(
    `/api/v1/projects/${encodeURIComponent(name)}?confirm=${encodeURIComponent(confirm)}`,
    { method: 'DELETE', headers },
  );

async function rowsOf(id: string): Promise<number> {
  const { rows } = await servers.db.pool.query<{ rows: string }>(
    `SELECT (SELECT count(*) FROM step WHERE run = key) + (SELECT count(*) FROM hot_frame WHERE run = key)
       + (SELECT count(*) FROM run WHERE run = key) AS rows
     FROM (SELECT substring(encode(sha256($1::bytea), 'hex') FOR 32)::uuid AS key) AS asked`,
    [id],
  );
  return Number(rows[0]?.rows);
}

it('deletes a project with its runs while a run of another posts', async () => {
  for (const id of ['old-1', 'old-2']) {
    await addRun(id, 'old project');
    for (let step = 0; step < 12_000; step += 2000) await post(id, step, 2000);
  }
  await addRun('kept', 'new');
  expect(await rowsOf('old-1')).toBe(24_001);

  // The deletion comes to one row and has to wait there, with all that it holds.
  const lock = await servers.db.pool.connect();
  await lock.query(
    `BEGIN; SELECT FROM hot_frame WHERE run = (SELECT run FROM run WHERE id = 'old-2') LIMIT 1 FOR UPDATE`,
  );
  const removing = remove('old project', 'old project');
  const isHeldUp = async () => {
    const { rows } = await servers.db.pool.query(
      `SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
    );
    return rows.length > 0;
  };
  await expect.poll(isHeldUp).toBe(true);
  let accepted = 0;
  for (let step = 0; step < 5; step++) {
    accepted += Number((await post('kept', step, 1)).body.accepted);
  }
  await lock.query('ROLLBACK');
  lock.release();
  const reply = await removing;
  expect([reply.status, await reply.json()]).toEqual([
    200,
    { name: 'old project', deleted: true, runCount: 2 },
  ]);
  expect(await rowsOf('old-1')).toBe(0);
  expect(await rowsOf('kept')).toBe(2 * accepted + 1);
  expect(accepted).toBe(5);
  const { body } = await servers.get('/api/v1/projects');
  expect(body.items.map((item: { name: string }) => item.name)).toEqual(['new']);
});

it('deletes nothing unless the name is said again', async () => {
  await addRun('stays', 'precious');
  for (const confirm of ['', 'Precious', 'other']) {
    const reply = await remove('precious', confirm);
    expect([reply.status, await reply.json()]).toMatchObject([
      422,
      { error: { code: 'invalid_query', details: [{ path: 'confirm' }] } },
    ]);
  }
  expect((await servers.get('/api/v1/runs/stays')).status).toBe(200);
  const unknown = await remove('nothing', 'nothing');
  expect([unknown.status, await unknown.json()]).toMatchObject([
    404,
    { error: { code: 'project_not_found' } },
  ]);
});

it('lets only an administrator of the project delete it', async () => {
  const closed = await startServers({ requireTokens: true });
  try {
    const now = new Date();
    const secret = async (project: string, scope: 'ingest' | 'admin') =>
      (await createToken(closed.db, { project, scope, name: '' }, now)).plaintext;
    const admin = await secret('mine', 'admin');
    await closed.post('/api/v1/runs', aRun('r', 1, { project: 'mine' }), {
      Authorization: `Bearer ${admin}`,
    });
    for (const [token, status] of [
      [await secret('mine', 'ingest'), 403],
      [await secret('other', 'admin'), 403],
      [admin, 200],
    ] as const) {
      const reply = await closed.api('/api/v1/projects/mine?confirm=mine', {
        method: 'DELETE',
        headers: { Authorization: `Bearer ${token}` },
      });
      expect(reply.status).toBe(status);
    }
  } finally {
    await closed.stop();
  }
});

it('says how much a run takes', async () => {
  await addRun('sized', 'sizes');
  await post('sized', 0, 1000);
  const { body } = await servers.get('/api/v1/runs/sized/size');
  const tables = Object.fromEntries(
    body.tables.map((table: { name: string; rows: number; sizeBytes: number }) => [
      table.name,
      table,
    ]),
  );
  expect(tables['hot_frame']).toMatchObject({ rows: 1000 });
  // float32 of each layer and what a row costs.
  expect(tables['hot_frame'].sizeBytes).toBeGreaterThanOrEqual(1000 * LAYERS * 4);
  expect(tables['step']).toMatchObject({ rows: 1000 });
  expect(body.datapoints).toBe(1000 * (LAYERS + 1));
  expect(body.bytesPerDatapoint).toBeCloseTo(body.sizeBytes / body.datapoints);
  expect(body.sizeBytes).toBe(
    body.tables.reduce((sum: number, it: { sizeBytes: number }) => sum + it.sizeBytes, 0),
  );
  expect(body.precision).toEqual({
    exactBytes: 1000 * LAYERS * 4,
    roundedBytes: 0,
    roundedBefore: null,
  });
  expect((await servers.get('/api/v1/runs/none/size')).status).toBe(404);
});
