import { afterAll, beforeAll, expect, it } from 'vitest';
import { postmortemSchema } from '@/lib/contract/postmortem';
import { runsReplySchema } from '@/lib/contract/reads';
import { projectReportSchema } from '@/lib/contract/reports';
import { spikeSearchReplySchema } from '@/lib/contract/spike-search';
import { type TestServers, aRun, startServers } from '@/tests/servers';

/** Clocks that are none: nanoseconds, the ends of float64, before 1970, steps that take no time. */
const ODD_CLOCKS: Readonly<Record<string, (step: number) => number>> = {
  nanoseconds: (step) => 1.767e18 + step * 1e9,
  extremes: (step) => (step % 2 === 0 ? 1.7e308 : -1.7e308),
  past: (step) => -1e13 - step,
  still: (step) => (step % 2) * Number.MIN_VALUE,
};
const IDS = ['honest', ...Object.keys(ODD_CLOCKS)];
const SPIKE = 100;
let startedAt: number;
let servers: TestServers;

async function post(id: string, wallTime: (step: number) => number): Promise<void> {
  expect((await servers.post('/api/v1/runs', aRun(id, 1))).status).toBe(201);
  const frames = Array.from({ length: 150 }, (_, step) => ({
    step,
    loss: step >= SPIKE && step < SPIKE + 4 ? 5 : 2 + 0.01 * Math.sin(step * 7),
    wallTime: wallTime(step),
  }));
  const { body } = await servers.post(`/api/v1/runs/${id}/frames`, { frames });
  expect([body.accepted, body.rejected]).toEqual([frames.length, []]);
}

beforeAll(async () => {
  servers = await startServers();
  startedAt = Math.floor(Date.now() / 1000);
  await post('honest', (step) => startedAt + step / 1000);
  for (const [id, clock] of Object.entries(ODD_CLOCKS)) await post(id, clock);
}, 60_000);
afterAll(() => servers.stop());

it('lists runs, of which one has a speed', async () => {
  for (const sort of ['created', 'speed']) {
    const { status, body } = await servers.get(`/api/v1/runs?project=tests&sort=${sort}`);
    expect(status).toBe(200);
    const { items } = runsReplySchema.parse(body);
    expect(items.map(({ id }) => id).toSorted()).toEqual(IDS.toSorted());
    for (const { id, stepsPerSecond } of items) {
      if (id === 'honest') expect(stepsPerSecond).toBeCloseTo(1000, 0);
      else expect([id, stepsPerSecond]).toEqual([id, null]);
    }
  }
});

it('dates their spikes by when the steps came', async () => {
  const found = spikeSearchReplySchema.parse(
    (await servers.get('/api/v1/spikes?kind=loss_spike')).body,
  );
  expect(found.items.map(({ run }) => run.id).toSorted()).toEqual(IDS.toSorted());
  const week = projectReportSchema.parse(
    (await servers.get('/api/v1/projects/tests/report?format=json')).body,
  );
  // Its clock says 1970, which is a time.
  const ofToday = IDS.filter((id) => id !== 'still');
  expect(week.spikes.map(({ runId }) => runId).toSorted()).toEqual(ofToday.toSorted());
  const dated = [
    ...found.items.map(({ run, at }) => ({ id: run.id, at })),
    ...week.spikes.map(({ runId, at }) => ({ id: runId, at })),
  ];
  for (const { id, at } of dated) {
    if (id !== 'still') expect(Date.parse(at ?? '') / 1000).toBeGreaterThanOrEqual(startedAt);
  }
});

it('writes their postmortems and reports, without a date where there is none', async () => {
  for (const id of IDS) {
    const { items } = (await servers.get(`/api/v1/runs/${id}/spikes?kind=loss_spike`)).body;
    const path = `/api/v1/runs/${id}/spikes/${items[0].id}/postmortem`;
    const { onsetAt } = postmortemSchema.parse((await servers.get(path)).body);
    if (id === 'still') expect(onsetAt).toBe('1970-01-01T00:00:00.000Z');
    else expect([id, onsetAt !== null]).toEqual([id, id === 'honest']);
    expect((await servers.get(`/api/v1/runs/${id}/report`)).status).toBe(200);
  }
});

it('has no time for them in SQL, and the steps of all the same', async () => {
  const { rows } = await servers.db.pool.query<{ run: string; steps: string; times: string }>(
    `SELECT run, count(*) AS steps, count(wall_time) AS times FROM spikescope.steps
     GROUP BY run ORDER BY run`,
  );
  expect(rows).toEqual(
    IDS.toSorted().map((run) => ({
      ...{ run, steps: '150' },
      times: run === 'honest' || run === 'still' ? '150' : '0',
    })),
  );
});
