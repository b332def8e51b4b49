import { randomUUID } from 'node:crypto';
import { type Server, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runKeyOf } from '@/lib/store/runs/run-key';
import { createToken } from '@/lib/store/tokens';
import { type TestServers, aRun, startServers } from '@/tests/servers';

let receiver: Server;
let received: { path: string; body: string }[] = [];
let servers: TestServers;
let port = 0;
const clock = new Date('2026-11-22T10:00:00.000Z');

beforeAll(async () => {
  receiver = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      received.push({ path: request.url ?? '', body: Buffer.concat(chunks).toString() });
      response.writeHead(request.url === '/broken' ? 500 : 200).end('no <such> hook');
    });
  });
  await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
  port = (receiver.address() as AddressInfo).port;
  servers = await startServers({
    now: () => clock,
    alerts: {
      publicUrl: 'https://spikes.example.org',
      allowedHosts: [`127.0.0.1:${port}`],
      mail: null,
    },
  });
  await servers.post('/api/v1/runs', aRun('run', 2, { project: 'p' }));
});
afterAll(async () => {
  await servers.stop();
  receiver.close();
});

const CHANNELS = '/api/v1/projects/p/alert-channels';
const send = async (method: string, path: string, value?: unknown) => {
  const reply = await servers.api(path, {
    method,
    headers: { 'Content-Type': 'application/json' },
    ...(value === undefined ? {} : { body: JSON.stringify(value) }),
  });
  return { status: reply.status, body: await reply.json() };
};
const hook = (url: string) => ({ kind: 'webhook', url });

async function make(value: object): Promise<string> {
  const { status, body } = await send('POST', CHANNELS, value);
  expect(status).toBe(201);
  return body.id;
}

describe('a channel', () => {
  it('gets a secret that is shown once and never again', async () => {
    const url = 'https://user:word@hooks.example.org/services/T0123456789ABCDEFGHIJK?key=hidden';
    const { status, body } = await send('POST', CHANNELS, { name: 'on call', target: hook(url) });
    expect(status).toBe(201);
    expect(body).toMatchObject({
      ...{ project: 'p', name: 'on call', kind: 'webhook', isEnabled: true, deadCount: 0 },
      ...{ lastDeliveredAt: null, lastError: null, createdAt: clock.toISOString() },
      target: 'https://hooks.example.org/services/…',
      secret: expect.stringMatching(/^[A-Za-z0-9_-]{43}$/) as string,
    });
    const list = await servers.get(CHANNELS);
    expect(list.body).toMatchObject({ canSendEmail: false, items: [{ id: body.id }] });
    const shown = JSON.stringify(list.body);
    for (const hidden of [body.secret, 'T0123456789', 'key=', 'word']) {
      expect(shown).not.toContain(hidden);
    }
    expect((await send('DELETE', `${CHANNELS}/${body.id}`)).status).toBe(200);
  });

  it('keeps a secret that was given, and does not repeat it', async () => {
    const secret = 'a secret of sixteen and more';
    const target = hook('https://hooks.example.org/a');
    const { body } = await send('POST', CHANNELS, { name: 'given', target, secret });
    expect(body).not.toHaveProperty('secret');
    const { secret: stored } = await servers.db.prisma.alertChannel.findUniqueOrThrow({
      where: { project_channelKey: { project: 'p', channelKey: body.id } },
    });
    expect(stored).toBe(secret);
    const changed = await send('PATCH', `${CHANNELS}/${body.id}`, { secret: `${secret} changed` });
    expect([changed.status, JSON.stringify(changed.body)]).toEqual([
      200,
      expect.not.stringContaining(secret),
    ]);
    await send('DELETE', `${CHANNELS}/${body.id}`);
  });

  it('shows of a Slack URL the host alone', async () => {
    const target = { kind: 'slack', url: 'https://hooks.slack.com/services/T0/B0/abc' };
    const { body } = await send('POST', CHANNELS, { name: 'chat', target });
    expect([body.target, body.secret]).toEqual(['hooks.slack.com', undefined]);
    await send('DELETE', `${CHANNELS}/${body.id}`);
  });

  it('changes what is named and leaves the rest', async () => {
    const id = await make({ name: 'old', target: hook('https://hooks.example.org/a') });
    expect((await send('PATCH', `${CHANNELS}/${id}`, { isEnabled: false })).body).toMatchObject({
      ...{ name: 'old', isEnabled: false, target: 'https://hooks.example.org/a' },
    });
    const target = hook('https://hooks.example.org/b');
    expect((await send('PATCH', `${CHANNELS}/${id}`, { name: 'new', target })).body).toMatchObject({
      ...{ name: 'new', isEnabled: false, target: 'https://hooks.example.org/b' },
    });
    await send('DELETE', `${CHANNELS}/${id}`);
  });

  it('leaves the rules that named it when it goes', async () => {
    const id = await make({ name: 'leaves', target: hook('https://hooks.example.org/a') });
    const stays = await make({ name: 'stays', target: hook('https://hooks.example.org/b') });
    await servers.db.prisma.alertRule.create({
      data: {
        ...{ project: 'p', ruleKey: randomUUID(), name: 'r', severity: 'warn' },
        ...{ condition: { kind: 'divergence' }, channelKeys: [id, stays] },
        ...{ notifyBrowsers: false, isEnabled: true },
      },
    });
    expect((await send('DELETE', `${CHANNELS}/${id}`)).body).toEqual({ id, deleted: true });
    const rule = await servers.db.prisma.alertRule.findFirstOrThrow({ where: { project: 'p' } });
    expect(rule.channelKeys).toEqual([stays]);
    expect((await send('DELETE', `${CHANNELS}/${id}`)).status).toBe(404);
    await send('DELETE', `${CHANNELS}/${stays}`);
  });

  it('names the field that is wrong', async () => {
    const id = await make({ name: 'x', target: hook('https://hooks.example.org/a') });
    const faults: [string, string, object][] = [
      ['POST', 'target.url', { name: 'x', target: hook('ftp://example.org') }],
      ['POST', 'name', { name: ' ', target: hook('https://example.org') }],
      ['POST', 'secret', { name: 'x', target: hook('https://example.org'), secret: 'short' }],
      [
        'POST',
        'target.to.0',
        { name: 'x', target: { kind: 'email', to: ['a@b\r\nBcc: c@d.org'] } },
      ],
      ['POST', 'target.kind', { name: 'x', target: { kind: 'email', to: ['a@example.org'] } }],
      [
        'POST',
        'secret',
        {
          ...{ name: 'x', secret: 'a secret of sixteen and more' },
          target: { kind: 'slack', url: 'https://hooks.slack.com/services/a' },
        },
      ],
      ['PATCH', 'target.kind', { target: { kind: 'slack', url: 'https://hooks.slack.com/a' } }],
    ];
    for (const [method, path, value] of faults) {
      const at = method === 'POST' ? CHANNELS : `${CHANNELS}/${id}`;
      const { status, body } = await send(method, at, value);
      expect([status, body.error.code, body.error.details[0].path], JSON.stringify(value)).toEqual([
        422,
        'invalid_body',
        path,
      ]);
    }
    await send('DELETE', `${CHANNELS}/${id}`);
  });

  it.each([
    ['http://127.0.0.1/', 'a loopback address'],
    ['http://localhost./hook', 'a loopback address'],
    ['http://2130706433/', 'a loopback address'],
    ['http://0x7f.1/', 'a loopback address'],
    ['https://169.254.169.254/latest/meta-data', 'the metadata service of a cloud'],
    ['http://[::ffff:10.0.0.1]/', 'a private address'],
    ['http://[fe80::1]/', 'a link-local address'],
  ])('may not be at %s', async (url, reason) => {
    for (const kind of ['webhook', 'slack']) {
      const { status, body } = await send('POST', CHANNELS, { name: 'x', target: { kind, url } });
      expect([status, body.error]).toMatchObject([
        422,
        { code: 'address_not_allowed', details: [{ path: 'target.url' }] },
      ]);
      expect(body.error.message).toContain(reason);
    }
    const id = await make({ name: 'moves', target: hook('https://hooks.example.org/a') });
    const moved = await send('PATCH', `${CHANNELS}/${id}`, { target: hook(url) });
    expect(moved.body.error.code).toBe('address_not_allowed');
    await send('DELETE', `${CHANNELS}/${id}`);
  });

  it('is not there in another project, nor by a name that is no key', async () => {
    const id = await make({ name: 'here', target: hook('https://hooks.example.org/a') });
    await servers.post('/api/v1/runs', aRun('other', 1, { project: 'q' }));
    for (const path of [`/api/v1/projects/q/alert-channels/${id}`, `${CHANNELS}/x`]) {
      expect((await send('PATCH', path, {})).body.error.code).toBe('channel_not_found');
      expect((await send('POST', `${path}/test`)).body.error.code).toBe('channel_not_found');
    }
    for (const part of ['alert-channels', 'alert-deliveries']) {
      const { body } = await servers.get(`/api/v1/projects/none/${part}`);
      expect(body.error.code).toBe('project_not_found');
    }
    const nowhere = '/api/v1/projects/none/alert-channels';
    const value = { name: 'x', target: hook('https://hooks.example.org/a') };
    expect((await send('POST', nowhere, value)).body.error.code).toBe('project_not_found');
    await send('DELETE', `${CHANNELS}/${id}`);
  });
});

describe('a test of a channel', () => {
  it('sends a message that says so, and says what was answered', async () => {
    received = [];
    const id = await make({ name: 'tried', target: hook(`http://127.0.0.1:${port}/hook`) });
    const { status, body } = await send('POST', `${CHANNELS}/${id}/test`);
    expect([status, body]).toEqual([200, { ok: true, message: 'it answered 200' }]);
    expect(received.map(({ path }) => path)).toEqual(['/hook']);
    expect(JSON.parse(received[0]!.body)).toMatchObject({
      ...{ version: 1, kind: 'test', project: 'p', channel: 'tried' },
      url: 'https://spikes.example.org',
    });
    const broken = hook(`http://127.0.0.1:${port}/broken`);
    await send('PATCH', `${CHANNELS}/${id}`, { target: broken });
    expect((await send('POST', `${CHANNELS}/${id}/test`)).body).toEqual({
      ok: false,
      message: 'it answered 500: no <such> hook',
    });
    await send('DELETE', `${CHANNELS}/${id}`);
  });
});

describe('messages', () => {
  const DELIVERIES = '/api/v1/projects/p/alert-deliveries';

  it('are listed with what became of them, and sent again', async () => {
    const id = await make({ name: 'list', target: hook('https://hooks.example.org/a') });
    const incidentKey = randomUUID();
    const runKey = runKeyOf('run');
    await servers.db.prisma.incident.create({
      data: {
        ...{ runKey, incidentKey, project: 'p', ruleKey: randomUUID(), ruleName: 'r' },
        ...{ severity: 'page', condition: { kind: 'divergence' }, attempt: 1 },
        ...{ openedAt: clock, title: 'The loss diverged', layers: [], notifyBrowsers: false },
      },
    });
    const dead = randomUUID();
    const sent = randomUUID();
    const common = { runKey, incidentKey, project: 'p', channelKey: id, nextAttemptAt: clock };
    await servers.db.prisma.alertDelivery.createMany({
      data: [
        {
          ...{ ...common, deliveryKey: sent, status: 'delivered', attempts: 1 },
          ...{ createdAt: new Date(clock.getTime() - 1000), deliveredAt: clock },
        },
        {
          ...{ ...common, deliveryKey: dead, status: 'dead', attempts: 12 },
          ...{ createdAt: clock, lastError: 'it answered 503' },
        },
      ],
    });
    const { body } = await servers.get(DELIVERIES);
    expect(body.total).toBe(2);
    expect(body.items).toMatchObject([
      {
        ...{ id: dead, incidentId: incidentKey, incidentTitle: 'The loss diverged', runId: 'run' },
        ...{ channelId: id, channelName: 'list', status: 'dead', attempts: 12 },
        ...{ nextAttemptAt: null, lastError: 'it answered 503', deliveredAt: null },
      },
      { id: sent, status: 'delivered', deliveredAt: clock.toISOString() },
    ]);
    expect((await servers.get(`${DELIVERIES}?status=dead`)).body.items).toHaveLength(1);
    expect((await servers.get(`${DELIVERIES}?limit=1`)).body).toMatchObject({ total: 2 });
    expect((await servers.get(`${DELIVERIES}?incidentId=${randomUUID()}`)).body.total).toBe(0);
    expect((await servers.get(`${DELIVERIES}?incidentId=x`)).body.total).toBe(0);
    expect((await servers.get(CHANNELS)).body.items).toMatchObject([
      {
        ...{ deadCount: 1, lastError: 'it answered 503' },
        lastDeliveredAt: clock.toISOString(),
      },
    ]);

    const again = await send('POST', `${DELIVERIES}/${dead}/retry`);
    expect([again.status, again.body]).toMatchObject([
      200,
      { id: dead, status: 'pending', attempts: 0, nextAttemptAt: clock.toISOString() },
    ]);
    expect((await send('POST', `${DELIVERIES}/${randomUUID()}/retry`)).body.error.code).toBe(
      'delivery_not_found',
    );
    // Whoever sets the channel right wants what waits now; a new name changes nothing.
    const later = new Date(clock.getTime() + 3_600_000);
    await servers.db.prisma.alertDelivery.updateMany({
      where: { deliveryKey: dead },
      data: { nextAttemptAt: later },
    });
    const nextOf = async () =>
      (await servers.get(`${DELIVERIES}?status=pending`)).body.items[0].nextAttemptAt;
    await send('PATCH', `${CHANNELS}/${id}`, { name: 'renamed' });
    expect(await nextOf()).toBe(later.toISOString());
    const target = hook('https://hooks.example.org/right');
    await send('PATCH', `${CHANNELS}/${id}`, { target });
    expect(await nextOf()).toBe(clock.toISOString());

    await send('DELETE', `${CHANNELS}/${id}`);
    expect((await send('POST', `${DELIVERIES}/${dead}/retry`)).body.error.code).toBe(
      'channel_not_found',
    );
  });

  it('and channels go with their project', async () => {
    await make({ name: 'goes', target: hook('https://hooks.example.org/a') });
    expect((await send('DELETE', '/api/v1/projects/p?confirm=p')).status).toBe(200);
    expect(await servers.db.prisma.alertChannel.count({ where: { project: 'p' } })).toBe(0);
    expect(await servers.db.prisma.alertRule.count({ where: { project: 'p' } })).toBe(0);
    expect(await servers.db.prisma.alertDelivery.count({ where: { project: 'p' } })).toBe(0);
  });
});

describe('where tokens are required', () => {
  it('channels are written by administrators of the project alone', async () => {
    const guarded = await startServers({ requireTokens: true });
    try {
      const as = async (project: string, scope: 'read' | 'ingest' | 'admin') => {
        const { plaintext } = await createToken(guarded.db, { name: 't', project, scope }, clock);
        return { Authorization: `Bearer ${plaintext}` };
      };
      await guarded.post('/api/v1/runs', aRun('r', 1, { project: 'p' }), await as('p', 'admin'));
      const value = { name: 'x', target: hook('https://hooks.example.org/a') };
      const statuses = [];
      for (const headers of [
        await as('p', 'admin'),
        await as('p', 'ingest'),
        await as('p', 'read'),
        await as('q', 'admin'),
        {},
      ]) {
        statuses.push((await guarded.post(CHANNELS, value, headers)).status);
      }
      expect(statuses).toEqual([201, 403, 403, 403, 401]);
      expect((await guarded.get(CHANNELS, await as('p', 'read'))).status).toBe(200);
      expect((await guarded.get(CHANNELS, await as('q', 'read'))).status).toBe(403);
    } finally {
      await guarded.stop();
    }
  });
});
