import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Spike } from '@/lib/contract/reads';
import { createTestDatabase } from '@/tests/database';
import { type TestServers, startServers } from '@/tests/servers';
import { seededRandom } from '@/tests/seeded-random';
import {
  type RecordedFrames,
  finish,
  postFrames,
  readRecordedFrames,
  shardOf,
  withoutHistograms,
} from './recorded-frames';

let servers: TestServers;
let b: RecordedFrames;
/** Run B's loss, norms and metrics alone. */
let plain: ReturnType<typeof withoutHistograms>;
let expected: readonly Spike[];

const spikesOf = async (id: string, kind = 'loss_spike', from = servers): Promise<Spike[]> => {
  const { body } = await from.get(`/api/v1/runs/${id}/spikes?kind=${kind}`);
  return body.items as Spike[];
};

async function createRun(id: string, overrides: object = {}, on = servers): Promise<void> {
  const { status } = await on.post('/api/v1/runs', { ...b.run, id, ...overrides });
  expect([200, 201]).toContain(status);
}

/** In groups of `width`, each in an order of its own. */
function shuffled<T>(items: readonly T[], width: number): T[] {
  const random = seededRandom(7);
  const result: T[] = [];
  for (let start = 0; start < items.length; start += width) {
    const group = items.slice(start, start + width);
    for (let last = group.length - 1; last > 0; last--) {
      const other = Math.floor(random() * (last + 1));
      [group[last], group[other]] = [group[other]!, group[last]!];
    }
    result.push(...group);
  }
  return result;
}

beforeAll(async () => {
  servers = await startServers();
  b = await readRecordedFrames('recorded/B_spontaneous_spike.jsonl.gz');
  plain = withoutHistograms(b.frames);
  await createRun('ordered');
  await postFrames(servers, 'ordered', plain);
  await finish(servers, 'ordered');
  expected = await spikesOf('ordered');
});
afterAll(() => servers.stop());

describe('a recorded run with two spikes', () => {
  it('is told as it is posted: spikes, first movers, stages', async () => {
    await createRun('live');
    const replies = await postFrames(servers, 'live', b.frames, { batch: 32 });
    await finish(servers, 'live');
    const found = await spikesOf('live');
    expect(found.map(({ onsetStep }) => onsetStep)).toEqual([
      expect.closeTo(318, -0.7),
      expect.closeTo(552, -0.7),
    ]);
    const [first, second] = found;
    expect(first?.verdict).toBe('precursor_found');
    expect(first?.firstMovers.filter(({ step }) => step === 317).length).toBeGreaterThanOrEqual(34);
    expect(second?.firstMovers.some(({ step }) => step === 551)).toBe(true);
    const kinds = replies.flatMap(({ events }) => events.map(({ kind }) => kind));
    expect(kinds.filter((kind) => kind === 'spike_opened').length).toBeGreaterThanOrEqual(2);
    expect(kinds).toContain('spike_confirmed');
    expect(kinds).toContain('spike_recovered');
    expect(kinds).toContain('stage_change');
  });

  it('has its stages as intervals, as a metric and in the list of runs', async () => {
    const { body: stages } = await servers.get('/api/v1/runs/live/stages');
    const layers = b.run.layers.length;
    expect(new Set(stages.items.map(({ layer }: { layer: number }) => layer)).size).toBe(layers);
    const { body: metrics } = await servers.get('/api/v1/runs/live/metrics');
    expect(metrics.layerMetrics).toContain('stage');
    const { body: heatmap } = await servers.get('/api/v1/runs/live/heatmap?metric=stage');
    expect(heatmap.values).toHaveLength(layers);
    // Every step of every layer has a stage, and it is that of the interval.
    expect(heatmap.values.flat().every((value: unknown) => typeof value === 'number')).toBe(true);
    const { body: series } = await servers.get('/api/v1/runs/live/layers/0/series?metric=stage');
    expect(series.points.map(({ max }: { max: number }) => max)).toEqual(heatmap.values[0]);
    const { body: run } = await servers.get('/api/v1/runs/live');
    expect(run.worstStage).not.toBeNull();
    expect(run.openSpikeCount).toBe(0);
    expect(run.spikeCount).toBeGreaterThanOrEqual(2);
  });
});

describe('the same spikes are found', () => {
  it('without histograms', () => {
    expect(expected.map(({ onsetStep }) => onsetStep)).toEqual([
      expect.closeTo(318, -0.7),
      expect.closeTo(552, -0.7),
    ]);
  });

  it('in shuffled batches and with duplicates', async () => {
    await createRun('shuffled');
    const order = shuffled(plain, 24).flatMap((frame, index) =>
      index % 5 === 0 ? [frame, frame] : [frame],
    );
    await postFrames(servers, 'shuffled', order);
    await finish(servers, 'shuffled');
    expect(await spikesOf('shuffled')).toEqual(expected);
  });

  it('in two shards, the second one later', async () => {
    await createRun('shards');
    const { length } = b.run.layers;
    const half = length >> 1;
    for (let start = 0; start < plain.length; start += 50) {
      const part = plain.slice(start, start + 50);
      const upper = part.map((frame) => shardOf(frame, half, length));
      await postFrames(servers, 'shards', upper, { layerOffset: half });
      const lower = part.map((frame) => shardOf(frame, 0, half));
      await postFrames(servers, 'shards', lower, { layerOffset: 0 });
    }
    await finish(servers, 'shards');
    expect(await spikesOf('shards')).toEqual(expected);
  });

  it('with steps that never come', async () => {
    await createRun('gaps');
    const sparse = plain.filter(({ step }) => step % 100 !== 50);
    await postFrames(servers, 'gaps', sparse);
    await finish(servers, 'gaps');
    expect((await spikesOf('gaps')).map(({ onsetStep }) => onsetStep)).toEqual(
      expected.map(({ onsetStep }) => onsetStep),
    );
  });

  it('across restarts, an orderly one and one that lost what was not saved', async () => {
    const database = await createTestDatabase();
    const before = await startServers({ database });
    await createRun('restarted', {}, before);
    await postFrames(before, 'restarted', plain.slice(0, 200));
    await before.stop();
    const middle = await startServers({ database });
    await postFrames(middle, 'restarted', plain.slice(200, 321));
    await middle.stop();
    // As a kill would leave it: the state is older than the steps, and findings are missing.
    const after = await startServers({ database });
    await after.db.pool.query(`DELETE FROM detector_state`);
    await after.db.pool.query(`DELETE FROM spike`);
    await after.catchUp();
    await postFrames(after, 'restarted', plain.slice(321));
    await finish(after, 'restarted');
    expect(await spikesOf('restarted', 'loss_spike', after)).toEqual(expected);
    await after.stop();
    await database.drop();
  });

  it('at the start of a worker, where nobody posts any more', async () => {
    const database = await createTestDatabase();
    const before = await startServers({ database });
    await createRun('left', {}, before);
    await postFrames(before, 'left', plain);
    await before.stop();
    const after = await startServers({ database });
    const all = async () => (await after.db.pool.query(`SELECT * FROM spike ORDER BY id`)).rows;
    const found = await all();
    await after.db.pool.query(`DELETE FROM spike`);
    await after.db.pool.query(`DELETE FROM detector_state`);
    await after.catchUp();
    await after.stop();
    const again = await startServers({ database });
    const { rows } = await again.db.pool.query(`SELECT * FROM spike ORDER BY id`);
    expect(rows).toEqual(found);
    expect(rows.length).toBeGreaterThanOrEqual(2);
    await again.stop();
    await database.drop();
  });

  it('in an attempt that resumes at 300', async () => {
    await createRun('resumed');
    await postFrames(servers, 'resumed', plain.slice(0, 330));
    await createRun('resumed', { resumeFromStep: 300 });
    await postFrames(servers, 'resumed', plain.slice(300));
    await finish(servers, 'resumed');
    const effective = await servers.get('/api/v1/runs/resumed/spikes?kind=loss_spike&attempt=2');
    expect(
      (effective.body.items as Spike[]).map(({ onsetStep, attempt }) => ({ onsetStep, attempt })),
    ).toEqual(expected.map(({ onsetStep }) => ({ onsetStep, attempt: 2 })));
    const { body } = await servers.get('/api/v1/runs/resumed/heatmap?metric=stage');
    expect(body.values.flat().every((value: unknown) => typeof value === 'number')).toBe(true);
  });
});

describe('other runs', () => {
  it('tells the outlier batch of run C from its two spikes', async () => {
    const c = await readRecordedFrames('recorded/C_stale_v.jsonl.gz');
    const { status } = await servers.post('/api/v1/runs', { ...c.run, id: 'c' });
    expect(status).toBe(201);
    await postFrames(servers, 'c', withoutHistograms(c.frames));
    await finish(servers, 'c');
    const onsets = (await spikesOf('c')).map(({ onsetStep }) => onsetStep);
    expect(onsets.slice(0, 2)).toEqual([expect.closeTo(220, -0.7), expect.closeTo(320, -0.7)]);
    expect(onsets.every((step) => step < 330 || Math.abs(step - 440) <= 5)).toBe(true);
    const outliers = (await spikesOf('c', 'outlier_batch')).map(({ onsetStep }) => onsetStep);
    expect(outliers.some((step) => Math.abs(step - 150) <= 2)).toBe(true);
  });

  it.each(['nanogpt-adam', 'nanogpt-soap', 'llmc-gpt2-124M'])(
    'finds nothing in the healthy log %s',
    async (name) => {
      const { run, frames } = await readRecordedFrames(`real-logs/${name}.csv`);
      await servers.post('/api/v1/runs', { ...run, id: name });
      await postFrames(servers, name, frames, { batch: 2000 });
      await finish(servers, name);
      expect(await spikesOf(name)).toEqual([]);
      expect(await spikesOf(name, 'divergence')).toEqual([]);
    },
  );
});
