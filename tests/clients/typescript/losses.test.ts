/** What once lost steps, or held a process up for ever. */
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FrameQueue, type QueueItem } from '@/clients/typescript/frame-queue';
import { KeptRun, findLeftOver } from '@/clients/typescript/kept-run';
import { Spool } from '@/clients/typescript/spool';
import { decodeSafetensorsFrames } from '@/lib/contract/frames-safetensors';
import { aStep, useFakeServer } from './client-test';
import { answer, refuse } from './fake-server';

const test = useFakeServer();
const upTo = (last: number) => Array.from({ length: last }, (_, index) => index + 1);

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'spikescope-losses-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('one bad step of many', () => {
  it.each([
    [400, 'invalid_body'],
    [422, 'invalid_body'],
  ])('costs no other (%i)', async (status, code) => {
    let release = (): void => undefined;
    const gate = new Promise<void>((resolve) => (release = resolve));
    test.server.misbehave = async ({ path, body }, response) => {
      if (path === '/api/v1/runs') await gate;
      if (!path.endsWith('/frames')) return false;
      const { frames } = decodeSafetensorsFrames(new Uint8Array(body));
      return frames.some(({ step }) => step === 17) && refuse(response, status, code);
    };
    const run = test.start();
    for (const step of upTo(200)) run.log(aStep(step));
    release();
    expect(await run.finish('finished', 60_000)).toBe(true);
    expect(test.server.steps).toEqual(upTo(200).filter((step) => step !== 17));
    expect(run.counts).toMatchObject({ accepted: 199, dropped: 1 });
    expect(test.warnings).toEqual([expect.stringContaining('invalid_body it is')]);
    // As many a request as before, once it has passed.
    expect(test.server.frameRequests.at(-1)!.frames.length).toBeGreaterThan(30);
  });
});

describe('a disk that loses what it was given', () => {
  it('costs what was on it, counted, and nothing after it', async () => {
    let isAway = true;
    test.server.misbehave = (_, response) => isAway && refuse(response, 503, 'unavailable');
    const run = test.start({}, { directory: folder });
    run.log(aStep(1));
    await test.server.until(() => run.counts.keptOnDisk === 1);
    rmSync(join(folder, 'run-1'), { recursive: true });
    run.log(aStep(2));
    isAway = false;
    expect(await run.finish('finished', 60_000)).toBe(true);
    expect(test.server.steps).toEqual([2]);
    expect(run.counts).toMatchObject({ accepted: 1, dropped: 1, queued: 0 });
    expect(test.warnings.join()).toContain('gone from disk');
  });

  it('does not hold the process up where nothing follows', async () => {
    let isAway = true;
    test.server.misbehave = (_, response) => isAway && refuse(response, 503, 'unavailable');
    const run = test.start({}, { directory: folder });
    run.log(aStep(1));
    await test.server.until(() => run.counts.keptOnDisk === 1);
    rmSync(join(folder, 'run-1'), { recursive: true });
    isAway = false;
    expect(await run.finish('finished', 60_000)).toBe(true);
    expect(run.counts).toMatchObject({ accepted: 0, dropped: 1, queued: 0 });
  });

  it('counts every step that a full one drops, in the middle of a batch too', async () => {
    let release = (): void => undefined;
    const gate = new Promise<void>((resolve) => (release = resolve));
    test.server.misbehave = async ({ path }) => {
      if (path.endsWith('/frames')) await gate;
      return false;
    };
    const options = { directory: folder, maxQueueBytes: 4_000, maxSpoolBytes: 40_000 };
    const run = test.start({}, options);
    await run.whenOpen();
    for (const step of upTo(500)) run.log(aStep(step));
    release();
    expect(await run.finish('finished', 60_000)).toBe(true);
    const stored = new Set(test.server.steps);
    expect(stored.size + run.counts.dropped).toBe(500);
    expect(stored.has(500)).toBe(true);
    expect(run.counts.dropped).toBeGreaterThan(100);
  });

  it('drops no record twice from its count', () => {
    const spool = new Spool(join(folder, 'spool'), 1000, 250);
    for (let index = 0; index < 30; index++) spool.append('E', Buffer.from(`record ${index}`));
    const first = [...spool.records()].slice(0, 20).at(-1)!.position;
    for (let index = 30; index < 50; index++) spool.append('E', Buffer.from(`record ${index}`));
    spool.advance(first);
    expect(spool.length).toBe([...spool.records()].length);
  });

  it('is asked once more at the end, however short ago it failed', async () => {
    test.server.misbehave = (_, response) => refuse(response, 503, 'unavailable');
    const directory = join(folder, 'kept');
    writeFileSync(directory, '');
    const run = test.start({}, { directory });
    run.log(aStep(1));
    await test.server.until(() => test.warnings.some((text) => text.includes('kept on disk')));
    rmSync(directory);
    expect(await run.finish('finished', 1_600)).toBe(false);
    expect(run.counts).toMatchObject({ keptOnDisk: 1, dropped: 0 });
  });
});

describe('what another process left', () => {
  async function leaveOver(): Promise<string> {
    let isAway = false;
    test.server.misbehave = (_, response) => isAway && refuse(response, 503, 'unavailable');
    const run = test.start({}, { directory: folder });
    await run.whenOpen();
    isAway = true;
    for (const step of upTo(10)) run.log(aStep(step));
    expect(await run.finish('failed', 1_600)).toBe(false);
    return findLeftOver(folder, 'run-1')[0]!;
  }

  it('does not hold this one up where the server goes away again', async () => {
    await leaveOver();
    const run = test.start({}, { directory: folder });
    run.log(aStep(11));
    expect(await run.finish('finished', 1_600)).toBe(false);
    expect(run.counts).toMatchObject({ keptOnDisk: 1, dropped: 0 });
    test.server.misbehave = () => false;
    expect(await test.start({}, { directory: folder }).finish('finished', 60_000)).toBe(true);
    expect(test.server.steps).toEqual(upTo(11));
    expect(readdirSync(folder)).toEqual([]);
  });

  it('is delivered by one process alone', async () => {
    const left = await leaveOver();
    const first = KeptRun.claim(left, 1e6)!;
    expect(KeptRun.claim(left, 1e6)).toBeNull();
    expect(findLeftOver(folder, 'run-1')).toEqual([]);
    expect(first.load()).not.toBeNull();
    first.giveBack();
    expect(findLeftOver(folder, 'run-1')).toEqual([left]);
  });

  it('is told from what a thread of this process writes', () => {
    const nameAt = (ms: number) =>
      `${new Date(ms).toISOString().replaceAll(/[-:]|Z/g, '')}000-${process.pid}-5f0c9a`;
    for (const ms of [Date.now(), Date.now() - process.uptime() * 1000 - 60_000]) {
      mkdirSync(join(folder, 'run-1', nameAt(ms)), { recursive: true });
      writeFileSync(join(folder, 'run-1', nameAt(ms), 'run.json'), '{}');
    }
    const [left, ...others] = findLeftOver(folder, 'run-1');
    expect(others).toEqual([]);
    expect(left).toContain(nameAt(Date.now() - process.uptime() * 1000 - 60_000).slice(0, 13));
  });
});

describe('a clock that is set', () => {
  it.each([-3_600_000, 3_600_000])(
    'by %i ms does not move the deadline of finish()',
    async (by) => {
      let hasJumped = false;
      test.server.misbehave = ({ path }, response, index) => {
        if (!path.endsWith('/finish')) return false;
        hasJumped = true;
        // One answer that asks to come back, then one that never comes.
        return index > 1 || refuse(response, 503, 'unavailable');
      };
      const now = () => Date.now() + (hasJumped ? by : 0);
      const run = test.start({}, { now, directory: folder });
      run.log(aStep(1));
      expect(await run.finish('finished', 3_000)).toBe(false);
      // More than one try: the deadline was not over with the jump forward.
      const tries = test.server.requests.filter(({ path }) => path.endsWith('/finish'));
      expect(tries.length).toBeGreaterThan(1);
      expect(findLeftOver(folder, 'run-1')).toHaveLength(1);
    },
  );
});

describe('a job that names a run again', () => {
  const known = (nextStep: number) => {
    test.server.misbehave = ({ path, body }, response) => {
      if (path !== '/api/v1/runs' || body.includes('resumeFromStep')) return false;
      return answer(response, 200, { id: 'run-1', attempt: 1, nextStep, url: 'http://x' });
    };
  };

  it('opens an attempt at its first step, since what it repeats would be refused', async () => {
    known(50);
    const run = test.start();
    await run.whenOpen();
    expect(run.nextStep).toBe(50);
    run.event({ step: 40, kind: 'note', title: 'back again' });
    run.log(aStep(41));
    expect(await run.finish('finished')).toBe(true);
    expect(test.server.creates).toMatchObject([{ resumeFromStep: 41 }]);
    expect(test.server.frameRequests.map(({ attempt }) => attempt)).toEqual([2]);
    expect(run.attempt).toBe(2);
  });

  it('does so where the last one ended the run before its first step', async () => {
    test.server.misbehave = ({ path }, response) =>
      path.endsWith('/frames') &&
      test.server.creates.length === 1 &&
      refuse(response, 410, 'run_finished');
    const run = test.start();
    for (const step of upTo(3)) run.log(aStep(step));
    expect(await run.finish('finished')).toBe(true);
    expect(test.server.creates[1]).toMatchObject({ resumeFromStep: 1 });
    expect(test.server.steps).toEqual(upTo(3));
    expect(run.counts).toMatchObject({ accepted: 3, dropped: 0 });
  });

  it('does so neither for a shard nor for a given attempt, nor where nothing is stored', async () => {
    known(50);
    const shard = { layerOffset: 1, layerCount: 1 };
    const runs = [test.start({ shard }), test.start({ attempt: 1 })];
    for (const run of runs) run.log({ step: 41, loss: 1 });
    for (const run of runs) await run.flush();
    known(0);
    const fresh = test.start();
    fresh.log(aStep(0));
    expect(await fresh.finish('finished')).toBe(true);
    expect(test.server.creates).toEqual([]);
  });
});

describe('finish', () => {
  it('asked twice at once answers both as the server did', async () => {
    const run = test.start();
    run.log(aStep(1));
    expect(await Promise.all([run.finish('failed'), run.finish('finished')])).toEqual([true, true]);
    expect(test.server.finishes).toEqual([{ status: 'failed' }]);
  });
});

describe('a queue', () => {
  it('loses nothing to an item that is larger than it', () => {
    const queue = new FrameQueue(100);
    const item = (sizeBytes: number): QueueItem => {
      return { kind: 'finish', status: 'finished', sizeBytes };
    };
    expect(queue.push(item(1_000))).toEqual([]);
    queue.clear();
    expect(queue.push(item(50))).toEqual([]);
    expect(queue.push(item(1_000))).toHaveLength(1);
    expect(queue.length).toBe(1);
  });
});
