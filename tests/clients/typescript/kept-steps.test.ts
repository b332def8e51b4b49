import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  appendFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  type ClientOptions,
  type StartRun,
  createClient,
  readClientOptions,
  readRunOptions,
} from '@/clients/typescript/create-client';
import { findLeftOver } from '@/clients/typescript/kept-run';
import { Spool } from '@/clients/typescript/spool';
import { type FakeServer, refuse, startFakeServer } from './fake-server';

const LAYERS = [
  { name: 'wte', parameterCount: 8 },
  { name: 'head', parameterCount: 8 },
];

let folder: string;
let server: FakeServer;
let said: string[];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'spikescope-kept-'));
  server = await startFakeServer();
  said = [];
});
afterEach(async () => {
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
});

function start(run: Partial<StartRun> = {}, options: Partial<ClientOptions> = {}) {
  const words = said;
  const client = createClient({
    url: server.url,
    logger: { info: (text) => words.push(text), warn: (text) => words.push(text) },
    random: () => 0,
    directory: folder,
    ...options,
  });
  return client.startRun({
    project: 'tests',
    id: 'run-1',
    optimizer: { name: 'adamw' },
    layers: LAYERS,
    ...run,
  });
}

const aStep = (step: number) => ({ step, loss: 1 / step, layers: { rms: [step, 1] } });
const filesOf = (run = 'run-1') =>
  existsSync(join(folder, run)) ? readdirSync(join(folder, run), { recursive: true }) : [];

describe('a spool', () => {
  const make = (maxBytes = 1e6, segmentBytes = 400) =>
    new Spool(join(folder, 'spool'), maxBytes, segmentBytes);
  const texts = (spool: Spool) =>
    [...spool.records()].map(({ payload }) => Buffer.from(payload).toString());
  const add = (spool: Spool, count: number, from = 0) => {
    let dropped = 0;
    for (let index = from; index < from + count; index++) {
      dropped += spool.append('E', Buffer.from(`record ${index}`));
    }
    return dropped;
  };

  it('gives back what it was given, in order, over segments and processes', () => {
    const first = make();
    add(first, 50);
    first.close();
    const second = make();
    add(second, 50, 50);
    expect(texts(second)).toEqual(Array.from({ length: 100 }, (_, index) => `record ${index}`));
    expect(second.length).toBe(100);
    expect(readdirSync(join(folder, 'spool')).length).toBeGreaterThan(4);
  });

  it('forgets what was delivered, and the files with it', () => {
    const spool = make();
    add(spool, 100);
    const records = [...spool.records()];
    spool.advance(records[69]!.position);
    spool.close();
    const next = make();
    expect(texts(next)[0]).toBe('record 70');
    expect(next.length).toBe(30);
    next.advance([...next.records()].at(-1)!.position);
    expect(readdirSync(join(folder, 'spool'))).toEqual([]);
  });

  it.each([1, 5, 12, 13, 20])('ends at a record that lost its last %i bytes', (cut) => {
    const spool = make(1e6, 1e6);
    add(spool, 3);
    spool.close();
    const [file] = readdirSync(join(folder, 'spool'));
    const path = join(folder, 'spool', file!);
    truncateSync(path, spool.sizeBytes - cut);
    expect(texts(make())).toEqual(['record 0', 'record 1']);
  });

  it('does not take other bytes for a record', () => {
    const spool = make(1e6, 1e6);
    add(spool, 2);
    spool.close();
    appendFileSync(join(folder, 'spool', '00000001.spool'), 'SPK1F\u0004\0\0\0abcdefgh');
    expect(texts(make())).toEqual(['record 0', 'record 1']);
  });

  it('drops the oldest segments when it is full, and counts them', () => {
    const spool = make(1000);
    const dropped = add(spool, 200);
    expect(spool.sizeBytes).toBeLessThanOrEqual(1000);
    expect(dropped + spool.length).toBe(200);
    expect(texts(spool).at(-1)).toBe('record 199');
    expect(texts(spool)[0]).toBe(`record ${dropped}`);
  });

  it('says what the disk does, and takes the next record', () => {
    writeFileSync(join(folder, 'file'), '');
    const spool = new Spool(join(folder, 'file'), 1e6);
    expect(() => spool.append('E', Buffer.from('x'))).toThrow(/EEXIST|ENOTDIR/);
    expect(spool.length).toBe(0);
  });
});

describe('while the server is away', () => {
  it('leaves nothing on disk when all goes well', async () => {
    const run = start();
    for (let step = 1; step <= 100; step++) run.log(aStep(step));
    expect(await run.finish('finished')).toBe(true);
    expect(filesOf()).toEqual([]);
    expect(run.counts).toMatchObject({ accepted: 100, keptOnDisk: 0, dropped: 0 });
  });

  it('keeps steps on disk and delivers them in order when it is back', async () => {
    let isAway = true;
    server.misbehave = ({ path }, response) =>
      path.endsWith('/frames') && isAway ? refuse(response, 503, 'unavailable') : false;
    const run = start();
    for (let step = 1; step <= 50; step++) run.log(aStep(step));
    await server.until(() => server.requests.length >= 4);
    for (let step = 51; step <= 300; step++) run.log(aStep(step));
    expect(run.counts.keptOnDisk).toBeGreaterThanOrEqual(299);
    expect(filesOf().some((name) => String(name).endsWith('.spool'))).toBe(true);
    isAway = false;
    expect(await run.finish('finished', 30_000)).toBe(true);
    expect(server.steps).toEqual(Array.from({ length: 300 }, (_, index) => index + 1));
    expect(run.counts).toMatchObject({ accepted: 300, dropped: 0, rejected: 0, queued: 0 });
    expect(filesOf()).toEqual([]);
  });

  it('keeps what the deadline left, and the next job of the run delivers it first', async () => {
    server.misbehave = (_, response) => refuse(response, 503, 'unavailable');
    const first = start();
    for (let step = 1; step <= 20; step++) first.log(aStep(step));
    first.event({ step: 20, kind: 'checkpoint', title: 'ckpt-20' });
    expect(await first.finish('failed', 1_600)).toBe(false);
    expect(first.counts).toMatchObject({ dropped: 0, keptOnDisk: 21 });
    expect(said.some((text) => text.includes('spikescope sync'))).toBe(true);

    server.misbehave = () => false;
    const second = start({ resumeFromStep: 21 });
    second.log(aStep(21));
    expect(await second.finish('finished')).toBe(true);
    expect(server.steps).toEqual(Array.from({ length: 21 }, (_, index) => index + 1));
    expect(server.events).toHaveLength(1);
    expect(server.finishes).toEqual([{ status: 'failed' }, { status: 'finished' }]);
    expect(filesOf()).toEqual([]);
  });

  it('goes on in memory where the disk takes nothing, and says so', async () => {
    writeFileSync(join(folder, 'file'), '');
    let isAway = true;
    server.misbehave = (_, response) => (isAway ? refuse(response, 503, 'unavailable') : false);
    const run = start({}, { directory: join(folder, 'file') });
    run.log(aStep(1));
    await server.until(() => server.requests.length >= 3);
    run.log(aStep(2));
    isAway = false;
    expect(await run.finish('finished', 30_000)).toBe(true);
    expect(server.steps).toEqual([1, 2]);
    expect(said.some((text) => text.includes('cannot be kept on disk'))).toBe(true);
  });

  it('spills what exceeds the memory instead of dropping it', async () => {
    let release = (): void => undefined;
    const gate = new Promise<void>((resolve) => (release = resolve));
    server.misbehave = async ({ path }) => {
      if (path.endsWith('/frames')) await gate;
      return false;
    };
    const run = start({}, { maxQueueBytes: 20_000 });
    for (let step = 1; step <= 500; step++) run.log(aStep(step));
    expect(run.counts.dropped).toBe(0);
    expect(run.counts.keptOnDisk).toBeGreaterThan(100);
    release();
    expect(await run.finish('finished', 60_000)).toBe(true);
    expect(server.steps).toEqual(Array.from({ length: 500 }, (_, index) => index + 1));
  });
});

describe('a process that ends', () => {
  /** A job of its own that logs ten steps and ends as `ending` says. */
  async function runJob(ending: string): Promise<void> {
    const code = `
      import { createClient } from ${JSON.stringify(join(process.cwd(), 'clients/typescript/create-client.ts'))};
      const client = createClient({ url: 'http://127.0.0.1:9', directory: ${JSON.stringify(folder)}, logger: { info() {}, warn() {} } });
      const run = client.startRun({ project: 'tests', id: 'run-1', optimizer: { name: 'adamw' }, layers: ${JSON.stringify(LAYERS)} });
      for (let step = 1; step <= 10; step++) run.log({ step, loss: 1 });
      ${ending}
    `;
    const args = ['--import', 'tsx', '--input-type=module', '--eval', code];
    const job = spawn(process.execPath, args, { stdio: ['ignore', 'inherit', 'pipe'] });
    await once(job, 'exit');
  }

  it.each(['process.exit(0);', 'throw new Error("training broke");', ''])(
    'keeps what it could not send (%s)',
    async (ending) => {
      await runJob(ending);
      expect(findLeftOver(folder, 'run-1')).toHaveLength(1);
      const run = start();
      expect(await run.finish('finished')).toBe(true);
      expect(server.steps).toEqual(Array.from({ length: 10 }, (_, index) => index + 1));
    },
    60_000,
  );
});

describe('mode', () => {
  it('offline keeps everything and asks nobody', async () => {
    const run = start({}, { mode: 'offline' });
    for (let step = 1; step <= 5; step++) run.log(aStep(step));
    expect(await run.flush()).toBe(true);
    expect(await run.finish('finished')).toBe(false);
    expect(server.requests).toEqual([]);
    expect(run.counts).toMatchObject({ keptOnDisk: 5, dropped: 0 });

    const later = start({ resumeFromStep: 5 });
    expect(await later.finish('finished')).toBe(true);
    expect(server.steps).toEqual([1, 2, 3, 4, 5]);
  });

  it('disabled does nothing at all', async () => {
    const run = start({}, { mode: 'disabled' });
    run.log(aStep(1));
    run.event({ step: 1, kind: 'note', title: 'x' });
    expect(await run.finish('finished')).toBe(false);
    expect(server.requests).toEqual([]);
    expect(run.counts).toMatchObject({ logged: 0, dropped: 0 });
    expect(said).toEqual([]);
  });

  it('is read from the environment, as the address, the token and the folder are', () => {
    expect(readClientOptions({})).toEqual({ url: 'http://127.0.0.1:3000', mode: 'online' });
    expect(
      readClientOptions({
        SPIKESCOPE_URL: 'https://spikes.example.org',
        SPIKESCOPE_TOKEN: 't',
        SPIKESCOPE_DIR: '/kept',
        SPIKESCOPE_MODE: 'offline',
      }),
    ).toEqual({
      url: 'https://spikes.example.org',
      token: 't',
      directory: '/kept',
      mode: 'offline',
    });
    expect(() => readClientOptions({ SPIKESCOPE_MODE: 'fast' })).toThrow('SPIKESCOPE_MODE');
  });

  it('and what a run is called', () => {
    expect(readRunOptions({})).toEqual({ project: 'default' });
    expect(
      readRunOptions({
        SPIKESCOPE_PROJECT: 'gpt',
        SPIKESCOPE_RUN_ID: 'r1',
        SPIKESCOPE_NAME: 'first',
        SPIKESCOPE_TAGS: 'a, b,',
        SPIKESCOPE_RESUME: '40',
      }),
    ).toEqual({ project: 'gpt', id: 'r1', name: 'first', tags: ['a', 'b'], resumeFromStep: 40 });
    expect(() => readRunOptions({ SPIKESCOPE_RESUME: 'never' })).toThrow('SPIKESCOPE_RESUME');
  });
});
