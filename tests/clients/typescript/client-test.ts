import { afterEach, beforeEach } from 'vitest';
import {
  type ClientOptions,
  type StartRun,
  createClient,
} from '@/clients/typescript/create-client';
import type { RunHandle } from '@/clients/typescript/run-handle';
import { type FakeServer, startFakeServer } from './fake-server';

export const LAYERS = [
  { name: 'wte', parameterCount: 8 },
  { name: 'head', parameterCount: 8 },
];

/** A server of each test's own, and what a client said in it. */
interface ClientTest {
  server: FakeServer;
  warnings: string[];
  infos: string[];
  /** Begins a run without a directory, by the shortest waits that the jitter allows. */
  start(run?: Partial<StartRun>, options?: Partial<ClientOptions>): RunHandle;
}

export function useFakeServer(): ClientTest {
  const test = { start } as ClientTest;
  beforeEach(async () => {
    test.server = await startFakeServer();
    test.warnings = [];
    test.infos = [];
  });
  afterEach(async () => {
    await test.server.stop();
  });

  function start(run: Partial<StartRun> = {}, options: Partial<ClientOptions> = {}): RunHandle {
    // Of this test alone: a client of the last one may still say that its server is gone.
    const { infos, warnings } = test;
    const client = createClient({
      url: test.server.url,
      logger: { info: (text) => infos.push(text), warn: (text) => warnings.push(text) },
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
  return test;
}

/** Two layers of one metric, and a loss. */
export const aStep = (step: number) => ({ step, loss: 1 / step, layers: { rms: [step, 1] } });
