/**
 * Many short jobs that end at a random step in a random way, against the real worker: every step
 * that a job had handed over is stored once, by the job itself or by the next one of its run.
 *
 *   SPIKESCOPE_STRESS_PROCESSES=80 npx vitest run --project database tests/clients/typescript
 */
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createClient } from '@/clients/typescript/create-client';
import { type TestServers, startServers } from '../../servers';
import { LAYERS } from './client-test';
import { JobProcess } from './job-process';

const PROCESSES = Number(process.env['SPIKESCOPE_STRESS_PROCESSES'] ?? 7);
const AT_ONCE = 3;
const SEED = Number(process.env['SPIKESCOPE_STRESS_SEED'] ?? 1);

/** What a job does at its last step, and how its process then ends. */
const ENDINGS = [
  { code: 'return;', exit: [0, null] },
  {
    code: `await Promise.all(runs.map((run) => run.finish('finished'))); return;`,
    exit: [0, null],
  },
  { code: 'process.exit(3);', exit: [3, null] },
  { code: 'throw new Error("of the job");', exit: [1, null] },
  { code: 'void Promise.reject(new Error("nobody looked"));', exit: [1, null] },
  { code: `process.kill(process.pid, 'SIGTERM');`, exit: [null, 'SIGTERM'] },
  { code: `process.kill(process.pid, 'SIGINT');`, exit: [null, 'SIGINT'] },
  { code: `process.kill(process.pid, 'SIGKILL');`, exit: [null, 'SIGKILL'] },
] as const;

let servers: TestServers;
let folder: string;
beforeAll(async () => {
  servers = await startServers();
  folder = mkdtempSync(join(tmpdir(), 'spikescope-stress-'));
});
afterAll(async () => {
  await servers.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** Two runs; a step is noted behind its log() where the run took it. */
const jobOf = (name: string, lastStep: number, ending: string) => `
  const { appendFileSync } = await import('node:fs');
  const { setImmediate } = await import('node:timers/promises');
  const runs = [run, start('${name}-b')];
  const train = async () => {
    for (let step = 1; step <= 100_000; step++) {
      for (const each of runs) {
        const { dropped } = each.counts;
        each.log({ step, loss: step, layers: { rms: [step, 1] } });
        if (each.counts.dropped === dropped) {
          appendFileSync(${JSON.stringify(folder)} + '/' + each.id + '.handed', step + '\\n');
        }
      }
      if (step === ${lastStep}) { ${ending} }
      if (step % 3 === 0) await setImmediate();
    }
  };
  await train();
`;

async function storedSteps(id: string): Promise<number[]> {
  const { body } = await servers.get(`/api/v1/runs/${id}`);
  const steps: number[] = [];
  for (const { attempt } of body.attempts) {
    const query = `series=loss&points=5000&attempt=${attempt}`;
    const reply = await servers.get(`/api/v1/runs/${id}/timeline?${query}`);
    expect(reply.status, JSON.stringify(reply.body)).toBe(200);
    for (const { fromStep, toStep, min } of reply.body.series[0].points) {
      expect([toStep, min]).toEqual([fromStep, fromStep]);
      steps.push(fromStep);
    }
  }
  return steps;
}

async function endOne(index: number, random: () => number): Promise<void> {
  const ending = ENDINGS[Math.floor(random() * ENDINGS.length)]!;
  const lastStep = 1 + Math.floor(random() * 200);
  // A server that is away for the whole life of the process, where that does not wait for it.
  const isAway = ending.code !== 'return;' && random() < 0.3;
  const name = `stress-${index}`;
  const url = isAway ? 'http://127.0.0.1:9' : servers.url;
  const directory = join(folder, 'kept');
  const job = new JobProcess(jobOf(name, lastStep, ending.code), {
    url,
    directory,
    id: `${name}-a`,
  });
  const { code, signal, errors } = await job.end();
  expect([code, signal], errors).toEqual(ending.exit);

  const logger = { info: () => undefined, warn: () => undefined };
  const client = createClient({ url: servers.url, directory, logger });
  for (const id of [`${name}-a`, `${name}-b`]) {
    const next = client.startRun({
      ...{ project: 'tests', id, optimizer: { name: 'adamw' }, layers: LAYERS },
    });
    expect(await next.finish('finished', 120_000)).toBe(true);
    const handed = readFileSync(join(folder, `${id}.handed`), 'utf8')
      .trim()
      .split('\n')
      .map(Number);
    const stored = await storedSteps(id);
    const what = `${id}: ${ending.code} at ${lastStep}${isAway ? ', away' : ''}\n${errors}`;
    expect(new Set(stored).size, what).toBe(stored.length);
    if (ending.exit[1] === 'SIGKILL') {
      // What was neither acknowledged nor on disk is lost; the others are of those handed over.
      expect(stored, what).toEqual(handed.slice(0, stored.length));
    } else expect(stored, what).toEqual(handed);
  }
}

it(
  `loses no step over ${PROCESSES} processes, and none of them hangs`,
  async () => {
    let state = SEED;
    const random = () => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      return state / 2 ** 32;
    };
    let next = 0;
    const work = async () => {
      while (next < PROCESSES) await endOne(next++, random);
    };
    await Promise.all(Array.from({ length: AT_ONCE }, work));
    expect(readdirSync(join(folder, 'kept'))).toEqual([]);
  },
  120_000 + PROCESSES * 30_000,
);

it.each([0, 1])(
  'goes on with a run that ended before it had a step, from step %i',
  async (first) => {
    const logger = { info: () => undefined, warn: () => undefined };
    const client = createClient({ url: servers.url, directory: null, logger });
    const id = `no-step-${first}`;
    const start = () =>
      client.startRun({ project: 'tests', id, optimizer: { name: 'adamw' }, layers: LAYERS });
    expect(await start().finish('failed')).toBe(true);
    const run = start();
    for (const step of [first, first + 1])
      run.log({ step, loss: step, layers: { rms: [step, 1] } });
    expect(await run.finish('finished', 60_000)).toBe(true);
    expect(run.counts).toMatchObject({ accepted: 2, dropped: 0 });
    expect(await storedSteps(id)).toEqual([first, first + 1]);
  },
);
