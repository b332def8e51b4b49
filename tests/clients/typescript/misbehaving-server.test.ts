import { describe, expect, it } from 'vitest';
import { aStep, useFakeServer } from './client-test';
import { answer, refuse } from './fake-server';

const test = useFakeServer();

describe('when the server misbehaves', () => {
  it('tries again after 503 and a broken connection, and loses nothing', async () => {
    test.server.misbehave = ({ path }, response, index) => {
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
    const run = test.start();
    run.log(aStep(1));
    run.log(aStep(2));
    await test.server.until(() => test.server.steps.length === 2);
    expect(await run.flush()).toBe(true);

    expect(test.server.steps).toEqual([1, 2]);
    expect(run.counts).toMatchObject({ accepted: 2, dropped: 0, retries: 3 });
    // One failure is not worth a word; the second in a row is, and so is the end of it.
    expect(test.warnings).toEqual([expect.stringContaining('502')]);
    expect(test.infos).toEqual(['the server answers again after 2 tries']);
  });

  it('counts a duplicate when a reply was lost after the frames were stored', async () => {
    test.server.misbehave = ({ path }, response, index) => {
      // The frames are stored all the same; only the acknowledgement is lost.
      if (path.endsWith('/frames') && index === 0) response.destroy();
      return false;
    };
    const run = test.start();
    run.log(aStep(1));
    await test.server.until(() => test.server.frameRequests.length === 2);
    await run.flush();

    expect(run.counts).toMatchObject({ accepted: 0, duplicates: 1, dropped: 0, retries: 1 });
  });

  it('waits as long as Retry-After asks', async () => {
    const times: number[] = [];
    test.server.misbehave = ({ path }, response, index) => {
      if (!path.endsWith('/frames')) return false;
      times.push(performance.now());
      return index === 0 && refuse(response, 429, 'writer_saturated', { 'retry-after': '0.4' });
    };
    const run = test.start();
    run.log(aStep(1));
    await test.server.until(() => test.server.steps.length === 1);

    // 0.25 s would be the client's own first wait at most; timers are exact to a millisecond.
    expect(times[1]! - times[0]!).toBeGreaterThanOrEqual(395);
  });

  it('gives up a request that stalls, and repeats it', async () => {
    test.server.misbehave = ({ path }, _, index) => path.endsWith('/frames') && index === 0;
    const run = test.start({}, { requestTimeoutMs: 150 });
    run.log(aStep(1));
    await test.server.until(() => test.server.steps.length === 1);
    await run.flush();

    // A busy machine may stall for as long as this client waits, and be given up as well.
    const { accepted, duplicates, retries, dropped } = run.counts;
    expect({ stored: accepted + duplicates, dropped }).toEqual({ stored: 1, dropped: 0 });
    expect(retries).toBeGreaterThanOrEqual(1);
  });

  it('drops what the server refuses for good, says so once, and goes on', async () => {
    test.server.misbehave = ({ path }, response, index) =>
      path.endsWith('/frames') && index < 2 && refuse(response, 422, 'invalid_body');
    const run = test.start();
    run.log(aStep(1));
    run.log({ ...aStep(2), scalars: { tokens: 5 } });
    run.log(aStep(3));
    await run.flush();

    expect(test.server.steps).toEqual([3]);
    expect(run.counts).toMatchObject({ logged: 3, accepted: 1, dropped: 2 });
    expect(test.warnings).toEqual([expect.stringContaining('invalid_body it is')]);
  });

  it('counts and names steps that were rejected one by one', async () => {
    test.server.misbehave = ({ path }, response) =>
      path.endsWith('/frames') &&
      answer(response, 200, {
        accepted: 0,
        duplicates: 1,
        rejected: [{ step: 2, code: 'step_conflict', message: 'other content' }],
        events: [],
      });
    const run = test.start();
    run.log(aStep(1));
    await run.flush();

    expect(run.counts).toMatchObject({ duplicates: 1, rejected: 1 });
    expect(test.warnings).toEqual(['step 2 was rejected (step_conflict): other content']);
  });

  it('halves a batch that is too large until it fits', async () => {
    test.server.misbehave = ({ path, body }, response) =>
      path.endsWith('/frames') && body.length > 1500 && refuse(response, 413, 'body_too_large');
    const run = test.start();
    for (let step = 1; step <= 64; step++) run.log(aStep(step));
    await run.flush();

    expect(test.server.steps).toEqual(Array.from({ length: 64 }, (_, i) => i + 1));
    expect(run.counts).toMatchObject({ accepted: 64, dropped: 0 });
  });

  it('gives up a request over which the server breaks again and again', async () => {
    test.server.misbehave = ({ path, body }, response) =>
      path.endsWith('/frames') &&
      body.includes('scalar/poison') &&
      refuse(response, 500, 'internal');
    const run = test.start({}, { random: () => 0 });
    run.log({ ...aStep(1), scalars: { poison: 1 } });
    run.log(aStep(2));
    await test.server.until(() => test.server.steps.length === 1);

    expect(test.server.steps).toEqual([2]);
    expect(run.counts.dropped).toBe(1);
  });

  it('stops when the run was finished by somebody else', async () => {
    test.server.misbehave = ({ path }, response) =>
      path.endsWith('/frames') && refuse(response, 410, 'run_finished');
    const run = test.start();
    run.log(aStep(1));
    await run.flush();
    run.log(aStep(2));

    expect(run.counts).toMatchObject({ accepted: 0, dropped: 2, queued: 0 });
    expect(test.warnings[0]).toContain('run_finished');
  });

  it('drops the oldest steps when the queue is full, counts them, and says so once', async () => {
    let release: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => (release = resolve));
    test.server.misbehave = async ({ path }) => {
      if (path === '/api/v1/runs') await gate;
      return false;
    };
    const run = test.start({}, { maxQueueBytes: 10_000 });
    for (let step = 1; step <= 100; step++) run.log(aStep(step));
    const { dropped, queued } = run.counts;
    release();
    await run.flush();

    expect(dropped).toBeGreaterThan(50);
    expect(dropped + queued).toBe(100);
    expect(test.server.steps).toEqual(Array.from({ length: queued }, (_, i) => dropped + i + 1));
    expect(test.warnings.length).toBe(1);
  });

  it('survives that the server is gone and catches up once it is back', async () => {
    const run = test.start();
    run.log(aStep(1));
    await run.flush();
    test.server.isAway = true;
    for (let step = 2; step <= 50; step++) run.log(aStep(step));
    expect(await run.flush(50)).toBe(false);
    expect(test.server.steps).toEqual([1]);

    test.server.isAway = false;
    await test.server.until(() => test.server.steps.includes(50));

    expect(test.server.steps).toEqual(Array.from({ length: 50 }, (_, i) => i + 1));
  });
});
