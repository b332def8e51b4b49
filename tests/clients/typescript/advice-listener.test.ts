import { afterEach, beforeEach, expect, it } from 'vitest';
import { createClient } from '@/clients/typescript/create-client';
import type { AdviceItem } from '@/lib/contract/advice';
import { type FakeServer, startFakeServer } from './fake-server';

const anItem = (id: string): AdviceItem => ({
  ...{ id, action: 'clip_updates', severity: 'warn', reason: 'RMS 4.20 in wte', caveat: '' },
  ...{ sinceStep: 2, layers: [{ index: 0, name: 'wte' }], factor: null, value: 1, forSteps: null },
  ...{ checkpointStep: null, skipSteps: null, spikeId: null, incidentId: null },
});

let server: FakeServer;
let warnings: string[];
beforeEach(async () => {
  server = await startFakeServer();
  server.advised = [];
  warnings = [];
});
afterEach(() => server.stop());

function start(mode: 'online' | 'disabled' = 'online') {
  const logger = { info: () => undefined, warn: (text: string) => void warnings.push(text) };
  const client = createClient({ url: server.url, logger, directory: null, mode, random: () => 0 });
  return client.startRun({
    ...{ project: 'tests', id: 'run-1', optimizer: { name: 'adamw' } },
    layers: [{ name: 'wte', parameterCount: 8 }],
  });
}
const asked = () => server.requests.filter(({ path }) => path.endsWith('/advice')).length;
const aStep = (step: number) => ({ step, loss: 1, layers: { rms: [1] } });
/** Logs until `isMet`, a step a turn of the event loop. */
async function logUntil(run: ReturnType<typeof start>, isMet: () => boolean, from: number) {
  for (let step = from; !isMet(); step++) {
    run.log(aStep(step));
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

it('tells what findings bring, within log(), once, to everybody who listens', async () => {
  const told: string[] = [];
  let isLogging = false;
  const run = start();
  run.onAdvice(({ id }) => told.push(`${id} ${isLogging ? 'within' : 'outside'}`));
  run.onAdvice(() => {
    throw new Error('of the job');
  });
  await server.until(() => asked() === 1);
  server.advised = [anItem('a'), anItem('b')];
  server.found = [{ kind: 'spike_confirmed', step: 1 }];
  const log = run.log.bind(run);
  run.log = (input) => {
    isLogging = true;
    log(input);
    isLogging = false;
  };
  await logUntil(run, () => told.length >= 2, 1);
  expect(told).toEqual(['a within', 'b within']);
  expect(run.advice?.items.map(({ id }) => id)).toEqual(['a', 'b']);
  server.found = [{ kind: 'stage_change', step: 1 }];
  const before = asked();
  await logUntil(run, () => asked() > before, 1000);
  run.log(aStep(100_000));
  expect(told).toHaveLength(2);
  expect(warnings.filter((text) => text.includes('of the job'))).toHaveLength(1);
  await run.finish('finished');
});

it('asks a server that knows no advice once, and nobody where nobody listens', async () => {
  server.advised = null;
  const run = start();
  run.onAdvice(() => undefined);
  await server.until(() => asked() === 1);
  server.found = [{ kind: 'spike_confirmed', step: 1 }];
  await logUntil(run, () => warnings.length > 0, 1);
  expect(warnings).toEqual(['this server gives no advice']);
  await run.finish('finished');
  expect(asked()).toBe(1);
  const silent = start('disabled');
  silent.onAdvice(() => undefined);
  expect(silent.advice).toBeNull();
});
