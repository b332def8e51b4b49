import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type TestServers, aRun, startServers } from '@/tests/servers';

/** Sends bytes as they are and resolves with all that comes back until the server closes. */
function exchange(url: string, request: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(url);
    const socket = connect(Number(port), hostname, () => {
      socket.write(request);
    });
    let text = '';
    socket.on('data', (chunk) => (text += chunk.toString()));
    socket.on('close', () => {
      resolve(text);
    });
    socket.on('error', reject);
  });
}

const get = (target: string, method = 'GET') =>
  `${method} ${target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`;

describe('requests that no client should send', () => {
  let servers: TestServers;
  beforeAll(async () => {
    servers = await startServers();
    await servers.post('/api/v1/runs', aRun('odd'));
    await servers.post('/api/v1/runs', aRun('upgraded'));
    await servers.post('/api/v1/runs/odd/frames', {
      frames: [0, 1, 2].map((step) => ({ step, loss: step, layers: { rms: [step, step] } })),
    });
  });
  afterAll(() => servers.stop());

  it.each(['http://[', 'http://'])('answers the target %s with 400', async (target) => {
    const reply = await exchange(servers.url, get(target));
    expect(reply).toMatch(/^HTTP\/1\.1 400 /);
    expect(reply).toContain('"bad_request"');
  });

  it.each(['//', '//elsewhere/api/v1/runs', '/\\'])(
    'takes %s for a path, and not for another host',
    async (target) => {
      const reply = await exchange(servers.url, get(target));
      expect(reply).toMatch(/^HTTP\/1\.1 200 /);
      expect(reply).not.toContain('"items"');
    },
  );

  it.each([
    ['/healthz', 'DELETE', 'GET, HEAD'],
    ['/readyz', 'POST', 'GET, HEAD'],
    ['/metrics', 'PUT', 'GET, HEAD'],
    ['/api/v1/openapi.json', 'OPTIONS', 'GET, HEAD'],
    ['/api/v1/runs', 'PUT', 'GET, HEAD, POST'],
    ['/api/v1/runs/odd/frames', 'GET', 'POST'],
  ])('tells at %s what is answered in place of %s', async (path, method, allow) => {
    const reply = await servers.api(path, { method });
    expect(reply.status).toBe(405);
    expect(reply.headers.get('allow')).toBe(allow);
    expect(await reply.json()).toMatchObject({ error: { code: 'method_not_allowed' } });
  });

  it('posts for a client that would rather speak HTTP/2', async () => {
    const body = JSON.stringify({ frames: [{ step: 10, loss: 1 }] });
    const head = [
      'POST /api/v1/runs/upgraded/frames HTTP/1.1',
      'Host: localhost',
      'Content-Type: application/json',
      `Content-Length: ${body.length}`,
      'Connection: Upgrade, HTTP2-Settings, close',
      'Upgrade: h2c',
      'HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA',
    ];
    const reply = await exchange(servers.url, `${head.join('\r\n')}\r\n\r\n${body}`);
    expect(reply).toMatch(/^HTTP\/1\.1 200 /);
    expect(reply).toContain('"accepted":1');
  });

  it('takes such a body in pieces, and the next request on the same connection', async () => {
    const body = JSON.stringify({ frames: [{ step: 11, loss: 1 }] });
    const { hostname, port } = new URL(servers.url);
    const socket = connect(Number(port), hostname);
    let text = '';
    socket.on('data', (chunk) => (text += chunk.toString()));
    const head = [
      'POST /api/v1/runs/upgraded/frames HTTP/1.1',
      'Host: localhost',
      'Content-Type: application/json',
      `Content-Length: ${body.length}`,
      'Connection: Upgrade',
      'Upgrade: h2c',
    ];
    socket.write(`${head.join('\r\n')}\r\n\r\n${body.slice(0, 9)}`);
    await new Promise<void>((resolve) => setImmediate(resolve));
    socket.write(body.slice(9));
    await vi.waitFor(() => expect(text).toContain('"accepted":1'), { timeout: 60_000 });
    socket.write(get('/healthz'));
    await vi.waitFor(() => expect(text).toMatch(/ok\n$/), { timeout: 60_000 });
    socket.destroy();
  });

  it('answers a WebSocket where there is none', async () => {
    const head = [
      'GET /api/v1/runs HTTP/1.1',
      'Host: localhost',
      'Connection: Upgrade',
      'Upgrade: websocket',
      'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
      'Sec-WebSocket-Version: 13',
    ];
    const reply = await exchange(servers.url, `${head.join('\r\n')}\r\n\r\n`);
    expect(reply).toMatch(/^HTTP\/1\.1 404 /);
  });

  it('takes a parameter without a value for one that was not given', async () => {
    const path = '/api/v1/runs/odd/timeline?series=&fromStep=&toStep=%20&points=&attempt=';
    const { status, body } = await servers.get(path);
    expect([status, body.series[0].points.length]).toEqual([200, 3]);
    const { body: none } = await servers.get('/api/v1/runs?ids=');
    expect(none.items).toEqual([]);
  });

  it('refuses a parameter that is there twice', async () => {
    const { status, body } = await servers.get('/api/v1/runs/odd/timeline?series=loss&series=rms');
    expect([status, body.error.code]).toEqual([422, 'invalid_query']);
    expect(body.error.message).toBe('series: expected once; lists are joined by commas');
  });

  it.each([
    ['/runs?q=%00', 422],
    ['/runs?project=a%00', 422],
    ['/incidents?project=%00', 422],
    ['/runs/odd/notes?spikeId=%00', 422],
    ['/runs/odd/spikes/%00', 404],
    ['/runs/odd/spikes/%00/postmortem', 404],
    ['/projects/%00/policy', 404],
    ['/projects/%00/alert-rules', 404],
    ['/runs/odd/layers/9007199254740991/series?metric=rms', 404],
    ['/runs/odd/stages?layer=9007199254740991', 422],
    ['/runs/odd/notes?layer=9007199254740991', 422],
    ['/runs/odd/export?kind=steps&format=csv&maxSteps=9007199254740991', 200],
  ])('answers GET %s with %i', async (path, status) => {
    const reply = await servers.api(`/api/v1${path}`);
    await reply.text();
    expect(reply.status).toBe(status);
  });

  it.each([
    ['attempt=abc', 'attempt: expected the number of an attempt, effective or all'],
    ['fromStep=abc', 'fromStep: expected a whole number'],
    ['toStep=1.5', 'toStep: expected a step, a whole number up to 2^53 - 1'],
    ['points=1e400', 'points: expected a whole number'],
  ])('says of %s what was expected', async (query, message) => {
    const { status, body } = await servers.get(`/api/v1/runs/odd/timeline?${query}`);
    expect([status, body.error.message]).toEqual([422, message]);
  });

  it.each([
    ['project', { project: 'a\0b' }],
    ['name', { name: '\ud800' }],
    ['tags.1', { tags: ['a', 'b\0'] }],
    ['config.a.0.b', { config: { a: [{ b: '\udfff' }] } }],
    ['config.a\\u0000', { config: { 'a\0': 1 } }],
    ['optimizer.name', { optimizer: { name: 'adam\0' } }],
    ['layers.0.name', { layers: [{ name: 'l\0', parameterCount: 1 }] }],
    ['layers.0.depth', { layers: [{ name: 'l', parameterCount: 1, depth: 2 ** 31 }] }],
  ])('names the field %s of a run that cannot be stored', async (path, fields) => {
    const { status, body } = await servers.post('/api/v1/runs', {
      ...aRun('unstorable'),
      ...fields,
    });
    expect([status, body.error.code]).toEqual([422, 'invalid_body']);
    expect(body.error.details[0].path).toBe(path);
    expect((await servers.get('/api/v1/runs/unstorable')).status).toBe(404);
  });

  it('names the field of an event and of a patch that cannot be stored', async () => {
    const event = { step: 1, kind: 'note', title: 'a', detail: '\0' };
    const posted = await servers.post('/api/v1/runs/odd/events', event);
    expect([posted.status, posted.body.error.details[0].path]).toEqual([422, 'detail']);
    const patched = await servers.api('/api/v1/runs/odd', {
      method: 'PATCH',
      body: JSON.stringify({ notes: 'a\0' }),
    });
    expect(patched.status).toBe(422);
  });

  it('tells fields of a post that the contract does not know, and counts them', async () => {
    const { status, body } = await servers.post('/api/v1/runs/odd/frames', {
      frames: [{ step: 3, loss: 1, learning_rate: 0.1 }],
      layer_offset: 0,
    });
    expect([status, body.accepted]).toEqual([200, 1]);
    expect(body.ignored).toEqual(['layer_offset', 'frames.0.learning_rate']);
    const { body: metrics } = await servers.get('/metrics');
    expect(metrics).toMatch(/^spikescope_ingest_ignored_fields_total 2$/m);
  });

  it('tells fields that it does not know of a run, an event and its end', async () => {
    const run = { ...aRun('misspelt'), resumeFrom: 3 };
    const created = await servers.post('/api/v1/runs', run);
    expect([created.status, created.body.ignored]).toEqual([201, ['resumeFrom']]);
    const again = await servers.post('/api/v1/runs', run);
    expect([again.status, again.body.ignored]).toEqual([200, ['resumeFrom']]);
    const event = { step: 1, kind: 'note', title: 'a', details: 'b' };
    const posted = await servers.post('/api/v1/runs/misspelt/events', event);
    expect([posted.status, posted.body.ignored]).toEqual([201, ['details']]);
    const finish = { status: 'finished', reason: 'done' };
    const finished = await servers.post('/api/v1/runs/misspelt/finish', finish);
    expect([finished.status, finished.body.ignored]).toEqual([200, ['reason']]);
    const known = await servers.post('/api/v1/runs', aRun('misspelt'));
    expect(known.body).not.toHaveProperty('ignored');
  });

  it.each([
    ['/api/v1/runs/odd/timeline?fromstep=1&points=10', 'fromstep'],
    ['/api/v1/runs/odd/export?kind=scalars&format=csv&from_step=1', 'from_step'],
    ['/api/v1/runs?projects=odd&limit=5', 'projects'],
    ['/api/v1/runs/nowhere?fromStep=1', 'fromStep'],
  ])('names in a header what it does not know of %s', async (path, name) => {
    const plain = await servers.api(path.replace(new RegExp(`&?${name}=\\w+`), ''));
    const reply = await servers.api(path);
    expect(reply.headers.get('X-Ignored-Parameters')).toBe(name);
    expect(plain.headers.get('X-Ignored-Parameters')).toBeNull();
    expect(reply.status).toBe(plain.status);
    expect(await reply.text()).toBe(await plain.text());
  });
});
