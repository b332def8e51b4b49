import { once } from 'node:events';
import { createServer } from 'node:http';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createClient } from '@/clients/typescript/create-client';
import {
  ImportRefused,
  type ImportSettings,
  importRecording,
} from '@/workers/launcher/tools/import-recording/import-recording';
import {
  type Recording,
  type RecordingItem,
  readRecording,
} from '@/workers/launcher/tools/import-recording/read-recording';
import { UNDESCRIBED } from '@/workers/launcher/tools/import-recording/recording-description';
import { type TestServers, startServers } from '../../../../servers';

const fixture = (path: string) =>
  fileURLToPath(new URL(`../../../../fixtures/${path}`, import.meta.url));

let servers: TestServers;
beforeAll(async () => {
  servers = await startServers();
});
afterAll(async () => {
  await servers.stop();
});

async function importInto(
  id: string,
  recording: Recording,
  {
    pace = { kind: 'unlimited' },
    stopAfter = Infinity,
  }: { pace?: ImportSettings['pace']; stopAfter?: number } = {},
) {
  const said: string[] = [];
  const waited: number[] = [];
  let clockMs = 0;
  let seen = 0;
  const counted = {
    ...recording,
    items: (async function* () {
      for await (const item of recording.items) {
        seen += 1;
        yield item;
      }
    })(),
  };
  const report = await importRecording(
    counted,
    { run: { project: 'tests', id, name: id, tags: ['imported'] }, pace },
    {
      client: createClient({ url: servers.url, directory: null }),
      say: (message) => said.push(message),
      wait: (durationMs) => {
        waited.push(durationMs);
        clockMs += durationMs;
        return Promise.resolve();
      },
      now: () => clockMs,
      isStopped: () => seen > stopAfter,
    },
  );
  return { report, said, waited };
}

/** Steps of one layer as a recording; each attempt is a list of [step, loss]. */
function aRecording(...attempts: (readonly (readonly [number, number])[])[]): Recording {
  const items = attempts.flatMap((steps, attempt) =>
    steps.map(([step, loss]): RecordingItem => ({
      kind: 'step',
      step: {
        attempt,
        wallTime: 1000 + step * 2,
        frame: { step, loss, layers: { rms: [loss] } },
        remarks: [],
      },
    })),
  );
  return {
    description: UNDESCRIBED,
    layers: [{ name: 'wte', parameterCount: 8 }],
    items: (async function* () {
      await Promise.resolve();
      yield* items;
    })(),
  };
}

describe('importRecording', () => {
  it('puts the real spike of run B on the heatmap: 640 steps, the gradient a step before the loss', async () => {
    const path = fixture('recorded/B_spontaneous_spike.jsonl.gz');
    const { report, said } = await importInto('B', await readRecording(path));

    expect(report.counts).toMatchObject({
      logged: 640,
      accepted: 640,
      duplicates: 0,
      rejected: 0,
      dropped: 0,
    });
    expect(said).toEqual([]);
    const run = await servers.get('/api/v1/runs/B');
    expect(run.body).toMatchObject({
      status: 'finished',
      firstStep: 1,
      lastStep: 640,
      layerCount: 69,
      optimizer: { name: 'adamw', beta1: 0.9, beta2: 0.95, epsilon: 1e-5 },
    });
    const heatmap = await servers.get(
      '/api/v1/runs/B/heatmap?metric=gradient_norm&fromStep=300&toStep=330&columns=100',
    );
    const column = heatmap.body.fromStep.indexOf(317);
    const jumps = heatmap.body.values.filter(
      (row: number[]) => row[column]! > 10 * row[column - 1]!,
    ).length;
    expect(jumps).toBeGreaterThan(30);
    expect(heatmap.body.loss[column]).toBeLessThan(0.05);
    expect(heatmap.body.loss[heatmap.body.fromStep.indexOf(319)]).toBeCloseTo(2.84, 2);
    // The first step has no cosine: not reported, not 0.
    const cosine = await servers.get('/api/v1/runs/B/heatmap?metric=gradient_cosine&toStep=2');
    expect(cosine.body.values[0]![0]).toBeNull();
    expect(cosine.body.nonFiniteCount[0]![0]).toBe(0);
    const drilldown = await servers.get('/api/v1/runs/B/layers/4/distributions?step=317');
    const kinds = drilldown.body.items[0].distributions.map(({ kind }: { kind: string }) => kind);
    expect(kinds.sort()).toEqual(['ratio', 'update']);
  });

  it('refuses a run that was imported to its end, and says what to do', async () => {
    const again = importInto('B', aRecording([[1, 1]]));

    await expect(again).rejects.toThrow(ImportRefused);
    await expect(importInto('B', aRecording([[1, 1]]))).rejects.toThrow(
      /Run B is already there and finished: nothing was imported/,
    );
  });

  it('completes an import that was stopped', async () => {
    const steps = Array.from({ length: 20 }, (_, i) => [i + 1, 1 / (i + 1)] as const);
    const stopped = await importInto('halves', aRecording(steps), { stopAfter: 8 });
    expect(stopped.report.counts.accepted).toBe(8);

    const { report } = await importInto('halves', aRecording(steps));

    expect(report.counts).toMatchObject({ accepted: 12, duplicates: 8, rejected: 0 });
    expect((await servers.get('/api/v1/runs/halves')).body).toMatchObject({
      status: 'finished',
      lastStep: 20,
    });
  });

  it('opens a new attempt where the file restarts, and the same ones when it is imported again', async () => {
    const first = [1, 2, 3, 4].map((step) => [step, step] as const);
    const second = [3, 4, 5].map((step) => [step, step * 10] as const);
    const stopped = await importInto('restarted', aRecording(first, second), { stopAfter: 6 });
    expect(stopped.report).toMatchObject({ attemptCount: 2, counts: { accepted: 6 } });

    const { report } = await importInto('restarted', aRecording(first, second));

    expect(report.counts).toMatchObject({ accepted: 1, duplicates: 6, rejected: 0 });
    const { body } = await servers.get('/api/v1/runs/restarted');
    expect(body.attempts).toMatchObject([
      { attempt: 1, lastStep: 4 },
      { attempt: 2, resumeFromStep: 3, lastStep: 5 },
    ]);
    const timeline = await servers.get('/api/v1/runs/restarted/timeline?series=loss');
    expect(timeline.body.series[0].points.map(({ max }: { max: number }) => max)).toEqual([
      1, 2, 30, 40, 50,
    ]);
  });

  it('keeps the pace that is asked for', async () => {
    const steps = [1, 2, 3, 5].map((step) => [step, 1] as const);
    const fixed = await importInto('paced', aRecording(steps), {
      pace: { kind: 'steps_per_second', stepsPerSecond: 20 },
    });
    const recorded = await importInto('replayed', aRecording(steps), {
      pace: { kind: 'recorded' },
    });

    expect(fixed.waited).toEqual([50, 50, 50]);
    expect(recorded.waited).toEqual([2000, 2000, 4000]);
  });

  it('imports a public log without layers', async () => {
    const path = fixture('real-logs/bloom-176B-first-loss-spike.csv');
    const { report, said } = await importInto('bloom', await readRecording(path));

    expect(report.counts).toMatchObject({ accepted: 11, rejected: 0, dropped: 0 });
    expect(said).toEqual(['field global_batch_size becomes a custom scalar']);
    const timeline = await servers.get('/api/v1/runs/bloom/timeline?series=loss,gradient_norm');
    expect(Math.max(...timeline.body.series[0].points.map((p: { max: number }) => p.max))).toBe(
      5.098124,
    );
  });

  it('says that there is no server instead of waiting for one', async () => {
    const refused = importRecording(
      aRecording([[1, 1]]),
      { run: { project: 'p', id: 'x' }, pace: { kind: 'unlimited' } },
      {
        client: createClient({ url: 'http://127.0.0.1:9', directory: null }),
        say: () => undefined,
        wait: () => Promise.resolve(),
        now: () => 0,
        isStopped: () => false,
      },
    );

    await expect(refused).rejects.toThrow(/cannot be asked/);
  });

  it.each([401, 403])('says which token it needs where the server answers %d', async (status) => {
    const code = status === 401 ? 'unauthorized' : 'forbidden';
    const server = createServer((_request, response) => {
      response.writeHead(status, { 'Content-Type': 'application/json' });
      response.end(JSON.stringify({ error: { code, message: 'not with this one' } }));
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('expected a port');
    const refused = importRecording(
      aRecording([[0, 1]]),
      {
        run: { project: 'tests', id: 'barred', name: 'barred', tags: [] },
        pace: { kind: 'unlimited' },
      },
      {
        client: createClient({ url: `http://127.0.0.1:${address.port}`, directory: null }),
        say: () => undefined,
        wait: () => Promise.resolve(),
        now: () => 0,
        isStopped: () => false,
      },
    );
    await expect(refused).rejects.toThrow(/token of scope admin .*not with this one/);
    server.close();
  });
});
