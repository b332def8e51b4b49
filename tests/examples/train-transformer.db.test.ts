import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type TestServers, startServers } from '../servers';

const root = fileURLToPath(new URL('../..', import.meta.url));

let servers: TestServers;
let checkpoints: string;
const running = new Set<ChildProcess>();

beforeAll(async () => {
  servers = await startServers();
  checkpoints = await mkdtemp(join(tmpdir(), 'checkpoints-'));
});
afterAll(async () => {
  for (const child of running) child.kill('SIGKILL');
  await servers.stop();
  await rm(checkpoints, { recursive: true });
});

/** The script as a person starts it, on a model that takes a step in a few milliseconds. */
function startTraining(id: string, ...args: string[]) {
  const child = spawn(
    process.execPath,
    [
      ...['--import', 'tsx', 'examples/train-transformer.ts', '--url', servers.url],
      ...['--run-id', id, '--checkpoints', checkpoints],
      ...['--depth', '1', '--width', '16', '--context', '16', '--batch', '2'],
      ...args,
    ],
    { cwd: root },
  );
  running.add(child);
  let output = '';
  const collect = (chunk: Buffer) => (output += chunk.toString());
  child.stdout.on('data', collect);
  child.stderr.on('data', collect);
  // Its last words come no later than this; its exit may be told before them.
  const ended = once(child, 'close').then(([code]) => {
    running.delete(child);
    return { code: code as number | null, output };
  });
  return { child, ended };
}

describe('train-transformer', () => {
  it('posts every step with metrics and distributions, saves checkpoints and ends the run', async () => {
    const { code, output } = await startTraining('whole', '--steps', '6', '--checkpoint-every', '4')
      .ended;

    expect(code, output).toBe(0);
    expect(output).toContain('6 steps accepted, 0 duplicates, 0 rejected, 0 dropped');
    const run = await servers.get('/api/v1/runs/whole');
    expect(run.body).toMatchObject({
      status: 'finished',
      firstStep: 1,
      lastStep: 6,
      layerCount: 13,
      optimizer: { name: 'adamw', beta1: 0.9, beta2: 0.95, epsilon: 1e-8, weightDecay: 0.01 },
    });
    const metrics = await servers.get('/api/v1/runs/whole/metrics');
    expect(metrics.body.histograms.sort()).toEqual(['ratio', 'update']);
    expect(metrics.body.layerMetrics.length).toBeGreaterThanOrEqual(15);
    const events = await servers.get('/api/v1/runs/whole/events');
    expect(events.body.items).toMatchObject([
      { step: 4, kind: 'checkpoint', title: 'Checkpoint at step 4' },
    ]);
    expect(await readdir(join(checkpoints, 'whole'))).toEqual(['step-4.safetensors']);
  });

  it('goes on from its newest checkpoint as a new attempt', async () => {
    const { code, output } = await startTraining('whole', '--steps', '8', '--resume').ended;

    expect(code, output).toBe(0);
    const { body } = await servers.get('/api/v1/runs/whole');
    expect(body.attempts).toMatchObject([
      { attempt: 1, lastStep: 6 },
      { attempt: 2, resumeFromStep: 5, firstStep: 5, lastStep: 8 },
    ]);
  });

  it('ends its run as stopped on Ctrl-C', async () => {
    const { child, ended } = startTraining('stopped', '--steps', '1000000');
    let hasBegun = false;
    while (!hasBegun) {
      await once(child.stdout, 'data');
      hasBegun = (await servers.get('/api/v1/runs/stopped')).body.lastStep > 0;
    }
    child.kill('SIGINT');
    const { code, output } = await ended;

    expect(code, output).toBe(0);
    expect(output).toMatch(/Stopped after step \d+: \d+ steps accepted/);
    expect((await servers.get('/api/v1/runs/stopped')).body.status).toBe('stopped');
  });

  it('says what is wrong with its flags and starts no run', async () => {
    const { code, output } = await startTraining('wrong', '--beta1', '1').ended;

    expect(code).toBe(2);
    expect(output).toContain('--beta1: expected a number of at least 0 and below 1');
    expect((await servers.get('/api/v1/runs/wrong')).status).toBe(404);
  });
});
