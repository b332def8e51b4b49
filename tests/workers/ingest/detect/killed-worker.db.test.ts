import { afterAll, beforeAll, expect, it } from 'vitest';
import { encodeFrames } from '@/lib/contract/encode-frames';
import { SAFETENSORS_MEDIA_TYPE } from '@/lib/contract/heatmap-columns';
import { type ClonedDatabase, createTestDatabase } from '@/tests/database';
import { type TestServers, startServers } from '@/tests/servers';
import { type IngestProcess, startIngestProcess } from './ingest-process';
import {
  type RecordedFrames,
  finish,
  postFrames,
  readRecordedFrames,
  withoutHistograms,
} from './recorded-frames';
import { readFindings } from './stored-findings';

let database: ClonedDatabase;
let servers: TestServers;
let worker: IngestProcess;
let b: RecordedFrames;
let frames: ReturnType<typeof withoutHistograms>;

beforeAll(async () => {
  database = await createTestDatabase();
  servers = await startServers({ database });
  b = await readRecordedFrames('recorded/B_spontaneous_spike.jsonl.gz');
  frames = withoutHistograms(b.frames);
});
afterAll(async () => {
  await worker.kill();
  await servers.stop();
  await database.drop();
});

const post = (path: string, value: unknown): Promise<Response> =>
  fetch(`${worker.url}${path}`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(value),
  });

const BATCH = 16;

/** The first step has no step before it to be compared with, and so a body of its own. */
function batches(): (typeof frames)[] {
  const [first, ...rest] = frames;
  const found = first === undefined ? [] : [[first]];
  for (let start = 0; start < rest.length; start += BATCH) {
    found.push(rest.slice(start, start + BATCH));
  }
  return found;
}

function postBatch(batch: typeof frames): Promise<number> {
  return fetch(`${worker.url}/api/v1/runs/killed/frames`, {
    method: 'POST',
    headers: { 'Content-Type': SAFETENSORS_MEDIA_TYPE },
    body: encodeFrames(batch, {}),
  }).then(({ status }) => status);
}

it('a worker killed in the middle of detection leaves nothing unfound, and nothing found twice', async () => {
  await servers.post('/api/v1/runs', { ...b.run, id: 'undisturbed' });
  await postFrames(servers, 'undisturbed', frames);
  await finish(servers, 'undisturbed');

  worker = await startIngestProcess(database.url);
  expect((await post('/api/v1/runs', { ...b.run, id: 'killed' })).status).toBe(201);
  // Before the first state is saved, as the first spike opens, while it is open, and as the
  // second is confirmed.
  const kills = [50, 316, 325, 553];
  for (const batch of batches()) {
    const answer = postBatch(batch).catch(() => null);
    const isFatal = batch.some(({ step }) => step === kills[0]);
    if (isFatal) {
      kills.shift();
      // By turns: the post is under way, or is acknowledged and its findings are being written.
      if (kills.length % 2 === 1) await answer;
      const [status] = await Promise.all([answer, worker.kill()]);
      worker = await startIngestProcess(database.url);
      expect(status ?? (await postBatch(batch)), worker.output()).toBe(200);
    } else expect(await answer, worker.output()).toBe(200);
  }
  expect(kills).toEqual([]);
  expect((await post('/api/v1/runs/killed/finish', { status: 'finished' })).status).toBe(200);

  const expected = await readFindings(database.url, 'undisturbed');
  expect(expected['spikes']!.length).toBeGreaterThan(2);
  expect(expected['stages']!.length).toBeGreaterThan(100);
  expect(await readFindings(database.url, 'killed')).toEqual(expected);
}, 180_000);
