import { describe, expect, it } from 'vitest';
import { createClient } from '@/clients/typescript/create-client';
import { MISSING_FLOAT32_BITS, bitsOf, missingColumn } from '@/lib/contract/missing-value';
import { LAYERS, aStep, useFakeServer } from './client-test';
import { answer, refuse } from './fake-server';

const test = useFakeServer();

describe('startRun', () => {
  it('opens the run with all it was told and says where to watch it', async () => {
    const run = test.start({ name: 'first light', tags: ['demo'], config: { depth: 6 } });

    expect(await run.whenOpen()).toBe(true);

    expect(test.server.creates).toEqual([
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
    expect(run.url).toBe(`${test.server.url}/runs/run-1`);
  });

  it('makes up an id that the contract takes, so that opening may be repeated', () => {
    const run = test.start({ id: undefined }, { now: () => Date.UTC(2026, 0, 31, 12) });

    expect(run.id).toMatch(/^2026-01-31T12-00-00-[0-9a-f]{6}$/);
  });

  it('opens a new attempt and posts into it', async () => {
    const run = test.start({ resumeFromStep: 40 });
    run.log(aStep(40));
    await run.flush();

    expect(test.server.creates[0]).toMatchObject({ resumeFromStep: 40 });
    expect(test.server.frameRequests[0]!.attempt).toBe(2);
    expect(run.nextStep).toBe(40);
  });

  it('sends its token', async () => {
    await test.start({}, { token: 'secret' }).whenOpen();

    expect(test.server.requests[0]!.authorization).toBe('Bearer secret');
  });

  it('says at the first refusal that a token is needed: the next try is half a minute away', async () => {
    test.server.misbehave = (_, response) => refuse(response, 401, 'unauthorized');
    const warned = await new Promise<string>((resolve) =>
      test.start({}, { logger: { info: () => {}, warn: resolve } }),
    );
    expect(warned).toContain('the client needs a token of scope ingest');
  });

  it('names the address that cannot be reached', async () => {
    const warned = await new Promise<string>((resolve) =>
      test.start({}, { url: 'http://127.0.0.1:9', logger: { info: () => {}, warn: resolve } }),
    );
    expect(warned).toContain('http://127.0.0.1:9 cannot be reached');
  });

  it('refuses an address that is none before training starts', () => {
    expect(() => createClient({ url: 'ftp://somewhere' })).toThrow(/expected http/);
  });

  it('lets go of a run that the server refuses, and counts what was logged into it', async () => {
    test.server.misbehave = (_, response) => refuse(response, 409, 'layers_differ');
    const run = test.start();
    run.log(aStep(1));

    expect(await run.whenOpen()).toBe(false);
    run.log(aStep(2));

    expect(run.counts).toMatchObject({ logged: 2, accepted: 0, dropped: 2, queued: 0 });
    expect(test.warnings.join()).toContain('layers_differ');
    expect(await run.finish('finished')).toBe(false);
  });
});

describe('log', () => {
  it('sends every step, several in one request while another is under way', async () => {
    const run = test.start();
    for (let step = 1; step <= 200; step++) run.log(aStep(step));
    expect(await run.flush()).toBe(true);

    expect(test.server.steps).toEqual(Array.from({ length: 200 }, (_, i) => i + 1));
    expect(test.server.frameRequests.length).toBe(4);
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
    const run = test.start();
    run.log({ step: 1, layers: { rms } });
    rms.fill(0);
    await run.flush();

    expect(test.server.frameRequests[0]!.frames[0]!.layerMetrics.get('rms')).toEqual(
      Float32Array.of(3, 4),
    );
  });

  it('tells a layer that reports nothing from one that reports NaN', async () => {
    const run = test.start();
    run.log({ step: 1, layers: { rms: [null, NaN], gradient_cosine: missingColumn(2) } });
    await run.flush();

    const isMissing = (metric: string) =>
      Array.from(
        bitsOf(test.server.frameRequests[0]!.frames[0]!.layerMetrics.get(metric)!),
        (bits) => bits === MISSING_FLOAT32_BITS,
      );
    expect(isMissing('rms')).toEqual([true, false]);
    expect(isMissing('gradient_cosine')).toEqual([true, true]);
  });

  it('stamps a step with the time it was logged, unless told another or none', async () => {
    const run = test.start({}, { now: () => 1_700_000_000_500 });
    run.log({ step: 1 });
    run.log({ step: 2, wallTime: 5 });
    run.log({ step: 3, wallTime: null });
    await run.flush();

    const frames = test.server.frameRequests.flatMap((request) => request.frames);
    expect(frames.map(({ wallTime }) => wallTime)).toEqual([1_700_000_000.5, 5, null]);
  });

  it('gives steps that report different things requests of their own, in order', async () => {
    const run = test.start();
    run.log(aStep(1));
    run.log({ ...aStep(2), scalars: { tokens: 5 } });
    run.log(aStep(3));
    await run.flush();

    expect(test.server.steps).toEqual([1, 2, 3]);
    expect(test.server.frameRequests.length).toBe(3);
  });

  it('counts a step that the contract does not allow instead of throwing', async () => {
    const run = test.start();
    run.log({ step: -1 });
    run.log({ step: 0.5 });
    run.log(aStep(4));
    await run.flush();

    expect(run.counts).toMatchObject({ logged: 3, dropped: 2, accepted: 1 });
    expect(test.warnings).toEqual([expect.stringContaining('step: expected a whole number')]);
  });

  it('leaves out alone what the contract does not allow of a step, and says each once', async () => {
    const run = test.start();
    for (const step of [1, 2]) {
      run.log({
        step,
        loss: step,
        scalars: { 'no name': 1, tokens: 5 },
        layers: { rms: [1, 2, 3], cosine_similarity: [0.1, 0.2] },
        histograms: {
          ratio: { edges: [0, 1], counts: [1] },
          update: { edges: [0, 1], counts: [1, 2] },
        },
        samples: {
          sampleCount: 2,
          gradient: new Float32Array(4),
          firstMoment: new Float32Array(4),
          secondMoment: new Float32Array(3),
        },
      });
    }
    await run.flush();

    expect(run.counts).toMatchObject({ logged: 2, dropped: 0, accepted: 2 });
    const [frame] = test.server.frameRequests.flatMap(({ frames }) => frames);
    expect([...frame!.scalars.entries()]).toEqual([
      ['loss', 1],
      ['tokens', 5],
    ]);
    expect([...frame!.layerMetrics.keys()]).toEqual(['cosine_similarity']);
    expect([...frame!.histograms.keys()]).toEqual(['update']);
    expect(frame!.samples).toBeNull();
    expect(test.warnings).toEqual([
      expect.stringContaining('scalars.no name: '),
      'layers.rms: expected 2 values, got 3; it is left out of the step',
      'histograms.ratio.counts: expected 2 values, got 1; it is left out of the step',
      'samples.secondMoment: expected 4 values, got 3; it is left out of the step',
    ]);
  });

  it('posts a shard’s own layers at their offset', async () => {
    const run = test.start({ shard: { layerOffset: 1, layerCount: 1 } });
    run.log({ step: 1, layers: { rms: [9] } });
    await run.flush();

    expect(test.server.frameRequests[0]).toMatchObject({ layerOffset: 1 });
    expect(test.server.frameRequests[0]!.frames[0]!.layerCount).toBe(1);
  });

  it('sends an event behind the steps logged before it, with its attempt', async () => {
    const run = test.start();
    run.log(aStep(1));
    run.event({ step: 1, kind: 'checkpoint', title: 'saved' });
    run.log(aStep(2));
    await run.flush();

    expect(test.server.requests.map(({ path }) => path.split('/').at(-1))).toEqual([
      'runs',
      'frames',
      'events',
      'frames',
    ]);
    expect(test.server.events).toEqual([
      { step: 1, kind: 'checkpoint', title: 'saved', attempt: 1 },
    ]);
  });
});

describe('finish', () => {
  it('sends what waits, then the status', async () => {
    const run = test.start();
    for (let step = 1; step <= 10; step++) run.log(aStep(step));

    expect(await run.finish('stopped')).toBe(true);

    expect(test.server.steps.length).toBe(10);
    expect(test.server.finishes).toEqual([{ status: 'stopped' }]);
    run.log(aStep(11));
    expect(run.counts).toMatchObject({ accepted: 10, dropped: 1 });
    expect(await run.finish('finished')).toBe(true);
    expect(test.server.finishes).toHaveLength(1);
  });

  it('comes back by its deadline when nobody answers, and counts what was lost', async () => {
    const run = test.start();
    await test.server.stop();
    run.log(aStep(1));

    const before = performance.now();

    expect(await run.finish('finished', 2000)).toBe(false);

    // By its own deadline, not by the usual one of 15 s; a busy machine may be late.
    expect(performance.now() - before).toBeLessThan(10_000);
    expect(run.counts).toMatchObject({ logged: 1, accepted: 0, dropped: 1, queued: 0 });
  });

  it('repeats the finish itself', async () => {
    test.server.misbehave = ({ path }, response, index) =>
      path.endsWith('/finish') && index === 0 && refuse(response, 503, 'unavailable');
    const run = test.start();

    expect(await run.finish('failed')).toBe(true);

    expect(test.server.finishes).toEqual([{ status: 'failed' }]);
  });
});

describe('whenRoom', () => {
  it('holds back a producer that is faster than the network, so that nothing is dropped', async () => {
    const run = test.start({}, { maxQueueBytes: 20_000 });
    for (let step = 1; step <= 500; step++) {
      await run.whenRoom();
      run.log(aStep(step));
    }
    await run.flush();

    expect(test.server.steps.length).toBe(500);
    expect(run.counts.dropped).toBe(0);
  });
});

describe('a logger that throws', () => {
  it('does not reach the training loop', () => {
    const run = test.start(
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

describe('what the server does not know of a post', () => {
  it('is said once a field, whichever layer has it', async () => {
    const ignored = ['layers.0.sort', 'layers.1.sort', 'runName'];
    test.server.misbehave = ({ path }, response) => {
      if (path !== '/api/v1/runs') return false;
      answer(response, 201, { id: 'run-1', attempt: 1, nextStep: 0, url: 'http://x', ignored });
      return true;
    };
    const run = test.start();
    run.log(aStep(1));

    expect(await run.finish('finished')).toBe(true);

    const said = test.warnings.filter((text) => text.includes('not known to the server'));
    expect(said.map((text) => text.split(' ', 1)[0])).toEqual(['layers.0.sort', 'runName']);
  });

  it('is said of the end of a run too', async () => {
    test.server.misbehave = ({ path }, response) => {
      if (!path.endsWith('/finish')) return false;
      answer(response, 200, { id: 'run-1', status: 'finished', ignored: ['reason'] });
      return true;
    };
    const run = test.start();

    expect(await run.finish('finished')).toBe(true);

    expect(test.warnings.filter((text) => text.startsWith('reason is not known'))).toHaveLength(1);
  });
});
