import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Spike } from '@/lib/contract/reads';
import { createTestDatabase } from '@/tests/database';
import { type TestServers, aRun, startServers } from '@/tests/servers';
import { type LiveViewer, openViewer } from './live-socket';
import { finish, postFrames, readRecordedFrames } from './recorded-frames';

let servers: TestServers;
/** What the worker's clock is ahead of the wall's. */
let aheadMs = 0;

beforeAll(async () => {
  servers = await startServers({ now: () => new Date(Date.now() + aheadMs) });
});
afterAll(async () => {
  for (const viewer of viewers) viewer.close();
  await servers.stop();
});

const viewers: LiveViewer[] = [];
async function view(runId: string): Promise<LiveViewer> {
  const viewer = await openViewer(servers.url, runId);
  viewers.push(viewer);
  return viewer;
}

it('viewers hear of a spike as it opens, is confirmed, recovers and is looked at again', async () => {
  const { run, frames } = await readRecordedFrames('recorded/B_spontaneous_spike.jsonl.gz');
  await servers.post('/api/v1/runs', { ...run, id: 'b' });
  const viewer = await view('b');
  await postFrames(servers, 'b', frames, { batch: 16 });
  // Findings are written behind the replies to the posts.
  const again = await viewer.heard(({ kind }) => kind === 'spike_reevaluated');
  const { body } = await servers.get('/api/v1/runs/b/spikes?kind=loss_spike');
  const [first] = body.items as Spike[];
  expect(again).toMatchObject({ runId: 'b', attempt: 1, id: first!.id });
  const opened = viewer.events.find(({ kind }) => kind === 'spike_opened');
  expect(opened!.title).toContain('not confirmed yet');
  // A ripple runs into the spike; whichever stood out first is told of.
  expect(Math.abs(opened!.step - 318)).toBeLessThanOrEqual(5);
  const confirmed = viewer.events.find(
    ({ id, kind }) => id === first!.id && kind === 'spike_confirmed',
  );
  expect(confirmed).toMatchObject({ step: first!.confirmedStep, attempt: 1 });
  expect(confirmed!.title).toMatch(
    /^Loss spike at step 31[78]: \d+ layers moved, the first 1 step before$/,
  );
  const recovered = viewer.events.find(
    ({ id, kind }) => id === first!.id && kind === 'spike_recovered',
  );
  expect(recovered!.title).toMatch(/^Loss spike at step 31[78]: recovered \(fast\)$/);
  const stages = viewer.events.filter(({ kind }) => kind === 'stage_change');
  expect(stages.length).toBeGreaterThan(0);
  expect(stages[0]!.title).toMatch(/^\d+ layers?: [a-z ()]+$/);
  // Each is told once, whatever was told in between.
  const confirmations = viewer.events.filter(({ kind }) => kind === 'spike_confirmed');
  expect(new Set(confirmations.map(({ id }) => id)).size).toBe(confirmations.length);
});

it('steps behind one that never comes are looked at 30 s later, by the worker’s clock', async () => {
  await servers.post('/api/v1/runs', aRun('gap', 0));
  const viewer = await view('gap');
  const frame = (step: number) => ({
    step,
    loss: 3 + 0.01 * Math.sin(step * 12.9898) + (step >= 150 ? 2 : 0),
  });
  const steps = Array.from({ length: 160 }, (_, step) => step).filter((step) => step !== 140);
  const { body } = await servers.post('/api/v1/runs/gap/frames', { frames: steps.map(frame) });
  expect(body).toMatchObject({ accepted: 159, events: [] });
  const passedGaps = async () => {
    const metrics = await (await fetch(`${servers.ingestUrl}/metrics`)).text();
    return Number(/^spikescope_ingest_detection_passed_gaps (\d+)/m.exec(metrics)?.[1]);
  };
  const before = await passedGaps();
  aheadMs += 31_000;
  const told = await viewer.heard(({ kind }) => kind === 'spike_confirmed');
  expect(told).toMatchObject({ runId: 'gap', title: expect.stringContaining('at step 150') });
  expect(await passedGaps()).toBe(before + 1);
});

it('a detector that cannot be loaded holds up no post, and finds all when it can', async () => {
  const database = await createTestDatabase();
  let ahead = 0;
  const failing = await startServers({ database, now: () => new Date(Date.now() + ahead) });
  await failing.post('/api/v1/runs', aRun('later', 0));
  const post = async (from: number, to: number) => {
    const frames = Array.from({ length: to - from }, (_, i) => ({
      step: from + i,
      loss: 3 + 0.01 * Math.sin((from + i) * 12.9898) + (from + i >= 150 && from + i < 170 ? 2 : 0),
    }));
    const { status, body } = await failing.post('/api/v1/runs/later/frames', { frames });
    expect({ status, accepted: body.accepted }).toEqual({ status: 200, accepted: to - from });
  };
  await failing.db.pool.query('ALTER TABLE detector_state RENAME TO detector_state_gone');
  await post(0, 160);
  const metrics = await (await fetch(`${failing.ingestUrl}/metrics`)).text();
  expect(metrics).toMatch(/^spikescope_ingest_detection_failures 1$/m);
  await failing.db.pool.query('ALTER TABLE detector_state_gone RENAME TO detector_state');
  // It is not tried again with every post.
  await post(160, 200);
  expect((await failing.get('/api/v1/runs/later/spikes')).body.items).toEqual([]);
  ahead += 11_000;
  await post(200, 240);
  await finish(failing, 'later');
  const { body } = await failing.get('/api/v1/runs/later/spikes');
  expect(body.items).toMatchObject([{ kind: 'loss_spike', onsetStep: 150, recovery: 'fast' }]);
  await failing.stop();
  await database.drop();
});

it('a stage that lasted three steps is seen at every zoom', async () => {
  await servers.post('/api/v1/runs', aRun('stages', 2));
  // What a healthy layer shows; the gradients of the second vanish for a moment.
  const healthy = {
    second_moment_below_epsilon_fraction: 0,
    update_std: 0.23,
    ratio_std: 0.23,
    update_dip: 0.001,
    ratio_dip: 0.001,
    gradient_cosine: 0,
    rms: 1,
  };
  const frames = Array.from({ length: 300 }, (_, step) => ({
    step,
    loss: 3 + 0.01 * Math.sin(step * 12.9898),
    layers: {
      ...Object.fromEntries(Object.entries(healthy).map(([name, value]) => [name, [value, value]])),
      gradient_rms: [1e-4, step >= 150 && step < 153 ? 1e-10 : 1e-4],
    },
  }));
  await servers.post('/api/v1/runs/stages/frames', { frames });
  await finish(servers, 'stages');
  const read = async (columns: number, reduce: string) =>
    (
      await servers.get(
        `/api/v1/runs/stages/heatmap?metric=stage&columns=${columns}&reduce=${reduce}`,
      )
    ).body as { fromStep: number[]; toStep: number[]; values: number[][] };
  const whole = await read(1000, 'max');
  expect(whole.fromStep).toEqual(whole.toStep);
  expect(new Set(whole.values[0])).toEqual(new Set([1]));
  expect(whole.values[1]!.filter((code) => code === 2)).toHaveLength(3);
  for (const reduce of ['max', 'min'] as const) {
    const zoomed = await read(20, reduce);
    expect(zoomed.fromStep.length).toBeLessThanOrEqual(20);
    expect(zoomed.fromStep.length).toBeGreaterThan(5);
    const expected = whole.values.map((row) =>
      zoomed.fromStep.map((fromStep, column) => {
        const inside = row.filter((_, i) => {
          const step = whole.fromStep[i]!;
          return step >= fromStep && step <= zoomed.toStep[column]!;
        });
        return Math[reduce](...inside);
      }),
    );
    expect(zoomed.values).toEqual(expected);
    expect(zoomed.values[1]!.includes(2)).toBe(reduce === 'max');
  }
});
