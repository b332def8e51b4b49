import { afterAll, beforeAll, expect, it } from 'vitest';
import { runKeyOf } from '@/lib/store/runs/run-key';
import { createToken } from '@/lib/store/tokens';
import { type ClonedDatabase, createTestDatabase } from '@/tests/database';
import { compactAll, withClient } from '@/tests/lib/store/compaction/compactor';
import { type TestServers, aRun, startServers } from '@/tests/servers';

const NOW = new Date('2026-06-01T00:00:00Z');
const LAYERS = 4;
let database: ClonedDatabase;
let servers: TestServers;
beforeAll(async () => {
  database = await createTestDatabase();
  servers = await startServers({ database, now: () => NOW });
});
afterAll(async () => {
  await servers.stop();
  await database.drop();
});

const pathOf = (name: string, query: string) =>
  `/api/v1/projects/${encodeURIComponent(name)}/retention${query}`;

const putPolicy = (name: string, policy: unknown) =>
  servers.api(`/api/v1/projects/${encodeURIComponent(name)}/policy`, {
    method: 'PUT',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(policy),
  });

/** Of whose steps those below `oldBelow` came 40 days ago and the rest today. */
async function addRun(id: string, project: string, steps: number, oldBelow: number): Promise<void> {
  await servers.post('/api/v1/runs', aRun(id, LAYERS, { project }));
  const { body } = await servers.post(`/api/v1/runs/${id}/frames`, {
    frames: Array.from({ length: steps }, (_, step) => ({
      step,
      loss: 1,
      layers: { rms: Array.from({ length: LAYERS }, (__, layer) => step + layer) },
    })),
  });
  expect(body).toMatchObject({ accepted: steps });
  const runKey = runKeyOf(id);
  await servers.db.pool.query(
    `UPDATE step SET received_at = $2::timestamptz - CASE WHEN step < $3 THEN interval '40 days' ELSE interval '1 hour' END
     WHERE run = $1`,
    [runKey, NOW, oldBelow],
  );
  await withClient(database.url, (client) => compactAll(client, runKey));
}

it('says what a policy would let go, and lets that go by a job', async () => {
  await addRun('large', 'a project', 4000, 3500);
  await addRun('young', 'a project', 2000, 0);
  const keeping = await servers.post(pathOf('a project', '?dryRun=true'), {});
  expect([keeping.status, keeping.body]).toMatchObject([
    200,
    { dryRun: true, policy: { keepRawDays: null }, freedBytes: 0, runs: [] },
  ]);
  const tried = await servers.post(pathOf('a project', '?dryRun=true'), { keepRawDays: 30 });
  // Below 3,500 three rows of 1,024 steps are sealed.
  expect(tried.body).toMatchObject({
    policy: { keepRawDays: 30 },
    raw: { steps: 3072, rows: 48 },
    distributions: { steps: 0 },
    runs: [{ id: 'large', raw: { steps: 3072 }, jobId: null }],
  });
  expect(tried.body.freedBytes).toBeGreaterThan(3072 * LAYERS);
  expect(tried.body.freedBytes).toBeLessThan(tried.body.sizeBytes);
  const sizeBefore = (await servers.get('/api/v1/runs/large/size')).body;
  expect(sizeBefore.retention).toBe(null);

  await putPolicy('a project', { keepRawDays: 30 });
  const started = await servers.post(pathOf('a project', '?dryRun=false'), {});
  expect(started.status).toBe(202);
  expect(started.body).toMatchObject({ dryRun: false, freedBytes: tried.body.freedBytes });
  const [run] = started.body.runs;
  await servers.jobsSettled();
  const { body: job } = await servers.get(`/api/v1/runs/large/jobs/${run.jobId}`);
  expect(job).toMatchObject({
    kind: 'apply_retention',
    status: 'finished',
    doneSteps: 3072,
    totalSteps: 3072,
    result: { freedBytes: tried.body.freedBytes, raw: { steps: 3072, rows: 48 } },
  });
  const { rows } = await servers.db.pool.query<{ first: string }>(
    'SELECT min(first_step) AS first FROM metric_block WHERE run = $1',
    [runKeyOf('large')],
  );
  expect(Number(rows[0]!.first)).toBe(3072);
  const again = await servers.post(pathOf('a project', '?dryRun=false'), {});
  expect([again.status, again.body]).toMatchObject([202, { freedBytes: 0, runs: [] }]);
  expect(again.body.sizeBytes).toBeLessThan(tried.body.sizeBytes);
});

it('says which steps of a run are gone, and when the newest of them had come', async () => {
  await addRun('gappy', 'gaps', 4000, 3500);
  const before = await servers.get('/api/v1/runs/gappy/gaps');
  expect([before.status, before.body]).toMatchObject([
    200,
    { project: 'gaps', policy: { keepRawDays: null }, items: [] },
  ]);
  await putPolicy('gaps', { keepRawDays: 30 });
  await servers.post(pathOf('gaps', '?dryRun=false'), {});
  await servers.jobsSettled();
  const { body } = await servers.get('/api/v1/runs/gappy/gaps');
  expect(body.policy.keepRawDays).toBe(30);
  expect(body.items).toEqual([
    { attempt: 1, kind: 'raw', fromStep: 0, toStep: 3071, receivedTo: '2026-04-22T00:00:00.000Z' },
  ]);
  const cut = await servers.get('/api/v1/runs/gappy/gaps?fromStep=3000&toStep=3500');
  expect(cut.body.items).toMatchObject([{ fromStep: 3000, toStep: 3071 }]);
  const beside = await servers.get('/api/v1/runs/gappy/gaps?fromStep=3072');
  expect(beside.body.items).toEqual([]);
  const absent = await servers.get('/api/v1/runs/gappy/gaps?attempt=2');
  expect([absent.status, absent.body.error.code]).toEqual([404, 'attempt_not_found']);
});

it('says of one run what the policy of its project would free', async () => {
  await addRun('sized', 'sizes', 3000, 3000);
  await putPolicy('sizes', { keepRawDays: 30, keepSamplesDays: 1 });
  // The front door tells ages by its own clock, by which all of it is old or none is.
  const { body } = await servers.get('/api/v1/runs/sized/size');
  const { body: dry } = await servers.post(pathOf('sizes', '?dryRun=true'), {});
  expect(body.sizeBytes).toBe(dry.sizeBytes);
  expect(Object.keys(body.retention).sort()).toEqual(
    ['distributions', 'freedBytes', 'raw', 'samples'].sort(),
  );
});

it('names what is wrong, and lets nothing go', async () => {
  await addRun('wrong', 'strict', 100, 100);
  const cases = [
    ['', {}, 'invalid_query', 'dryRun'],
    ['?dryRun=maybe', {}, 'invalid_query', 'dryRun'],
    ['?dryRun=true', { keepRawDays: -1 }, 'invalid_body', 'keepRawDays'],
    ['?dryRun=false', { keepRawDays: 1 }, 'invalid_body', 'body'],
  ] as const;
  for (const [query, body, code, path] of cases) {
    const reply = await servers.post(pathOf('strict', query), body);
    expect([reply.status, reply.body]).toMatchObject([
      422,
      { error: { code, details: [{ path }] } },
    ]);
    expect(reply.body.error.message).toContain('expected');
  }
  expect(await servers.post(pathOf('nothing', '?dryRun=true'), {})).toMatchObject({
    status: 404,
    body: { error: { code: 'project_not_found' } },
  });
});

it('lets only an administrator of the project ask', async () => {
  const closed = await startServers({ requireTokens: true });
  try {
    const bearer = async (project: string, scope: 'read' | 'ingest' | 'admin') => ({
      Authorization: `Bearer ${(await createToken(closed.db, { project, scope, name: '' }, NOW)).plaintext}`,
    });
    const admin = await bearer('mine', 'admin');
    await closed.post('/api/v1/runs', aRun('r', 1, { project: 'mine' }), admin);
    for (const [headers, status] of [
      [{}, 401],
      [await bearer('mine', 'read'), 403],
      [await bearer('mine', 'ingest'), 403],
      [await bearer('other', 'admin'), 403],
      [admin, 200],
    ] as const) {
      const reply = await closed.post(pathOf('mine', '?dryRun=true'), {}, headers);
      expect(reply.status).toBe(status);
    }
  } finally {
    await closed.stop();
  }
});
