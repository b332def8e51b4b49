import type { Socket } from 'node:net';
import { connect } from 'node:net';
import { io } from 'socket.io-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decodeHeatmapColumns } from '@/lib/contract/heatmap-columns';
import { createToken, revokeToken } from '@/lib/store/tokens';
import { type TestServers, aRun, startServers } from '@/tests/servers';

/** A request with headers that fetch would not send, such as a foreign Host. */
function rawGet(url: string, path: string, headers: Record<string, string>): Promise<string> {
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(url);
    const socket: Socket = connect(Number(port), hostname);
    let text = '';
    socket.on('data', (chunk) => (text += chunk.toString()));
    socket.on('end', () => {
      resolve(text);
    });
    socket.on('error', reject);
    const lines = Object.entries({ Connection: 'close', ...headers }).map(
      ([name, value]) => `${name}: ${value}`,
    );
    socket.write(`GET ${path} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`);
  });
}

describe('the front door without tokens', () => {
  let servers: TestServers;
  beforeAll(async () => {
    servers = await startServers();
  });
  afterAll(() => servers.stop());

  it('is alive and ready, and says what it is made of', async () => {
    expect((await servers.get('/healthz')).body).toBe('ok\n');
    const ready = await servers.get('/readyz');
    expect([ready.status, ready.body]).toEqual([
      200,
      { ready: true, draining: false, checks: { database: 'ok', ingest: 'ok', web: 'ok' } },
    ]);
  });

  it('exposes the metrics of both processes', async () => {
    await servers.post('/api/v1/runs', aRun('metrics'));
    await servers.post('/api/v1/runs/metrics/frames', {
      frames: [{ step: 0, layers: { rms: [1, 1] } }],
    });
    const { body } = await servers.get('/metrics');
    expect(body).toMatch(/^spikescope_ingest_frames_total\{outcome="accepted"\} 1$/m);
    expect(body).toMatch(/^spikescope_ingest_datapoints_total 2$/m);
    expect(body).toContain('spikescope_api_request_seconds_bucket');
    const bytes = Number(/^spikescope_database_bytes (\d+)$/m.exec(body)?.[1]);
    expect(bytes).toBeGreaterThan(1e6);
  });

  it('publishes its schemas', async () => {
    const { body } = await servers.get('/api/v1/openapi.json');
    expect(body.openapi).toMatch(/^3\.1/);
    expect(body.paths['/api/v1/runs/{id}/frames'].post).toBeDefined();
  });

  it('passes pages to the web app and keeps them out of foreign frames', async () => {
    const page = await servers.get('/runs/abc?metric=rms');
    expect(page.body).toBe('page /runs/abc?metric=rms');
    expect(page.headers.get('x-frame-options')).toBe('DENY');
    expect(page.headers.get('content-security-policy')).toBe("frame-ancestors 'none'");
  });

  it('lets its own pages show one within a frame that asks for it', async () => {
    const page = await servers.get('/runs/abc?embed=1');
    expect(page.body).toBe('page /runs/abc?embed=1');
    expect(page.headers.get('content-security-policy')).toBe("frame-ancestors 'self'");
  });

  it.each([[{ Host: 'evil.example' }], [{ Host: 'localhost', Origin: 'https://evil.example' }]])(
    'refuses %j on reads, writes and pages',
    async (headers) => {
      for (const path of ['/api/v1/runs', '/', '/socket.io/?EIO=4&transport=polling']) {
        const text = await rawGet(servers.url, path, headers);
        expect(text).toMatch(/^HTTP\/1\.1 403/);
        expect(text).toContain('host_not_allowed');
        expect(text).toContain('SPIKESCOPE_ALLOWED_HOSTS');
      }
    },
  );

  it('refuses a WebSocket of a foreign page', async () => {
    const client = io(`${servers.url}/live`, {
      transports: ['websocket'],
      reconnection: false,
      extraHeaders: { Origin: 'https://evil.example' },
    });
    await new Promise((resolve) => client.once('connect_error', resolve));
    client.close();
  });

  it('serves a name that the settings allow', async () => {
    const text = await rawGet(servers.url, '/healthz', { Host: 'spikes.example.org' });
    expect(text).toMatch(/^HTTP\/1\.1 200/);
  });

  it('answers every read of an unknown run with 404 and of a bad query with 422', async () => {
    for (const read of [
      '',
      '/timeline',
      '/heatmap',
      '/metrics',
      '/events',
      '/spikes',
      '/spikes/x',
      '/stages',
      '/layers/0/series?metric=rms',
      '/layers/0/distributions',
    ]) {
      const reply = await servers.get(`/api/v1/runs/none${read}`);
      expect([read, reply.status, reply.body.error.code]).toEqual([read, 404, 'run_not_found']);
    }
    await servers.post('/api/v1/runs', aRun('queries'));
    for (const [read, path] of [
      ['/timeline?points=0', 'points'],
      ['/timeline?fromStep=-1', 'fromStep'],
      ['/timeline?attempt=zero', 'attempt'],
      ['/heatmap?columns=1e9', 'columns'],
      ['/heatmap?reduce=median', 'reduce'],
      ['/layers/0/series', 'metric'],
      ['/layers/0/distributions?limit=x', 'limit'],
      ['/spikes?kind=party', 'kind'],
    ] as const) {
      const reply = await servers.get(`/api/v1/runs/queries${read}`);
      expect([read, reply.status, reply.body.error.details[0].path]).toEqual([read, 422, path]);
    }
    const layer = await servers.get('/api/v1/runs/queries/layers/7/series?metric=rms');
    expect([layer.status, layer.body.error.code]).toEqual([404, 'layer_not_found']);
    expect((await servers.get('/api/v1/runs?q=/[/')).status).toBe(422);
  });

  it('answers many heatmaps at once with what each asked for, from memory used again', async () => {
    const layers = Array.from({ length: 64 }, (_, index) => ({
      name: `layer.${index}`,
      parameterCount: 1,
    }));
    await servers.post('/api/v1/runs', { ...aRun('pictures'), layers });
    const frames = Array.from({ length: 60 }, (_, step) => ({
      step,
      layers: {
        rms: layers.map((__, index) => step + index),
        // Only some steps have it: the other cells must not be an earlier picture's.
        ...(step % 2 === 0 ? { gradient_norm: layers.map((__, index) => -1 - step - index) } : {}),
      },
    }));
    await servers.post('/api/v1/runs/pictures/frames', { frames });
    const read = async (metric: string, reduce: string) => {
      const path = `/api/v1/runs/pictures/heatmap?metric=${metric}&reduce=${reduce}&columns=60`;
      const accept = { Accept: 'application/vnd.safetensors' };
      const reply = await servers.api(path, { headers: accept });
      const { values } = decodeHeatmapColumns(new Uint8Array(await reply.arrayBuffer()));
      return Array.from(values);
    };
    const expected = (cell: (layer: number, step: number) => number) =>
      layers.flatMap((_, layer) => Array.from({ length: 60 }, (__, step) => cell(layer, step)));
    const pictures = {
      rms: expected((layer, step) => step + layer),
      gradient_norm: expected((layer, step) => (step % 2 === 0 ? -1 - step - layer : NaN)),
      unknown: expected(() => NaN),
    };
    for (let round = 0; round < 5; round++) {
      const asked = Object.keys(pictures).flatMap((metric) => [metric, metric, metric]);
      const answers = await Promise.all(
        asked.map((metric, index) => read(metric, ['max', 'min', 'mean'][index % 3]!)),
      );
      asked.forEach((metric, index) => {
        expect(answers[index]).toEqual(pictures[metric as keyof typeof pictures]);
      });
    }
  });
});

describe('the front door with tokens', () => {
  let servers: TestServers;
  let tokens: Record<'ingest' | 'read' | 'admin' | 'foreign', string>;
  beforeAll(async () => {
    servers = await startServers({ requireTokens: true });
    const make = async (project: string, scope: 'ingest' | 'read' | 'admin') =>
      (await createToken(servers.db, { project, scope, name: 'test' }, new Date())).plaintext;
    tokens = {
      ingest: await make('tests', 'ingest'),
      read: await make('tests', 'read'),
      admin: await make('tests', 'admin'),
      foreign: await make('other', 'admin'),
    };
    const bearer = { Authorization: `Bearer ${tokens.ingest}` };
    expect((await servers.post('/api/v1/runs', aRun('guarded'), bearer)).status).toBe(201);
  });
  afterAll(() => servers.stop());

  const bearer = (token: string) => ({ Authorization: `Bearer ${token}` });

  it('asks for a token at reads, writes and operations', async () => {
    expect((await servers.get('/api/v1/runs')).body.error.code).toBe('unauthorized');
    expect((await servers.get('/api/v1/runs', bearer('sps_nope_nope'))).status).toBe(401);
    expect((await servers.post('/api/v1/runs', aRun('x'))).status).toBe(401);
    expect((await servers.post('/api/v1/runs/guarded/frames', { frames: [] })).status).toBe(401);
    const metrics = await servers.get('/metrics');
    expect([metrics.status, metrics.headers.get('www-authenticate')]).toEqual([401, 'Bearer']);
    expect((await servers.get('/healthz')).status).toBe(200);
    expect((await servers.get('/readyz')).status).toBe(200);
  });

  it('holds each token to its scope', async () => {
    const frames = { frames: [{ step: 0, loss: 1 }] };
    expect(
      (await servers.post('/api/v1/runs/guarded/frames', frames, bearer(tokens.ingest))).status,
    ).toBe(200);
    expect(
      (await servers.post('/api/v1/runs/guarded/frames', frames, bearer(tokens.read))).status,
    ).toBe(403);
    expect((await servers.get('/api/v1/runs/guarded', bearer(tokens.read))).status).toBe(200);
    expect((await servers.get('/api/v1/runs/guarded', bearer(tokens.ingest))).status).toBe(403);
    const erase = (token: string) =>
      servers.api('/api/v1/runs/guarded', { method: 'DELETE', headers: bearer(token) });
    expect((await erase(tokens.ingest)).status).toBe(403);
    expect((await erase(tokens.read)).status).toBe(403);
  });

  it('holds each token to its project', async () => {
    expect((await servers.get('/api/v1/runs/guarded', bearer(tokens.foreign))).status).toBe(403);
    expect((await servers.get('/api/v1/runs?project=tests', bearer(tokens.foreign))).status).toBe(
      403,
    );
    expect((await servers.get('/api/v1/runs', bearer(tokens.foreign))).body.items).toEqual([]);
    expect((await servers.get('/api/v1/projects', bearer(tokens.foreign))).body.items).toEqual([]);
    expect((await servers.get('/api/v1/runs', bearer(tokens.read))).body.items).toHaveLength(1);
    expect((await servers.post('/api/v1/runs', aRun('mine'), bearer(tokens.foreign))).status).toBe(
      403,
    );
  });

  it('tells of tags, counts and settings within the token’s project alone', async () => {
    const patched = await servers.api('/api/v1/runs/guarded', {
      method: 'PATCH',
      headers: { ...bearer(tokens.admin), 'Content-Type': 'application/json' },
      body: JSON.stringify({ tags: ['secret'] }),
    });
    expect(patched.status).toBe(200);
    const tags = [{ name: 'secret', runCount: 1 }];
    expect((await servers.get('/api/v1/tags', bearer(tokens.read))).body.items).toEqual(tags);
    expect((await servers.get('/api/v1/tags', bearer(tokens.foreign))).body.items).toEqual([]);
    const asked = await servers.get('/api/v1/tags?project=tests', bearer(tokens.foreign));
    expect(asked.status).toBe(403);
    expect((await servers.get('/api/v1/runs', bearer(tokens.foreign))).body).toMatchObject({
      ...{ total: 0, projects: [], statuses: {} },
    });
    const settings = '/api/v1/runs/guarded/settings';
    expect((await servers.get(settings, bearer(tokens.read))).body).toMatchObject({
      ...{ id: 'guarded', config: {} },
    });
    expect((await servers.get(settings, bearer(tokens.foreign))).status).toBe(403);
  });

  it('leads a browser to the sign-in page and back with a cookie', async () => {
    const page = await servers.get('/runs/guarded?metric=rms');
    expect([page.status, page.headers.get('location')]).toEqual([
      303,
      '/sign-in?next=%2Fruns%2Fguarded%3Fmetric%3Drms',
    ]);
    expect((await servers.get('/sign-in')).body).toBe('page /sign-in');
    const signIn = (token: string, next = '/runs/guarded') =>
      servers.api('/sign-in', { method: 'POST', body: new URLSearchParams({ token, next }) });
    const wrong = await signIn('sps_a_b');
    expect(wrong.headers.get('location')).toBe(
      '/sign-in?error=invalid_token&next=%2Fruns%2Fguarded',
    );
    expect(wrong.headers.get('set-cookie')).toBeNull();
    expect((await signIn(tokens.ingest)).headers.get('location')).toContain(
      'error=scope_too_small',
    );
    const right = await signIn(tokens.read);
    expect([right.status, right.headers.get('location')]).toEqual([303, '/runs/guarded']);
    const cookie = right.headers.get('set-cookie') ?? '';
    expect(cookie).toContain('HttpOnly');
    const session = { Cookie: cookie.split(';')[0] ?? '' };
    expect((await servers.get('/runs/guarded', session)).body).toBe('page /runs/guarded');
    expect((await servers.get('/api/v1/runs/guarded', session)).status).toBe(200);
    const out = await servers.api('/sign-out', { method: 'POST', headers: session });
    expect(out.headers.get('set-cookie')).toContain('Max-Age=0');
  });

  it.each(['//evil.example', '/\\evil.example', 'https://evil.example', 'javascript:alert(1)'])(
    'never leads to %s after signing in',
    async (next) => {
      const reply = await servers.api('/sign-in', {
        method: 'POST',
        body: new URLSearchParams({ token: tokens.read, next }),
      });
      expect(reply.headers.get('location')).toBe('/');
    },
  );

  it('checks sockets as it checks requests', async () => {
    const open = (auth?: { token: string }) =>
      io(`${servers.url}/live`, {
        transports: ['websocket'],
        reconnection: false,
        forceNew: true,
        ...(auth === undefined ? {} : { auth }),
      });
    const anonymous = open();
    const refusal = await new Promise<Error>((resolve) => anonymous.once('connect_error', resolve));
    expect(refusal.message).toContain('token');
    const foreign = open({ token: tokens.foreign });
    const request = { runId: 'guarded', metric: 'rms', afterStep: -1 };
    expect(await foreign.emitWithAck('subscribe', request)).toMatchObject({
      ok: false,
      code: 'forbidden',
    });
    const reader = open({ token: tokens.read });
    expect(await reader.emitWithAck('subscribe', request)).toMatchObject({ ok: true });
    for (const client of [anonymous, foreign, reader]) client.close();
  });

  it('stops a revoked token at once', async () => {
    const created = await createToken(
      servers.db,
      { project: 'tests', scope: 'read', name: 'short' },
      new Date(),
    );
    expect((await servers.get('/api/v1/runs', bearer(created.plaintext))).status).toBe(200);
    await revokeToken(servers.db, created.id, new Date());
    expect((await servers.get('/api/v1/runs', bearer(created.plaintext))).status).toBe(401);
  });
});
