import { afterAll, beforeAll, expect, it } from 'vitest';
import { KEEP_EVERYTHING } from '@/lib/contract/project-policy';
import { findPolicyOfRun } from '@/lib/store/runs/project-policy';
import { runKeyOf } from '@/lib/store/runs/run-key';
import { createToken } from '@/lib/store/tokens';
import { type TestServers, aRun, startServers } from '@/tests/servers';

let servers: TestServers;
beforeAll(async () => {
  servers = await startServers();
});
afterAll(() => servers.stop());

const pathOf = (name: string) => `/api/v1/projects/${encodeURIComponent(name)}/policy`;

async function put(
  name: string,
  value: unknown,
  headers: Record<string, string> = {},
  on: TestServers = servers,
) {
  const reply = await on.api(pathOf(name), {
    method: 'PUT',
    headers: { 'Content-Type': 'application/json', ...headers },
    body: JSON.stringify(value),
  });
  return { status: reply.status, body: (await reply.json()) as Record<string, unknown> };
}

it('keeps everything until it is told otherwise, and leaves what is not named', async () => {
  await servers.post('/api/v1/runs', aRun('r', 1, { project: 'a project' }));
  const { body } = await servers.get(pathOf('a project'));
  expect(body).toEqual({ name: 'a project', ...KEEP_EVERYTHING });

  await put('a project', { keepRawDays: 30, roundAfterDays: 1 });
  const changed = await put('a project', { keepDistributionsDays: 7, roundAfterDays: null });
  const expected = { ...KEEP_EVERYTHING, keepRawDays: 30, keepDistributionsDays: 7 };
  expect(changed).toEqual({ status: 200, body: { name: 'a project', ...expected } });
  expect((await servers.get(pathOf('a project'))).body).toEqual(changed.body);
  expect(await findPolicyOfRun(servers.db.pool, runKeyOf('r'))).toEqual(expected);
  expect(await findPolicyOfRun(servers.db.pool, runKeyOf('none'))).toEqual(KEEP_EVERYTHING);
});

it('names the field that is wrong, and changes nothing', async () => {
  await servers.post('/api/v1/runs', aRun('s', 1, { project: 'strict' }));
  for (const [value, path] of [
    [{ keepRawDays: 0 }, 'keepRawDays'],
    [{ keepRawDays: 9, keepSamplesDays: 1.5 }, 'keepSamplesDays'],
    [{ keepDistributionsDays: '30' }, 'keepDistributionsDays'],
    [{ roundAfterDays: 1e6 }, 'roundAfterDays'],
  ] as const) {
    const { status, body } = await put('strict', value);
    expect([status, body]).toMatchObject([
      422,
      { error: { code: 'invalid_body', details: [{ path }] } },
    ]);
  }
  expect(await put('strict', { keepForDays: 1 })).toMatchObject({
    status: 422,
    body: { error: { message: expect.stringContaining('keepForDays') as string } },
  });
  expect((await servers.get(pathOf('strict'))).body).toMatchObject(KEEP_EVERYTHING);
});

it('says that there is no such project', async () => {
  expect(await put('nothing', { keepRawDays: 1 })).toMatchObject({
    status: 404,
    body: { error: { code: 'project_not_found' } },
  });
  expect((await servers.get(pathOf('nothing'))).status).toBe(404);
});

it('lets those who may read see it, and an administrator of the project alone change it', async () => {
  const closed = await startServers({ requireTokens: true });
  try {
    const now = new Date();
    const bearer = async (project: string, scope: 'read' | 'ingest' | 'admin') => ({
      Authorization: `Bearer ${(await createToken(closed.db, { project, scope, name: '' }, now)).plaintext}`,
    });
    const admin = await bearer('mine', 'admin');
    await closed.post('/api/v1/runs', aRun('r', 1, { project: 'mine' }), admin);
    for (const [headers, status] of [
      [{}, 401],
      [await bearer('mine', 'ingest'), 403],
      [await bearer('mine', 'read'), 403],
      [await bearer('other', 'admin'), 403],
      [admin, 200],
    ] as const) {
      expect((await put('mine', { keepRawDays: 2 }, headers, closed)).status).toBe(status);
    }
    const read = await bearer('mine', 'read');
    expect((await closed.get(pathOf('mine'), read)).body).toMatchObject({ keepRawDays: 2 });
    expect((await closed.get(pathOf('mine'), await bearer('other', 'read'))).status).toBe(403);
  } finally {
    await closed.stop();
  }
});
