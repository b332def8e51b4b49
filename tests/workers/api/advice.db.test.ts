import { randomUUID } from 'node:crypto';
import { EventEmitter, once } from 'node:events';
import { type Server, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import pino from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type AdviceReply, adviceReplySchema } from '@/lib/contract/advice';
import { readAdvice } from '@/lib/query/read-advice';
import { runKeyOf } from '@/lib/store/runs/run-key';
import { createToken } from '@/lib/store/tokens';
import { createFrontDoor } from '@/workers/api/front-door';
import { type TestServers, aRun, startServers } from '@/tests/servers';

/** Quiet, but for one bump: losses that scatter by a percent, and RMS at 1. */
function frames(
  from: number,
  to: number,
  at: (step: number) => Record<string, unknown> = () => ({}),
) {
  return {
    frames: Array.from({ length: to - from + 1 }, (_, index) => {
      const step = from + index;
      return {
        ...{ step, loss: 2 + 0.02 * Math.sin(step * 1.7), learningRate: 1e-3 },
        layers: { rms: [1 + 0.02 * Math.sin(step), 1], gradient_norm: [0.5, 0.5] },
        ...at(step),
      };
    }),
  };
}

/** Large enough that an RMS of 2.3 counts. */
const aLargeRun = (id: string, over: Record<string, unknown> = {}) => ({
  ...aRun(id, 2, over),
  layers: ['wte', 'head'].map((name) => ({ name, parameterCount: 10_000 })),
});

let servers: TestServers;
beforeAll(async () => {
  servers = await startServers();
});
afterAll(() => servers.stop());

const advice = async (id: string, query = ''): Promise<AdviceReply> => {
  const { status, body } = await servers.get(`/api/v1/runs/${id}/advice${query}`);
  expect([status, body.error]).toEqual([200, undefined]);
  return adviceReplySchema.parse(body);
};

/** As a rule leaves it; its id. */
async function openIncident(runId: string, spikeId: string): Promise<string> {
  const incident = randomUUID();
  await servers.db.pool.query(
    `INSERT INTO incident (run, incident, project, rule, rule_name, severity, condition, attempt, opened_at,
       title, spike_id, notify_browsers)
     VALUES ($1, $2, 'tests', $2, 'rule', 'page', '{"kind":"divergence"}', 1, now(), 'lost', $3, false)`,
    [runKeyOf(runId), incident, spikeId],
  );
  return incident;
}

describe('advice', () => {
  it('is empty for a run without steps and for a healthy one, and says how far it looked', async () => {
    await servers.post('/api/v1/runs', aLargeRun('healthy'));
    expect(await advice('healthy')).toMatchObject({ attempt: 1, step: null, items: [] });
    await servers.post('/api/v1/runs/healthy/frames', frames(0, 99));
    expect(await advice('healthy')).toMatchObject({ attempt: 1, step: 99, items: [] });
  });

  it('holds what the acknowledgement before it told of', async () => {
    await servers.post('/api/v1/runs', aLargeRun('bursts'));
    await servers.post('/api/v1/runs/bursts/frames', frames(0, 99));
    const burst = frames(100, 100, () => ({ layers: { rms: [4.2, 1] } }));
    const { body } = await servers.post('/api/v1/runs/bursts/frames', burst);
    expect(body.events.map(({ kind }: { kind: string }) => kind)).toContain('spike_confirmed');
    const { step, items } = await advice('bursts');
    expect(step).toBe(100);
    expect(items).toMatchObject([{ id: '1-clip_updates-rms', reason: 'RMS 4.20 in wte' }]);
  });

  it('goes back to the posted checkpoint once the loss is not finite, and is silent after', async () => {
    const run = aLargeRun('diverges');
    await servers.post('/api/v1/runs', run);
    await servers.post('/api/v1/runs/diverges/frames', frames(0, 150));
    for (const step of [40, 90]) {
      const event = { step, kind: 'checkpoint', title: `ckpt-${step}` };
      await servers.post('/api/v1/runs/diverges/events', event);
    }
    const lost = frames(151, 153, () => ({ loss: 'NaN' }));
    await servers.post('/api/v1/runs/diverges/frames', lost);
    const { items } = await advice('diverges');
    expect(items).toMatchObject([
      { action: 'rewind', severity: 'page', checkpointStep: 90, skipSteps: { fromStep: 151 } },
    ]);
    const incident = await openIncident('diverges', items[0]?.spikeId ?? '');
    expect((await advice('diverges')).items[0]?.incidentId).toBe(incident);
    await servers.post('/api/v1/runs', { ...run, resumeFromStep: 90 });
    await servers.post('/api/v1/runs/diverges/frames', frames(90, 100));
    const again = await advice('diverges');
    expect(again).toMatchObject({ attempt: 2, step: 100 });
    expect(again.items.map(({ action }) => action)).toEqual(['skip_batch']);
    await servers.post('/api/v1/runs/diverges/frames', frames(101, 160));
    expect((await advice('diverges')).items).toEqual([]);
  });

  it('leaves out what the job has said that it did', async () => {
    await servers.post('/api/v1/runs', aLargeRun('done'));
    await servers.post('/api/v1/runs/done/frames', frames(0, 99));
    await servers.post(
      '/api/v1/runs/done/frames',
      frames(100, 100, () => ({ layers: { rms: [4.2, 1] } })),
    );
    const [item] = (await advice('done')).items;
    const event = { id: item?.id, step: 101, kind: 'hyperparameter', title: 'clips from here' };
    await servers.post('/api/v1/runs/done/events', event);
    expect((await advice('done')).items).toEqual([]);
  });

  it('is as of the saved state while the ingestion worker cannot be asked', async () => {
    await servers.post('/api/v1/runs', aLargeRun('alone'));
    await servers.post('/api/v1/runs/alone/frames', frames(0, 80));
    expect((await readAdvice(servers.db, 'alone', null)).step).toBeNull();
    await servers.post('/api/v1/runs/alone/finish', { status: 'finished' });
    expect((await readAdvice(servers.db, 'alone', null)).step).toBe(80);
    const other = { step: 5, watchedFromStep: 0 };
    // Of an attempt that is not the newest any more, what was said is no use.
    expect((await readAdvice(servers.db, 'alone', { ...other, attempt: 2 })).step).toBe(80);
  });

  it('refuses what it cannot understand and runs that are not there', async () => {
    const refused = await servers.get('/api/v1/runs/healthy/advice?waitSeconds=31');
    expect([refused.status, refused.body.error.details[0].path]).toEqual([422, 'waitSeconds']);
    expect((await servers.get('/api/v1/runs/none/advice')).body.error.code).toBe('run_not_found');
    expect((await servers.get('/internal/runs/healthy/detection')).body).toMatch(/^page /);
  });
});

describe('waiting for advice', () => {
  it('ends with the change, for all who wait, in less than its time', async () => {
    await servers.post('/api/v1/runs', aLargeRun('waits'));
    await servers.post('/api/v1/runs/waits/frames', frames(0, 99));
    const { version } = await advice('waits');
    const waiting = [1, 2, 3].map(() => advice('waits', `?after=${version}&waitSeconds=30`));
    await servers.post(
      '/api/v1/runs/waits/frames',
      frames(100, 100, () => ({ layers: { rms: [4.2, 1] } })),
    );
    for (const told of await Promise.all(waiting)) {
      expect(told.items.map(({ action }) => action)).toEqual(['clip_updates']);
    }
  });

  it('ends without one when its time is up', async () => {
    await servers.post('/api/v1/runs', aLargeRun('quiet'));
    await servers.post('/api/v1/runs/quiet/frames', frames(0, 9));
    const { version } = await advice('quiet');
    const told = await advice('quiet', `?after=${version}&waitSeconds=0.2`);
    expect(told.version).toBe(version);
  });

  it('ends when the server stops, with an answer', async () => {
    await servers.post('/api/v1/runs', aLargeRun('stops'));
    const { version } = await advice('stops');
    const looks = new EventEmitter();
    const ingest = createServer((_, response) => {
      looks.emit('look');
      response.end(JSON.stringify({ attempt: 1, seen: null }));
    });
    const frontDoor = createFrontDoor({
      ...{ db: servers.db, logger: pino({ level: 'silent' }), version: '0.0.0' },
      ...{ requireTokens: false, hosts: { host: '127.0.0.1', allowedHosts: [] } },
      ...{
        embedOrigins: [],
        canSendEmail: false,
        ingestUrl: await listen(ingest),
        webUrl: servers.url,
      },
    });
    const url = await listen(frontDoor.server);
    const isWaiting = once(looks, 'look');
    const waiting = fetch(`${url}/api/v1/runs/stops/advice?after=${version}&waitSeconds=30`);
    await isWaiting;
    await frontDoor.close();
    const answer = await waiting;
    expect([200, 503]).toContain(answer.status);
    if (answer.status === 200) expect(await answer.json()).toMatchObject({ version });
    ingest.closeAllConnections();
    ingest.close();
  });
});

async function listen(server: Server): Promise<string> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

it('is open to the token of the job that posts, and to no other project', async () => {
  const guarded = await startServers({ requireTokens: true });
  const make = async (project: string, scope: 'ingest' | 'read') => {
    const token = await createToken(guarded.db, { project, scope, name: 'test' }, new Date());
    return { Authorization: `Bearer ${token.plaintext}` };
  };
  const ingest = await make('tests', 'ingest');
  await guarded.post('/api/v1/runs', aLargeRun('guarded'), ingest);
  const path = '/api/v1/runs/guarded/advice';
  expect((await guarded.get(path, ingest)).status).toBe(200);
  expect((await guarded.get(path, await make('tests', 'read'))).status).toBe(200);
  expect((await guarded.get(path, await make('other', 'ingest'))).status).toBe(403);
  expect((await guarded.get(path)).status).toBe(401);
  expect((await guarded.get('/api/v1/runs/guarded', ingest)).status).toBe(403);
  await guarded.stop();
});
