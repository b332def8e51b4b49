import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { saveChannel } from '@/lib/store/alerts/alert-channels';
import { createToken } from '@/lib/store/tokens';
import { aThreshold } from '@/tests/builders/alerts';
import { createTestDatabase } from '@/tests/database';
import { type TestServers, aRun, startServers } from '@/tests/servers';
import { type IncidentFeed, listenToIncidents } from './incident-feed';

let servers: TestServers;
let feed: IncidentFeed;
beforeAll(async () => {
  servers = await startServers({ foldsAlerts: true });
  feed = await listenToIncidents(servers.ingestUrl);
}, 180_000);
afterAll(async () => {
  feed.close();
  await servers.stop();
});

let number = 0;
const RULES = '/api/v1/projects/tests/alert-rules';

async function aNewRun(): Promise<string> {
  const id = `run-${++number}`;
  await servers.post('/api/v1/runs', aRun(id));
  return id;
}

async function aRule(runId: string, over: object = {}, to: TestServers = servers): Promise<string> {
  const draft = { name: 'rule', runId, condition: aThreshold({ closeAfter: 2 }), ...over };
  const { status, body } = await to.post(RULES, draft);
  expect(status, JSON.stringify(body)).toBe(201);
  return body.id;
}

async function post(
  id: string,
  losses: Readonly<Record<number, number | string>>,
  to: TestServers = servers,
): Promise<void> {
  const frames = Object.entries(losses).map(([step, loss]) => ({ step: Number(step), loss }));
  expect((await to.post(`/api/v1/runs/${id}/frames`, { frames })).body.rejected).toEqual([]);
}

const incidentsOf = async (ruleId: string, of: TestServers = servers) =>
  (await of.get(`/api/v1/incidents?ruleId=${ruleId}`)).body.items;
const told = (ruleId: string, change: string) => (live: IncidentFeed['heard'][number]) =>
  live.incident.ruleId === ruleId && live.change === change;

describe('the alert thread', () => {
  it('opens one incident for one excursion, tells pages and channels, and closes it', async () => {
    const id = await aNewRun();
    const target = { kind: 'webhook', url: 'https://hooks.example.org/x' } as const;
    const channel = (name: string) =>
      saveChannel(servers.db, 'tests', { name, target, secret: null }, new Date());
    const [on, off] = [await channel('on'), await channel('off')];
    await servers.db.prisma.alertChannel.updateMany({
      where: { channelKey: off.id },
      data: { isEnabled: false },
    });
    const ruleId = await aRule(id, { channelIds: [on.id, off.id], severity: 'page' });
    await post(id, { 0: 1, 1: 7.31, 2: 5, 3: 9, 4: 8 });
    const opened = await feed.take(told(ruleId, 'opened'));
    expect(opened).toMatchObject({
      notify: true,
      incident: {
        ...{ title: 'loss 7.31 above 6.00 at step 1', openedStep: 1, runId: id, attempt: 1 },
        ...{ severity: 'page', closedAt: null, wasMuted: false },
      },
    });
    await post(id, { 5: 1, 6: 1, 7: 1 });
    const closed = await feed.take(told(ruleId, 'closed'));
    expect(closed.incident).toMatchObject({
      ...{ id: opened.incident.id, closedStep: 6, closedBy: 'recovered' },
      ...{ peakValue: 9, peakStep: 3 },
    });
    expect(await incidentsOf(ruleId)).toEqual([closed.incident]);
    const deliveries = await servers.db.prisma.alertDelivery.findMany({
      where: { incidentKey: opened.incident.id },
    });
    expect(deliveries.map(({ channelKey }) => channelKey)).toEqual([on.id]);
    // Another excursion is another incident.
    await post(id, { 8: 10 });
    await feed.take(told(ruleId, 'opened'));
    expect(await incidentsOf(ruleId)).toHaveLength(2);
  });

  it('begins with what comes after the rule was made, of runs to come too', async () => {
    const id = await aNewRun();
    await post(id, { 0: 9, 1: 9 });
    const ruleId = await aRule(id);
    const everywhere = await aRule(id, { runId: null });
    await post(id, { 2: 1, 3: 8 });
    expect((await feed.take(told(ruleId, 'opened'))).incident.openedStep).toBe(3);
    await feed.take(told(everywhere, 'opened'));
    const later = await aNewRun();
    await post(later, { 0: 9 });
    const opened = await feed.take(told(everywhere, 'opened'));
    expect(opened.incident).toMatchObject({ runId: later, openedStep: 0 });
    await servers.api(`${RULES}/${everywhere}`, { method: 'DELETE' });
    expect((await feed.take(told(everywhere, 'closed'))).incident.closedBy).toBe('rule_changed');
  });

  it('tells nobody of what a muted rule finds', async () => {
    const id = await aNewRun();
    const ruleId = await aRule(id);
    await servers.api(`${RULES}/${ruleId}`, {
      method: 'PATCH',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ mutedUntil: new Date(Date.now() + 3_600_000).toISOString() }),
    });
    await post(id, { 0: 7 });
    const { notify, incident } = await feed.take(told(ruleId, 'opened'));
    expect([notify, incident.wasMuted]).toEqual([false, true]);
  });

  it('says when somebody has taken note', async () => {
    const id = await aNewRun();
    const ruleId = await aRule(id);
    await post(id, { 0: 7 });
    const { incident } = await feed.take(told(ruleId, 'opened'));
    await servers.post(`/api/v1/projects/tests/incidents/${incident.id}/acknowledge`, {
      by: 'ada',
    });
    const acknowledged = await feed.take(told(ruleId, 'acknowledged'));
    expect(acknowledged.incident).toMatchObject({ id: incident.id, acknowledgedBy: 'ada' });
  });

  it('looks at the findings of detectors, once they are written', async () => {
    const id = await aNewRun();
    const ruleId = await aRule(id, { condition: { kind: 'loss_spike' } });
    const diverging = await aRule(id, { condition: { kind: 'divergence' } });
    const losses = Array.from({ length: 200 }, (_, step) => 2 + ((step * 7) % 11) / 100);
    const spiking = losses.map((loss, step) => (step >= 150 && step < 156 ? 6 : loss));
    await post(id, Object.fromEntries(spiking.entries()));
    const opened = await feed.take(told(ruleId, 'opened'));
    const { body } = await servers.get(`/api/v1/runs/${id}/spikes?kind=loss_spike`);
    expect(opened.incident).toMatchObject({
      ...{ spikeId: body.items[0].id, openedStep: body.items[0].confirmedStep },
    });
    const closed = await feed.take(told(ruleId, 'closed'));
    expect(closed.incident.closedStep).toBe(body.items[0].recoveredStep);
    await post(id, { 200: 'NaN' });
    expect((await feed.take(told(diverging, 'opened'))).incident.openedStep).toBe(200);
    await servers.post(`/api/v1/runs/${id}/finish`, { status: 'failed' });
    expect((await feed.take(told(diverging, 'closed'))).incident.closedBy).toBe('run_ended');
  });

  it('finds what is not finite in any metric of a layer', async () => {
    const id = await aNewRun();
    const ruleId = await aRule(id, { condition: { kind: 'non_finite' } });
    const layers = { rms: [1, 1], my_own: [1, 'NaN'] };
    const frames = [
      { step: 0, layers: { rms: [1, 1] } },
      { step: 1, layers },
    ];
    await servers.post(`/api/v1/runs/${id}/frames`, { frames });
    const { incident } = await feed.take(told(ruleId, 'opened'));
    expect(incident).toMatchObject({
      ...{ title: 'my_own is NaN in layer.1 at step 1', layers: [1], peakValue: null },
    });
  });

  it('waits for all shards of a step', async () => {
    const id = await aNewRun();
    const condition = aThreshold({ metric: 'rms', layers: '.', limit: 2 });
    const ruleId = await aRule(id, { condition });
    const shard = (layerOffset: number, values: number[]) =>
      servers.post(`/api/v1/runs/${id}/frames`, {
        layerOffset,
        frames: values.map((rms, step) => ({ step, layers: { rms: [rms] } })),
      });
    await shard(0, [1, 5]);
    await shard(1, [1, 6]);
    const { incident } = await feed.take(told(ruleId, 'opened'));
    expect(incident).toMatchObject({ openedStep: 1, layers: [0, 1], peakValue: 6 });
  });

  it('ends an attempt’s incidents where another begins, and looks at that from its resume', async () => {
    const id = await aNewRun();
    const ruleId = await aRule(id);
    await post(id, { 0: 1, 1: 1, 2: 9 });
    const first = await feed.take(told(ruleId, 'opened'));
    await servers.post('/api/v1/runs', { ...aRun(id), resumeFromStep: 1 });
    await post(id, { 1: 8 });
    const closed = await feed.take(told(ruleId, 'closed'));
    expect(closed.incident).toMatchObject({ id: first.incident.id, closedBy: 'new_attempt' });
    const second = await feed.take(told(ruleId, 'opened'));
    expect(second.incident).toMatchObject({ attempt: 2, openedStep: 1 });
  });

  it('forgets a run that is deleted', async () => {
    const id = await aNewRun();
    const ruleId = await aRule(id);
    await post(id, { 0: 9 });
    await feed.take(told(ruleId, 'opened'));
    await servers.api(`/api/v1/runs/${id}`, { method: 'DELETE' });
    expect(await incidentsOf(ruleId)).toEqual([]);
    expect((await servers.get('/readyz')).status).toBe(200);
  });

  it('says how it is', async () => {
    const { body } = await servers.get('/metrics');
    expect(body).toContain('spikescope_alerts_running 1');
    expect(body).toMatch(/spikescope_alerts_opened_total [1-9]/);
  });
});

it('a restart looks at what was stored meanwhile, once', async () => {
  const database = await createTestDatabase();
  const first = await startServers({ database, foldsAlerts: true });
  await first.post('/api/v1/runs', aRun('run'));
  const ruleId = await aRule('run', {}, first);
  const listening = await listenToIncidents(first.ingestUrl);
  await post('run', { 0: 1, 1: 9 }, first);
  const opened = await listening.take(told(ruleId, 'opened'));
  listening.close();
  await first.stop();
  // Rules are not looked at, though frames come.
  const blind = await startServers({ database });
  await post('run', { 2: 9, 3: 1, 4: 1, 5: 7 }, blind);
  await blind.stop();
  const second = await startServers({ database, foldsAlerts: true });
  try {
    await second.catchUp();
    type Steps = { readonly openedStep: number; readonly closedStep: number | null };
    // It may have looked before anybody could listen.
    const found = async () =>
      (await incidentsOf(ruleId, second))
        .map(({ openedStep, closedStep }: Steps) => [openedStep, closedStep])
        .sort(([a]: [number], [b]: [number]) => a - b);
    await expect.poll(found).toEqual([
      [1, 4],
      [5, null],
    ]);
    const ids = (await incidentsOf(ruleId, second)).map(({ id }: { id: string }) => id);
    expect(ids).toContain(opened.incident.id);
  } finally {
    await second.stop();
    await database.drop();
  }
}, 180_000);

it('a start looks at runs that go on, and holds none that nobody hears of', async () => {
  const database = await createTestDatabase();
  const blind = await startServers({ database });
  for (const id of ['silent', 'stale']) {
    await blind.post('/api/v1/runs', aRun(id));
    await post(id, { 0: 1 }, blind);
  }
  await aRule('silent', { runId: null }, blind);
  await blind.db.pool.query(
    `UPDATE run SET created_at = now() - interval '9 days' WHERE id = 'stale'`,
  );
  await blind.db.pool.query(
    `UPDATE step SET received_at = now() - interval '9 days' WHERE run = (SELECT run FROM run WHERE id = 'stale')`,
  );
  await blind.stop();
  const server = await startServers({ database, foldsAlerts: true });
  try {
    const metric = async (name: string): Promise<number> => {
      const text: string = (await server.get('/metrics')).body;
      return Number(new RegExp(`^spikescope_alerts_${name} (\\S+)$`, 'm').exec(text)?.[1]);
    };
    // One turn and no more: the other was not heard of for longer than any rule may ask.
    await expect
      .poll(async () => [await metric('turns_total'), await metric('runs')])
      .toEqual([1, 0]);
    const progress = await server.db.prisma.alertProgress.findMany();
    expect(progress).toMatchObject([{ step: 0n }]);
    // What it posts next is looked at all the same.
    const feedOf = await listenToIncidents(server.ingestUrl);
    await post('stale', { 1: 9 }, server);
    expect((await feedOf.take(() => true)).incident).toMatchObject({
      runId: 'stale',
      openedStep: 1,
    });
    feedOf.close();
  } finally {
    await server.stop();
    await database.drop();
  }
}, 180_000);

it('pages hear of the projects that their token may see', async () => {
  const guarded = await startServers({ foldsAlerts: true, requireTokens: true });
  const token = async (project: string) => {
    const created = await createToken(
      guarded.db,
      { name: 'test', project, scope: 'admin' },
      new Date(),
    );
    return created.plaintext;
  };
  const own = await token('tests');
  const foreign = await token('other');
  const [mine, theirs] = await Promise.all([
    listenToIncidents(guarded.ingestUrl, own),
    listenToIncidents(guarded.ingestUrl, foreign),
  ]);
  try {
    const run = async (project: string, plaintext: string): Promise<void> => {
      const headers = { Authorization: `Bearer ${plaintext}` };
      const id = `of-${project}`;
      await guarded.post('/api/v1/runs', aRun(id, 2, { project }), headers);
      const draft = { name: 'rule', condition: aThreshold() };
      await guarded.post(`/api/v1/projects/${project}/alert-rules`, draft, headers);
      await guarded.post(`/api/v1/runs/${id}/frames`, { frames: [{ step: 0, loss: 9 }] }, headers);
    };
    await run('tests', own);
    expect((await mine.take(() => true)).incident.runId).toBe('of-tests');
    await run('other', foreign);
    expect((await theirs.take(() => true)).incident.runId).toBe('of-other');
    expect(theirs.heard).toHaveLength(1);
  } finally {
    mine.close();
    theirs.close();
    await guarded.stop();
  }
}, 180_000);
