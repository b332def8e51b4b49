/** Every way in which a training process ends, in real processes. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createClient } from '@/clients/typescript/create-client';
import { findLeftOver } from '@/clients/typescript/kept-run';
import { LAYERS } from './client-test';
import { type FakeServer, refuse, startFakeServer } from './fake-server';
import { JobProcess } from './job-process';

const TEN = Array.from({ length: 10 }, (_, index) => index + 1);
const LOG_TEN = `for (let step = 1; step <= 10; step++) run.log({ step, loss: 1 });\n`;
/** Until a signal comes. */
const WAIT = `setInterval(() => {}, 1000); say('ready');\n`;

let folder: string;
let server: FakeServer;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'spikescope-endings-'));
  server = await startFakeServer();
});
afterEach(async () => {
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
});

const begin = (code: string) => new JobProcess(code, { url: server.url, directory: folder });
const statuses = () => server.finishes;

/** The next job of the run, which delivers what the last one kept. */
async function comeBack(): Promise<void> {
  const logger = { info: () => undefined, warn: () => undefined };
  const client = createClient({ url: server.url, directory: folder, logger, random: () => 0 });
  const optimizer = { name: 'adamw' };
  const run = client.startRun({ project: 'tests', id: 'run-1', optimizer, layers: LAYERS });
  expect(await run.finish('finished', 60_000)).toBe(true);
}

describe('a process with nothing left to do', () => {
  it.each([
    ['', 0, 'finished'],
    ['process.exitCode = 3;', 3, 'failed'],
  ])('delivers, ends its runs and goes (%s)', async (code, exitCode, status) => {
    const job = begin(`${LOG_TEN} start('run-2').log({ step: 11, loss: 1 }); ${code}`);
    expect(await job.end()).toMatchObject({ code: exitCode, signal: null });
    expect([...server.steps].sort((a, b) => a - b)).toEqual([...TEN, 11]);
    expect(statuses()).toEqual([{ status }, { status }]);
    expect(readdirSync(folder)).toEqual([]);
  });

  it('leaves a run open that is of other processes too', async () => {
    const job = begin(`
      await run.finish('finished');
      const shard = start('run-2', { shard: { layerOffset: 1, layerCount: 1 } });
      shard.log({ step: 1, loss: 1 });
    `);
    expect(await job.end()).toMatchObject({ code: 0 });
    expect(server.steps).toEqual([1]);
    expect(statuses()).toHaveLength(1);
  });
});

describe('a process without time for the network', () => {
  it.each([
    ['process.exit(0);', 0, 'finished'],
    ['process.exit(5);', 5, 'failed'],
    ['throw new Error("training broke");', 1, 'failed'],
    ['void Promise.reject(new Error("nobody looked")); await new Promise(() => {});', 1, 'failed'],
  ])('keeps its steps and its end for the next one (%s)', async (code, exitCode, status) => {
    const { errors, ...ended } = await begin(`${LOG_TEN} ${code}`).end();
    expect(ended).toEqual({ code: exitCode, signal: null });
    expect(errors).toContain('spikescope sync');
    await comeBack();
    expect(server.steps).toEqual(TEN);
    expect(statuses()).toEqual([{ status }, { status: 'finished' }]);
    expect(readdirSync(folder)).toEqual([]);
  });

  it('keeps the end that the job was telling', async () => {
    server.misbehave = ({ path }) => path.endsWith('/finish');
    const job = begin(`${LOG_TEN} void run.finish('stopped', 600_000);
      process.stdin.on('data', () => process.exit(0));`);
    await server.until(() => server.requests.some(({ path }) => path.endsWith('/finish')));
    job.child.stdin!.write('now\n');
    expect(await job.end()).toMatchObject({ code: 0 });
    server.misbehave = () => false;
    await comeBack();
    expect(server.steps).toEqual(TEN);
    expect(statuses()).toEqual([{ status: 'stopped' }, { status: 'finished' }]);
  });

  it('says how much is lost where there is no disk', async () => {
    const job = new JobProcess(`${LOG_TEN} process.exit(0);`, { url: server.url, directory: null });
    const { code, errors } = await job.end();
    expect(code).toBe(0);
    expect(errors).toContain('10 steps or events dropped');
  });
});

describe.each(['SIGTERM', 'SIGINT'] as const)('%s', (signal) => {
  it('stops the runs and still ends the process by the signal', async () => {
    const job = begin(`${LOG_TEN} start('run-2').log({ step: 11, loss: 1 }); ${WAIT}`);
    await job.said('ready');
    job.child.kill(signal);
    expect(await job.end()).toMatchObject({ code: null, signal });
    expect([...server.steps].sort((a, b) => a - b)).toEqual([...TEN, 11]);
    expect(statuses()).toEqual([{ status: 'stopped' }, { status: 'stopped' }]);
    expect(readdirSync(folder)).toEqual([]);
  });

  it('is the job’s to answer where it has a handler, even one that is asked once', async () => {
    const job = begin(`
      process.removeAllListeners('${signal}');
      process.once('${signal}', async () => {
        await run.finish('failed');
        process.exit(7);
      });
      start('run-2');
      ${LOG_TEN} ${WAIT}
    `);
    await job.said('ready');
    job.child.kill(signal);
    expect(await job.end()).toMatchObject({ code: 7, signal: null });
    expect(server.steps).toEqual(TEN);
    expect(statuses()).toEqual([{ status: 'failed' }]);
  });
});

describe('SIGTERM', () => {
  it('puts away what a server does not take that answers nothing', async () => {
    server.misbehave = ({ path }) => !path.endsWith('/runs');
    const job = begin(`${LOG_TEN} void run.finish('finished', 600_000); ${WAIT}`);
    await job.said('ready');
    job.child.kill('SIGTERM');
    expect(await job.end()).toMatchObject({ code: null, signal: 'SIGTERM' });
    server.misbehave = () => false;
    await comeBack();
    expect(server.steps).toEqual(TEN);
    expect(statuses()).toEqual([{ status: 'finished' }, { status: 'finished' }]);
  });

  it('ends a process in which another library listens as this client does', async () => {
    const job = begin(`
      const { onExit } = await import('signal-exit');
      onExit(() => {});
      ${LOG_TEN} ${WAIT}
    `);
    await job.said('ready');
    job.child.kill('SIGTERM');
    expect(await job.end()).toMatchObject({ code: null, signal: 'SIGTERM' });
    expect(server.steps).toEqual(TEN);
  });

  it('ends a process at once whose runs were finished', async () => {
    const job = begin(`${LOG_TEN} await run.finish('finished'); ${WAIT}`);
    await job.said('ready');
    server.misbehave = () => true;
    job.child.kill('SIGTERM');
    expect(await job.end()).toMatchObject({ code: null, signal: 'SIGTERM' });
    expect(statuses()).toEqual([{ status: 'finished' }]);
  });
});

it('delivers what was on disk when its process was killed', async () => {
  server.misbehave = (_, response) => refuse(response, 503, 'unavailable');
  const job = begin(`${LOG_TEN} while (run.counts.keptOnDisk < 10)
    await new Promise((resolve) => setTimeout(resolve, 5)); ${WAIT}`);
  await job.said('ready');
  job.child.kill('SIGKILL');
  expect(await job.end()).toMatchObject({ signal: 'SIGKILL' });
  server.misbehave = () => false;
  await comeBack();
  expect(server.steps).toEqual(TEN);
  expect(findLeftOver(folder, 'run-1')).toEqual([]);
});

it('ends the run of a worker thread as that ends', async () => {
  const client = JSON.stringify(join(process.cwd(), 'clients/typescript/create-client.ts'));
  const inThread = `
    const load = ({ tsImport }) => tsImport(${client}, 'file://' + ${client});
    import('tsx/esm/api').then(load).then(({ createClient }) => {
      const options = { url: '${server.url}', directory: ${JSON.stringify(folder)} };
      const run = createClient(options).startRun({ project: 'tests', id: 'run-1',
        optimizer: { name: 'adamw' }, layers: ${JSON.stringify(LAYERS)} });
      for (let step = 1; step <= 10; step++) run.log({ step, loss: 1 });
    });
  `;
  const job = new JobProcess(
    `await run.finish('finished');
     const { Worker } = await import('node:worker_threads');
     new Worker(${JSON.stringify(inThread)}, { eval: true, execArgv: [] });`,
    { url: server.url, directory: folder, id: 'main' },
  );
  expect(await job.end()).toMatchObject({ code: 0 });
  expect(server.steps).toEqual(TEN);
  expect(statuses()).toEqual([{ status: 'finished' }, { status: 'finished' }]);
});
