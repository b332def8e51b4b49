import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type TestServers, aRun, startServers } from '@/tests/servers';

let servers: TestServers;

beforeAll(async () => {
  servers = await startServers({ compacts: true });
});
afterAll(() => servers.stop());

/** Posts a run that has ended and waits until all of it is in blocks. */
async function store(id: string, steps: readonly number[]): Promise<void> {
  await servers.post('/api/v1/runs', aRun(id));
  const histogram = {
    edges: [-1, 0, 1],
    counts: [
      [1, 2],
      [3, 4],
    ],
  };
  await servers.post(`/api/v1/runs/${id}/frames`, {
    frames: steps.map((step, index) => ({
      step,
      loss: 2 + (index % 3),
      layers: { rms: [1, index] },
      histograms: { update: histogram },
    })),
  });
  await servers.post(`/api/v1/runs/${id}/finish`, { status: 'finished' });
  const count = async () => {
    const { rows } = await servers.db.pool.query<{ count: string }>(
      'SELECT count(*) FROM hot_frame',
    );
    expect(Number(rows[0]?.count)).toBe(0);
  };
  await vi.waitFor(count, { timeout: 60_000, interval: 50 });
}

const READS = [
  '',
  '/timeline?series=loss',
  '/timeline?series=loss&points=10',
  '/heatmap?metric=rms',
  '/heatmap?metric=rms&columns=10',
  '/layers/1/series?metric=rms&points=10',
  '/layers/1/distributions?step=9007199254740991',
  '/layers/1/distributions?reduce=sum',
  '/spikes',
  '/stages',
  '/events',
  '/size',
  '/export?kind=layers&format=csv',
  '/export?kind=steps&format=jsonl',
  '/report?format=json',
];

describe.each([
  // A job that counts tokens for steps.
  ['a billion apart', Array.from({ length: 24 }, (_, index) => index * 1e10)],
  ['dense, and then far away', [...Array.from({ length: 1200 }, (_, step) => step), 1e12]],
  [
    'up to the last that there can be',
    [...Array.from({ length: 70 }, (_, step) => step), Number.MAX_SAFE_INTEGER],
  ],
])('steps that lie %s', (id, steps) => {
  const path = `/api/v1/runs/${id.replaceAll(/\W+/g, '-')}`;
  beforeAll(() => store(path.slice('/api/v1/runs/'.length), steps), 90_000);

  it.each(READS)('can be read at %s', async (read) => {
    const reply = await servers.api(`${path}${read}`);
    await reply.text();
    expect(reply.status).toBe(200);
  });

  it('are where they were posted, each with its value', async () => {
    const { body } = await servers.get(`${path}/heatmap?metric=rms&columns=8192`);
    expect(body.fromStep).toEqual(steps);
    expect(body.values[1]).toEqual(steps.map((_, index) => index));
  });

  it('are in a bucket each, however few there are', async () => {
    const { body } = await servers.get(`${path}/layers/1/series?metric=rms&points=7`);
    expect(body.points.length).toBeLessThanOrEqual(7);
    expect(body.points[0].min).toBe(0);
    expect(body.points.at(-1).max).toBe(steps.length - 1);
  });
});
