import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AlertRule } from '@/lib/contract/alert-rules';
import type { Incident } from '@/lib/contract/incidents';
import { saveFolds } from '@/lib/store/alerts/alert-progress';
import { findFoldableRules, MAX_RULES_PER_PROJECT } from '@/lib/store/alerts/alert-rules';
import { runKeyOf } from '@/lib/store/runs/run-key';
import { createToken } from '@/lib/store/tokens';
import { type TestServers, aRun, startServers } from '@/tests/servers';
import { anIncident, aThreshold } from '@/tests/builders/alerts';

let clock = new Date('2026-11-22T10:00:00.000Z');
let servers: TestServers;
beforeAll(async () => {
  servers = await startServers({ now: () => clock });
  await servers.post('/api/v1/runs', aRun('run'));
  await servers.post('/api/v1/runs', aRun('elsewhere', 2, { project: 'other' }));
});
afterAll(() => servers.stop());

const RULES = '/api/v1/projects/tests/alert-rules';
const send = async (
  method: string,
  path: string,
  value?: unknown,
  headers: Record<string, string> = {},
) => {
  const reply = await servers.api(path, {
    method,
    headers: { 'Content-Type': 'application/json', ...headers },
    ...(value === undefined ? {} : { body: JSON.stringify(value) }),
  });
  return { status: reply.status, body: await reply.json() };
};
const createRule = async (over: object = {}, path = RULES) => {
  const { status, body } = await send('POST', path, {
    ...{ name: 'Loss above 6', condition: aThreshold(), ...over },
  });
  expect(status).toBe(201);
  return body;
};
const open = (ruleKey: string, opening: string, over: object = {}, revision = 1) =>
  saveFolds(
    servers.db,
    { runKey: runKeyOf('run'), project: 'tests' },
    [
      {
        ...{ ruleKey, revision, attempt: 1, step: 10, state: {} },
        incidents: [anIncident({ opening, ...over })],
      },
    ],
    clock,
  );

describe('an alert rule', () => {
  it('is created with what was left out, and listed by name', async () => {
    const rule = await createRule({ name: '  B  ' });
    expect(rule).toEqual({
      id: rule.id,
      ...{ project: 'tests', name: 'B', runId: null, severity: 'warn', channelIds: [] },
      condition: {
        ...{ kind: 'threshold', metric: 'loss', side: 'above', limit: 6 },
        ...{ openAfter: 1, closeAfter: 20 },
      },
      ...{ notifyBrowsers: true, isEnabled: true, mutedUntil: null },
      ...{ createdAt: rule.createdAt, updatedAt: rule.createdAt },
      ...{ openCount: 0, lastOpenedAt: null },
    });
    await createRule({ name: 'A', runId: 'run' });
    const { body } = await servers.get(RULES);
    expect(body.items.map(({ name, runId }: AlertRule) => [name, runId])).toEqual([
      ['A', 'run'],
      ['B', null],
    ]);
  });

  it('must say something that can be, of a run and channels that are there', async () => {
    const refused = async (value: object, path = RULES) => {
      const { status, body } = await send('POST', path, { name: 'x', ...value });
      return [status, body.error.code, body.error.message];
    };
    const condition = aThreshold();
    const missing = '00000000-0000-4000-8000-000000000000';
    expect(await refused({ condition: { ...condition, layers: '(' } })).toEqual([
      ...[422, 'invalid_body', 'condition.layers: expected a regular expression'],
    ]);
    const healthy = { kind: 'stage', stage: 'healthy' };
    expect((await refused({ condition: healthy }))[2]).toContain(
      'condition.stage: expected a stage',
    );
    expect((await refused({ condition, runId: 'elsewhere' }))[1]).toBe('run_not_found');
    expect((await refused({ condition, channelIds: [missing] }))[1]).toBe('channel_not_found');
    expect((await refused({ condition, channelIds: ['no-key'] }))[1]).toBe('channel_not_found');
    expect(
      (await refused({ condition }, '/api/v1/projects/nobody/alert-rules')).slice(0, 2),
    ).toEqual([404, 'project_not_found']);
    expect((await servers.get('/api/v1/projects/nobody/alert-rules')).status).toBe(404);
    expect((await send('PATCH', `${RULES}/${missing}`, {})).body.error.code).toBe('rule_not_found');
    expect((await send('DELETE', `${RULES}/no-key`)).body.error.code).toBe('rule_not_found');
  });

  it('is muted by a change that keeps what is open, and begins anew with another condition', async () => {
    const rule = await createRule();
    await open(rule.id, 'a');
    const path = `${RULES}/${rule.id}`;
    const mutedUntil = '2026-11-22T12:00:00.000Z';
    const muted = await send('PATCH', path, { mutedUntil, condition: rule.condition });
    expect(muted.body).toMatchObject({ mutedUntil, openCount: 1 });
    // The same condition is no change: the fold of the first revision still counts.
    expect((await open(rule.id, 'b')).staleRules).toEqual([]);
    const changed = await send('PATCH', path, { condition: aThreshold({ limit: 7 }) });
    expect(changed.body).toMatchObject({ openCount: 0, condition: { limit: 7 } });
    expect((await open(rule.id, 'c')).staleRules).toEqual([rule.id]);
    const { body } = await servers.get(`/api/v1/incidents?ruleId=${rule.id}`);
    expect(
      body.items.map(({ condition, closedBy, wasMuted }: Incident) => [
        ...['limit' in condition ? condition.limit : null, closedBy, wasMuted],
      ]),
    ).toEqual(
      expect.arrayContaining([
        [6, 'rule_changed', true],
        [6, 'rule_changed', false],
      ]),
    );
    expect(body.total).toBe(2);
  });

  it('is given another run, or all of them, and begins anew there', async () => {
    const rule = await createRule({ runId: 'run' });
    const path = `${RULES}/${rule.id}`;
    await open(rule.id, 'a');
    // The run that it has is no change, and neither is a patch that names none.
    const kept = await send('PATCH', path, { runId: 'run', name: 'renamed' });
    expect(kept.body).toMatchObject({ runId: 'run', openCount: 1 });
    const refused = await send('PATCH', path, { runId: 'elsewhere' });
    expect([refused.status, refused.body.error.code]).toEqual([404, 'run_not_found']);
    expect((await open(rule.id, 'b')).staleRules).toEqual([]);
    const widened = await send('PATCH', path, { runId: null });
    expect(widened.body).toMatchObject({ runId: null, name: 'renamed', openCount: 0 });
    expect((await open(rule.id, 'c')).staleRules).toEqual([rule.id]);
    const { body } = await servers.get(`/api/v1/incidents?ruleId=${rule.id}`);
    expect(body.items.map(({ closedBy }: Incident) => closedBy)).toEqual([
      'rule_changed',
      'rule_changed',
    ]);
    expect(
      (await findFoldableRules(servers.db)).find(({ ruleKey }) => ruleKey === rule.id),
    ).toMatchObject({ runKey: null, revision: 2 });
  });

  it('that is switched off or deleted leaves its incidents, closed', async () => {
    const rule = await createRule();
    await open(rule.id, 'a');
    const path = `${RULES}/${rule.id}`;
    expect((await send('PATCH', path, { isEnabled: false })).body.openCount).toBe(0);
    expect((await open(rule.id, 'b')).staleRules).toEqual([rule.id]);
    await send('PATCH', path, { isEnabled: true });
    await open(rule.id, 'c', {}, 3);
    expect((await send('DELETE', path)).body).toEqual({ id: rule.id, deleted: true });
    const { body } = await servers.get(`/api/v1/incidents?ruleId=${rule.id}&state=closed`);
    expect(body.total).toBe(2);
    expect((await send('DELETE', path)).status).toBe(404);
  });

  it('finds no room beyond the most that a project may have, of two at once neither', async () => {
    const path = '/api/v1/projects/other/alert-rules';
    const { db } = servers;
    await db.prisma.alertRule.createMany({
      data: Array.from({ length: MAX_RULES_PER_PROJECT - 1 }, (_, index) => ({
        ...{ project: 'other', name: `rule ${index}`, condition: aThreshold(), severity: 'note' },
        ruleKey: `00000000-0000-4000-8000-${String(index).padStart(12, '0')}`,
        ...{ channelKeys: [], notifyBrowsers: false, isEnabled: true },
      })),
    });
    const body = { name: 'one more', condition: aThreshold() };
    const replies = await Promise.all([send('POST', path, body), send('POST', path, body)]);
    expect(replies.map(({ status }) => status).sort()).toEqual([201, 422]);
    expect(replies.find(({ status }) => status === 422)?.body.error.code).toBe('too_many_rules');
  });

  it('goes with its project', async () => {
    await send('DELETE', '/api/v1/projects/other?confirm=other');
    expect(await servers.db.prisma.alertRule.count({ where: { project: 'other' } })).toBe(0);
    await servers.post('/api/v1/runs', aRun('elsewhere', 2, { project: 'other' }));
  });
});

describe('incidents', () => {
  it('are listed a page at a time, the newest first, with how many wait for somebody', async () => {
    const rule = await createRule({ severity: 'page' });
    for (const minute of [1, 2, 3]) {
      clock = new Date(Date.UTC(2026, 10, 22, 11, minute));
      await open(rule.id, `${minute}`, {
        ...{ title: `loss ${minute}`, openedStep: minute },
        closed: minute === 1 ? { step: 30, by: 'recovered' } : null,
      });
    }
    const query = `/api/v1/incidents?ruleId=${rule.id}&limit=2`;
    const first = await servers.get(query);
    expect(first.body).toMatchObject({ total: 3, openCount: 2 });
    expect(first.body.items.map(({ title }: Incident) => title)).toEqual(['loss 3', 'loss 2']);
    expect(first.body.items[0]).toMatchObject({
      ...{ project: 'tests', runId: 'run', runName: 'run', attempt: 1, severity: 'page' },
      ...{
        openedStep: 3,
        openedAt: '2026-11-22T11:03:00.000Z',
        closedAt: null,
        ruleName: rule.name,
      },
    });
    const second = await servers.get(`${query}&cursor=${first.body.nextCursor}`);
    expect(second.body.items).toMatchObject([
      { closedStep: 30, closedBy: 'recovered', closedAt: '2026-11-22T11:01:00.000Z' },
    ]);
    expect(second.body).toMatchObject({ total: 3, openCount: 2 });
    expect(second.body).not.toHaveProperty('nextCursor');
    expect((await servers.get(`${query}&cursor=nonsense`)).body.error.code).toBe('invalid_query');
    expect((await servers.get(`${query}&state=open`)).body.total).toBe(2);
    expect((await servers.get('/api/v1/incidents?project=other')).body.total).toBe(0);
    expect((await servers.get('/api/v1/incidents?ruleId=none')).body.items).toEqual([]);
  });

  it('are acknowledged once, by whoever was first', async () => {
    const rule = await createRule();
    const { changes } = await open(rule.id, 'a');
    const id = changes[0]?.incident.id ?? '';
    const path = `/api/v1/projects/tests/incidents/${id}`;
    clock = new Date('2026-11-22T12:30:00.000Z');
    const acknowledged = await send('POST', `${path}/acknowledge`, { by: ' ada ' });
    expect(acknowledged.body).toMatchObject({
      ...{ acknowledgedBy: 'ada', acknowledgedAt: '2026-11-22T12:30:00.000Z', closedAt: null },
    });
    clock = new Date('2026-11-22T12:31:00.000Z');
    expect((await send('POST', `${path}/acknowledge`, { by: 'bob' })).body).toEqual(
      acknowledged.body,
    );
    expect((await servers.get(path)).body).toEqual(acknowledged.body);
    const { body } = await servers.get(`/api/v1/incidents?ruleId=${rule.id}&acknowledged=false`);
    expect(body).toMatchObject({ total: 0, openCount: 0 });
    const other = `/api/v1/projects/other/incidents/${id}`;
    expect((await servers.get(other)).body.error.code).toBe('incident_not_found');
    expect((await send('POST', `${other}/acknowledge`, { by: 'eve' })).status).toBe(404);
  });
});

describe('tokens', () => {
  it('may change rules as administrators, acknowledge as jobs, and see their project alone', async () => {
    const guarded = await startServers({ requireTokens: true });
    try {
      const token = async (scope: 'read' | 'ingest' | 'admin', project = 'tests') => {
        const { plaintext } = await createToken(
          guarded.db,
          { name: 'test', project, scope },
          new Date(),
        );
        return { Authorization: `Bearer ${plaintext}` };
      };
      const admin = await token('admin');
      const job = await token('ingest');
      const reader = await token('read');
      await guarded.post('/api/v1/runs', aRun('run'), job);
      const draft = { name: 'x', condition: aThreshold() };
      expect((await guarded.post(RULES, draft, job)).status).toBe(403);
      expect((await guarded.post(RULES, draft, await token('admin', 'other'))).status).toBe(403);
      const { body: rule } = await guarded.post(RULES, draft, admin);
      const run = { runKey: runKeyOf('run'), project: 'tests' };
      const fold = { ruleKey: rule.id, revision: 1, attempt: 1, step: 1, state: {} };
      await saveFolds(guarded.db, run, [{ ...fold, incidents: [anIncident()] }], new Date());
      const { body } = await guarded.get('/api/v1/incidents', reader);
      expect(body.total).toBe(1);
      const foreign = await token('read', 'other');
      expect((await guarded.get('/api/v1/incidents', foreign)).body.total).toBe(0);
      expect((await guarded.get('/api/v1/incidents?project=tests', foreign)).status).toBe(403);
      const path = `/api/v1/projects/tests/incidents/${body.items[0].id}/acknowledge`;
      expect((await guarded.post(path, { by: 'x' }, reader)).status).toBe(403);
      expect((await guarded.post(path, { by: 'x' }, job)).status).toBe(200);
    } finally {
      await guarded.stop();
    }
  });
});
