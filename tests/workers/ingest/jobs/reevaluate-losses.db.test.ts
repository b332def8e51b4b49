import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Job } from '@/lib/contract/jobs';
import type { Spike } from '@/lib/contract/reads';
import { type TestServers, aRun, startServers } from '@/tests/servers';
import {
  finish,
  postFrames,
  readRecordedFrames,
  withoutHistograms,
} from '../detect/recorded-frames';

let servers: TestServers;
beforeAll(async () => {
  servers = await startServers();
  const { run, frames } = await readRecordedFrames('recorded/B_spontaneous_spike.jsonl.gz');
  await servers.post('/api/v1/runs', { ...run, id: 'b' });
  await postFrames(servers, 'b', withoutHistograms(frames));
  await finish(servers, 'b');
});
afterAll(() => servers.stop());

const spikesOf = async (id: string): Promise<Spike[]> =>
  (await servers.get(`/api/v1/runs/${id}/spikes?kind=loss_spike`)).body.items as Spike[];

/** Asks for the job and waits for its end. */
async function reevaluate(id: string, parameters: object = {}): Promise<Job> {
  const request = { kind: 'reevaluate_losses', ...parameters };
  const { status, body } = await servers.post(`/api/v1/runs/${id}/jobs`, request);
  expect(status).toBe(202);
  for (;;) {
    const { body: job } = await servers.get(`/api/v1/runs/${id}/jobs/${(body as Job).id}`);
    if ((job as Job).finishedAt !== null) return job as Job;
  }
}

it('finds on stored losses what was found while they came', async () => {
  const told = await spikesOf('b');
  // As an older version left them.
  await servers.db.pool.query(
    `UPDATE spike SET reevaluation = NULL, rise_step = NULL, excess_area = NULL, level_shift = NULL`,
  );
  const job = await reevaluate('b');
  expect(job).toMatchObject({ status: 'finished', doneSteps: 640, totalSteps: 640 });
  expect(job.result).toEqual({
    steps: 640,
    reevaluated: 2,
    notFoundCount: 0,
    notStoredCount: 0,
    notFound: [],
    notStored: [],
  });
  expect(await spikesOf('b')).toEqual(told);
});

it('keeps ids and dates, and says what the whole series does not show', async () => {
  const [first] = await spikesOf('b');
  await servers.db.pool.query(
    `INSERT INTO spike (run, id, attempt, kind, onset_step, recovery, first_movers, verdict)
     SELECT run, '1-loss_spike-40', 1, 'loss_spike', 40, 'fast', '[]', 'no_precursor' FROM run WHERE id = 'b'`,
  );
  await servers.db.pool.query(`DELETE FROM spike WHERE id = $1`, [first!.id]);
  const { result } = await reevaluate('b', { attempt: 1 });
  expect(result).toMatchObject({
    reevaluated: 1,
    notFound: ['1-loss_spike-40'],
    notStored: [first!.id],
  });
  expect((await spikesOf('b')).map(({ onsetStep }) => onsetStep)).toContain(40);
});

it('goes through what led up to each attempt', async () => {
  await servers.post('/api/v1/runs', aRun('two', 0));
  const frame = (step: number) => ({
    step,
    loss: 3 + 0.01 * Math.sin(step * 12.9898) + (step >= 250 && step < 270 ? 2 : 0),
  });
  const post = async (from: number, to: number) => {
    const frames = Array.from({ length: to - from }, (_, i) => frame(from + i));
    expect((await servers.post('/api/v1/runs/two/frames', { frames })).status).toBe(200);
  };
  await post(0, 300);
  await servers.post('/api/v1/runs', aRun('two', 0, { resumeFromStep: 200 }));
  await post(200, 500);
  await finish(servers, 'two');
  const { result, totalSteps } = await reevaluate('two');
  // 300 of the first; 200 of it and 300 of its own for the second.
  expect(totalSteps).toBe(800);
  expect(result).toMatchObject({ steps: 800, reevaluated: 2, notFoundCount: 0, notStoredCount: 0 });
  const spikes = await spikesOf('two');
  expect(spikes.map(({ attempt }) => attempt)).toEqual([1, 2]);
  expect(spikes.map(({ reevaluation }) => reevaluation!.onsetStep)).toEqual([250, 250]);
  expect(spikes[1]!.reevaluation!.samplesAfter).toBe(128);
});

it('is refused with parameters that it does not know', async () => {
  const request = { kind: 'reevaluate_losses', fromStep: 3 };
  expect((await servers.post('/api/v1/runs/b/jobs', request)).body.error.code).toBe('invalid_body');
});
