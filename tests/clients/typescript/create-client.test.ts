import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  type ClientOptions,
  type StartRun,
  createClient,
} from '@/clients/typescript/create-client';
import { MISSING_FLOAT32_BITS, bitsOf, missingColumn } from '@/lib/contract/missing-value';
import { type FakeServer, answer, refuse, startFakeServer } from './fake-server';

const LAYERS = [
  { name: 'wte', parameterCount: 8 },
  { name: 'head', parameterCount: 8 },
];

let server: FakeServer;
let warnings: string[];
let infos: string[];

beforeEach(async () => {
  server = await startFakeServer();
  warnings = [];
  infos = [];
});
afterEach(async () => {
  await server.stop();
});

function start(run: Partial<StartRun> = {}, options: Partial<ClientOptions> = {}) {
  // Of this test alone: a client of the last one may still say that its server is gone.
  const said = { infos, warnings };
  const client = createClient({
    url: server.url,
    logger: { info: (text) => said.infos.push(text), warn: (text) => said.warnings.push(text) },
    // The shortest waits that the jitter allows.
    random: () => 0,
    directory: null,
    ...options,
  });
  return client.startRun({
    project: 'tests',
    id: 'run-1',
    optimizer: { name: 'adamw', epsilon: 1e-8 },
    layers: LAYERS,
    ...run,
  });
}

const aStep = (step: number) => ({ step, loss: 1 / step, layers: { rms: [step, 1] } });

describe('startRun', () => {
  it('opens the run with all it was told and says where to watch it', async () => {
    const run = start({ name: 'first light', tags: ['demo'], config: { depth: 6 } });

    expect(await run.whenOpen()).toBe(true);

    expect(server.creates).toEqual([
      {
        project: 'tests',
        id: 'run-1',
        name: 'first light',
        tags: ['demo'],
        config: { depth: 6 },
        optimizer: { name: 'adamw', epsilon: 1e-8 },
        layers: LAYERS,
      },
    ]);
    expect(run.attempt).toBe(1);
    expect(run.url).toBe(`${server.url}/runs/run-1`);
  });

  it('makes up an id that the contract takes, so that opening may be repeated', () => {
    const run = start({ id: undefined }, { now: () => Date.UTC(2026, 0, 31, 12) });

    expect(run.id).toMatch(/^2026-01-31T12-00-00-[0-9a-f]{6}$/);
  });

  it('opens a new attempt and posts into it', async () => {
    const run = start({ resumeFromStep: 40 });
    run.log(aStep(40));
    await run.flush();

    expect(server.creates[0]).toMatchObject({ resumeFromStep: 40 });
    expect(server.frameRequests[0]!.attempt).toBe(2);
    expect(run.nextStep).toBe(40);
  });

  it('sends its token', async () => {
    await start({}, { token: 'secret' }).whenOpen();

    expect(server.requests[0]!.authorization).toBe('Bearer secret');
  });

  it('says at the first refusal that a token is needed: the next try is half a minute away', async () => {
    server.misbehave = (_, response) => refuse(response, 401, 'unauthorized');
    const warned = await new Promise<string>((resolve) =>
      start({}, { logger: { info: () => {}, warn: resolve } }),
    );
    expect(warned).toContain('the client needs a token of scope ingest');
  });

  it('names the address that cannot be reached', async () => {
    const warned = await new Promise<string>((resolve) =>
      start({}, { url: 'http://127.0.0.1:9', logger: { info: () => {}, warn: resolve } }),
    );
    expect(warned).toContain('http://127.0.0.1:9 cannot be reached');
  });

  it('refuses an address that is none before training starts', () => {
    expect(() => createClient({ url: 'ftp://somewhere' })).toThrow(/expected http/);
  });

  it('lets go of a run that the server refuses, and counts what was logged into it', async () => {
    server.misbehave = (_, response) => refuse(response, 409, 'layers_differ');
    const run = start();
    run.log(aStep(1));

    expect(await run.whenOpen()).toBe(false);
    run.log(aStep(2));

    expect(run.counts).toMatchObject({ logged: 2, accepted: 0, dropped: 2, queued: 0 });
    expect(warnings.join()).toContain('layers_differ');
    expect(await run.finish('finished')).toBe(false);
  });
});

describe('log', () => {
  it('sends every step, several in one request while another is under way', async () => {
    const run = start();
    for (let step = 1; step <= 200; step++) run.log(aStep(step));
    expect(await run.flush()).toBe(true);

    expect(server.steps).toEqual(Array.from({ length: 200 }, (_, i) => i + 1));
    expect(server.frameRequests.length).toBe(4);
    expect(run.counts).toEqual({
      logged: 200,
      accepted: 200,
      duplicates: 0,
      rejected: 0,
      dropped: 0,
      queued: 0,
      keptOnDisk: 0,
      samplesPosted: 0,
      samplesRefused: 0,
      retries: 0,
    });
  });

  it('copies what it is given, so that the job may reuse its buffers', async () => {
    const rms = Float32Array.of(3, 4);
    const run = start();
    run.log({ step: 1, layers: { rms } });
    rms.fill(0);
    await run.flush();

    expect(server.frameRequests[0]!.frames[0]!.layerMetrics.get('rms')).toEqual(
      Float32Array.of(3, 4),
    );
  });

  it('tells a layer that reports nothing from one that reports NaN', async () => {
    const run = start();
    run.log({ step: 1, layers: { rms: [null, NaN], gradient_cosine: missingColumn(2) } });
    await run.flush();

    const isMissing = (metric: string) =>
      Array.from(
        bitsOf(server.frameRequests[0]!.frames[0]!.layerMetrics.get(metric)!),
        (bits) => bits === MISSING_FLOAT32_BITS,
      );
    expect(isMissing('rms')).toEqual([true, false]);
    expect(isMissing('gradient_cosine')).toEqual([true, true]);
  });

  it('stamps a step with the time it was logged, unless told another or none', async () => {
    const run = start({}, { now: () => 1_700_000_000_500 });
    run.log({ step: 1 });
    run.log({ step: 2, wallTime: 5 });
    run.log({ step: 3, wallTime: null });
    await run.flush();

    const frames = server.frameRequests.flatMap((request) => request.frames);
    expect(frames.map(({ wallTime }) => wallTime)).toEqual([1_700_000_000.5, 5, null]);
  });

  it('gives steps that report different things requests of their own, in order', async () => {
    const run = start();
    run.log(aStep(1));
    run.log({ ...aStep(2), scalars: { tokens: 5 } });
    run.log(aStep(3));
    await run.flush();

    expect(server.steps).toEqual([1, 2, 3]);
    expect(server.frameRequests.length).toBe(3);
  });

  it('counts a step that the contract does not allow instead of throwing', async () => {
    const run = start();
    run.log({ step: -1 });
    run.log({ step: 1, layers: { rms: [1, 2, 3] } });
    run.log({ step: 2, histograms: { ratio: { edges: [0, 1], counts: [1] } } });
    run.log({ step: 3, scalars: { 'no name': 1 } });
    run.log(aStep(4));
    await run.flush();

    expect(run.counts).toMatchObject({ logged: 5, dropped: 4, accepted: 1 });
    expect(warnings).toEqual([expect.stringContaining('step: expected a whole number')]);
  });

  it('posts a shard’s own layers at their offset', async () => {
    const run = start({ shard: { layerOffset: 1, layerCount: 1 } });
    run.log({ step: 1, layers: { rms: [9] } });
    await run.flush();

    expect(server.frameRequests[0]).toMatchObject({ layerOffset: 1 });
    expect(server.frameRequests[0]!.frames[0]!.layerCount).toBe(1);
  });

  it('sends an event behind the steps logged before it, with its attempt', async () => {
    const run = start();
    run.log(aStep(1));
    run.event({ step: 1, kind: 'checkpoint', title: 'saved' });
    run.log(aStep(2));
    await run.flush();

    expect(server.requests.map(({ path }) => path.split('/').at(-1))).toEqual([
      'runs',
      'frames',
      'events',
      'frames',
    ]);
    expect(server.events).toEqual([{ step: 1, kind: 'checkpoint', title: 'saved', attempt: 1 }]);
  });
});

describe('when the server misbehaves', () => {
  it('tries again after 503 and a broken connection, and loses nothing', async () => {
    server.misbehave = ({ path }, response, index) => {
      if (path === '/api/v1/runs' && index === 0) return refuse(response, 503, 'unavailable');
      if (!path.endsWith('/frames')) return false;
      if (index === 0) {
        response.destroy();
        return true;
      }
      if (index === 1) {
        response.writeHead(502).end('<html>bad gateway</html>');
        return true;
      }
      return false;
    };
    const run = start();
    run.log(aStep(1));
    run.log(aStep(2));
    await server.until(() => server.steps.length === 2);
    expect(await run.flush()).toBe(true);

    expect(server.steps).toEqual([1, 2]);
    expect(run.counts).toMatchObject({ accepted: 2, dropped: 0, retries: 3 });
    // One failure is not worth a word; the second in a row is, and so is the end of it.
    expect(warnings).toEqual([expect.stringContaining('502')]);
    expect(infos).toEqual(['the server answers again after 2 tries']);
  });

  it('counts a duplicate when a reply was lost after the frames were stored', async () => {
    server.misbehave = ({ path }, response, index) => {
      // The frames are stored all the same; only the acknowledgement is lost.
      if (path.endsWith('/frames') && index === 0) response.destroy();
      return false;
    };
    const run = start();
    run.log(aStep(1));
    await server.until(() => server.frameRequests.length === 2);
    await run.flush();

    expect(run.counts).toMatchObject({ accepted: 0, duplicates: 1, dropped: 0, retries: 1 });
  });

  it('waits as long as Retry-After asks', async () => {
    const times: number[] = [];
    server.misbehave = ({ path }, response, index) => {
      if (!path.endsWith('/frames')) return false;
      times.push(performance.now());
      return index === 0 && refuse(response, 429, 'writer_saturated', { 'retry-after': '0.4' });
    };
    const run = start();
    run.log(aStep(1));
    await server.until(() => server.steps.length === 1);

    // 0.25 s would be the client's own first wait at most; timers are exact to a millisecond.
    expect(times[1]! - times[0]!).toBeGreaterThanOrEqual(395);
  });

  it('gives up a request that stalls, and repeats it', async () => {
    server.misbehave = ({ path }, _, index) => path.endsWith('/frames') && index === 0;
    const run = start({}, { requestTimeoutMs: 150 });
    run.log(aStep(1));
    await server.until(() => server.steps.length === 1);
    await run.flush();

    expect(run.counts).toMatchObject({ accepted: 1, retries: 1 });
  });

  it('drops what the server refuses for good, says so once, and goes on', async () => {
    server.misbehave = ({ path }, response, index) =>
      path.endsWith('/frames') && index < 2 && refuse(response, 422, 'invalid_body');
    const run = start();
    run.log(aStep(1));
    run.log({ ...aStep(2), scalars: { tokens: 5 } });
    run.log(aStep(3));
    await run.flush();

    expect(server.steps).toEqual([3]);
    expect(run.counts).toMatchObject({ logged: 3, accepted: 1, dropped: 2 });
    expect(warnings).toEqual([expect.stringContaining('invalid_body it is')]);
  });

  it('counts and names steps that were rejected one by one', async () => {
    server.misbehave = ({ path }, response) =>
      path.endsWith('/frames') &&
      answer(response, 200, {
        accepted: 0,
        duplicates: 1,
        rejected: [{ step: 2, code: 'step_conflict', message: 'other content' }],
        events: [],
      });
    const run = start();
    run.log(aStep(1));
    await run.flush();

    expect(run.counts).toMatchObject({ duplicates: 1, rejected: 1 });
    expect(warnings).toEqual(['step 2 was rejected (step_conflict): other content']);
  });

  it('halves a batch that is too large until it fits', async () => {
    server.misbehave = ({ path, body }, response) =>
      path.endsWith('/frames') && body.length > 1500 && refuse(response, 413, 'body_too_large');
    const run = start();
    for (let step = 1; step <= 64; step++) run.log(aStep(step));
    await run.flush();

    expect(server.steps).toEqual(Array.from({ length: 64 }, (_, i) => i + 1));
    expect(run.counts).toMatchObject({ accepted: 64, dropped: 0 });
  });

  it('gives up a request over which the server breaks again and again', async () => {
    server.misbehave = ({ path, body }, response) =>
      path.endsWith('/frames') &&
      body.includes('scalar/poison') &&
      refuse(response, 500, 'internal');
    const run = start({}, { random: () => 0 });
    run.log({ ...aStep(1), scalars: { poison: 1 } });
    run.log(aStep(2));
    await server.until(() => server.steps.length === 1);

    expect(server.steps).toEqual([2]);
    expect(run.counts.dropped).toBe(1);
  });

  it('stops when the run was finished by somebody else', async () => {
    server.misbehave = ({ path }, response) =>
      path.endsWith('/frames') && refuse(response, 410, 'run_finished');
    const run = start();
    run.log(aStep(1));
    await run.flush();
    run.log(aStep(2));

    expect(run.counts).toMatchObject({ accepted: 0, dropped: 2, queued: 0 });
    expect(warnings[0]).toContain('run_finished');
  });

  it('drops the oldest steps when the queue is full, counts them, and says so once', async () => {
    let release: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => (release = resolve));
    server.misbehave = async ({ path }) => {
      if (path === '/api/v1/runs') await gate;
      return false;
    };
    const run = start({}, { maxQueueBytes: 10_000 });
    for (let step = 1; step <= 100; step++) run.log(aStep(step));
    const { dropped, queued } = run.counts;
    release();
    await run.flush();

    expect(dropped).toBeGreaterThan(50);
    expect(dropped + queued).toBe(100);
    expect(server.steps).toEqual(Array.from({ length: queued }, (_, i) => dropped + i + 1));
    expect(warnings.length).toBe(1);
  });

  it('survives the death of the server and catches up with the next one', async () => {
    const run = start();
    run.log(aStep(1));
    await run.flush();
    const { port } = server;
    await server.stop();
    for (let step = 2; step <= 50; step++) run.log(aStep(step));
    expect(await run.flush(50)).toBe(false);

    server = await startFakeServer(port);
    await server.until(() => server.steps.includes(50));

    expect(server.steps).toEqual(Array.from({ length: 49 }, (_, i) => i + 2));
  });
});

describe('finish', () => {
  it('sends what waits, then the status', async () => {
    const run = start();
    for (let step = 1; step <= 10; step++) run.log(aStep(step));

    expect(await run.finish('stopped')).toBe(true);

    expect(server.steps.length).toBe(10);
    expect(server.finishes).toEqual([{ status: 'stopped' }]);
    run.log(aStep(11));
    expect(run.counts).toMatchObject({ accepted: 10, dropped: 1 });
    expect(await run.finish('finished')).toBe(false);
  });

  it('comes back by its deadline when nobody answers, and counts what was lost', async () => {
    const run = start();
    await server.stop();
    run.log(aStep(1));
    const before = performance.now();

    expect(await run.finish('finished', 2000)).toBe(false);

    expect(performance.now() - before).toBeLessThan(2500);
    expect(run.counts).toMatchObject({ logged: 1, accepted: 0, dropped: 1, queued: 0 });
  });

  it('repeats the finish itself', async () => {
    server.misbehave = ({ path }, response, index) =>
      path.endsWith('/finish') && index === 0 && refuse(response, 503, 'unavailable');
    const run = start();

    expect(await run.finish('failed')).toBe(true);

    expect(server.finishes).toEqual([{ status: 'failed' }]);
  });
});

describe('whenRoom', () => {
  it('holds back a producer that is faster than the network, so that nothing is dropped', async () => {
    const run = start({}, { maxQueueBytes: 20_000 });
    for (let step = 1; step <= 500; step++) {
      await run.whenRoom();
      run.log(aStep(step));
    }
    await run.flush();

    expect(server.steps.length).toBe(500);
    expect(run.counts.dropped).toBe(0);
  });
});

describe('a logger that throws', () => {
  it('does not reach the training loop', () => {
    const run = start(
      {},
      {
        logger: {
          info: () => undefined,
          warn: () => {
            throw new Error('disk full');
          },
        },
      },
    );

    expect(() => run.log({ step: -1 })).not.toThrow();
    expect(run.counts.dropped).toBe(1);
  });
});
