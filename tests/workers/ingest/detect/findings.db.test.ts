import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { leadLagReplySchema } from '@/lib/contract/lead-lag';
import type { Spike } from '@/lib/contract/reads';
import { warningsReplySchema } from '@/lib/contract/warnings';
import { bestDates, riseOf } from '@/lib/postmortem/facts';
import { runKeyOf } from '@/lib/store/runs/run-key';
import { computeLeadLag } from '@/tests/lib/stats/compute-lead-lag';
import { type TestServers, aRun, startServers } from '@/tests/servers';
import { finish, postFrames, readRecordedFrames, withoutHistograms } from './recorded-frames';

let servers: TestServers;

const WRITTEN = { timeout: 60_000, interval: 50 };

beforeAll(async () => {
  servers = await startServers();
});
afterAll(() => servers.stop());

async function postRecorded(id: string, recording: string): Promise<void> {
  const { run, frames } = await readRecordedFrames(`recorded/${recording}.jsonl.gz`);
  await servers.post('/api/v1/runs', { ...run, id });
  await postFrames(servers, id, withoutHistograms(frames));
}

const spikesOf = async (id: string, kind: string): Promise<Spike[]> =>
  (await servers.get(`/api/v1/runs/${id}/spikes?kind=${kind}`)).body.items as Spike[];

describe('what is known of a recorded spike', () => {
  beforeAll(() => postRecorded('b', 'B_spontaneous_spike'));

  it('has its rise, area, shift, odds and movers, and a second look once enough follows', async () => {
    // Findings are written behind the replies to the posts.
    const [first, second] = await vi.waitFor(async () => {
      const spikes = await spikesOf('b', 'loss_spike');
      expect(spikes).toHaveLength(2);
      expect(spikes[0]!.reevaluation).not.toBeNull();
      return spikes;
    }, WRITTEN);
    expect(first).toMatchObject({ riseStep: 318, verdict: 'precursor_found' });
    expect(first!.excessArea).toBeGreaterThan(5);
    expect(first!.levelShift).not.toBeNull();
    expect(first!.moverCount).toBe(first!.firstMovers.length);
    expect(first!.precursorChance).toBeLessThan(0.05);
    expect(first!.chanceSteps).toBeGreaterThan(200);
    expect(first!.globalMovers).toMatchObject([{ metric: 'gradient_norm', leadSteps: 1 }]);
    expect(first!.reevaluation).toMatchObject({
      standsOut: true,
      riseStep: 318,
      peakStep: 319,
      samplesBefore: 128,
      samplesAfter: 128,
    });
    // 640 steps: the second spike recovers at 567, too near to the end.
    expect(second!.reevaluation).toBeNull();
  });

  it('has the second look at the end of the run too, of what there is', async () => {
    await finish(servers, 'b');
    const [, second] = await spikesOf('b', 'loss_spike');
    expect(second!.reevaluation).toMatchObject({ standsOut: true, riseStep: 552, peakStep: 553 });
    expect(second!.reevaluation!.samplesAfter).toBeLessThan(128);
    const { body: one } = await servers.get(`/api/v1/runs/b/spikes/${second!.id}`);
    expect(one).toEqual(second);
  });

  it('has a verdict on its RMS spikes', async () => {
    const spikes = await spikesOf('b', 'rms_spike');
    const verdicts = new Set(spikes.map(({ verdict }) => verdict));
    expect(spikes.length).toBeGreaterThan(0);
    expect(verdicts.has('insufficient_data')).toBe(false);
    expect(spikes.every(({ reevaluation }) => reevaluation === null)).toBe(true);
  });
});

describe('the lead-lag table', () => {
  beforeAll(async () => {
    await postRecorded('c', 'C_stale_v');
    // Its reply comes when all that was found is written.
    await finish(servers, 'c');
  });
  const read = async (query = '') => {
    const { status, body } = await servers.get(`/api/v1/runs/c/lead-lag${query}`);
    return { status, body };
  };

  it('counts by layer what follows an RMS spike of it', async () => {
    const { status, body } = await read();
    expect(status).toBe(200);
    const table = leadLagReplySchema.parse(body);
    expect(table).toMatchObject({ shortestLead: 1, longestLead: 8, mergeSteps: 10, toStep: 560 });
    expect(table.eligibleSteps).toBe(560 - table.fromStep! + 1);
    expect(table.items.length).toBeGreaterThan(10);
    const tails = table.items.map(({ tail }) => tail);
    expect(tails).toEqual([...tails].sort((a, b) => a - b));
    const lossSpikes = await spikesOf('c', 'loss_spike');
    for (const { layer, ...found } of table.items.slice(0, 5)) {
      const { rows } = await servers.db.pool.query<{ step: string }>(
        `SELECT step FROM rms_spike_step WHERE run = $1 AND $2 = ANY(layers) ORDER BY step`,
        [runKeyOf('c'), layer],
      );
      const expected = computeLeadLag({
        rmsSpikeSteps: rows.map(({ step }) => Number(step)),
        lossSpikeSteps: lossSpikes.map((spike) => riseOf(bestDates(spike))),
        watched: [{ fromStep: table.fromStep!, toStep: table.toStep! }],
      });
      expect(found).toEqual(expected);
    }
  });

  it('dates loss spikes by their second look', async () => {
    const { body: before } = await read();
    const [{ layer, precededCount }] = before.items;
    const [spike] = await spikesOf('c', 'loss_spike');
    const { rows } = await servers.db.pool.query<{ step: string }>(
      `SELECT step FROM rms_spike_step WHERE run = $1 AND $2 = ANY(layers) AND step > $3
       ORDER BY step LIMIT 1`,
      [runKeyOf('c'), layer, before.fromStep],
    );
    const move = (riseStep: number) =>
      servers.db.pool.query(
        `UPDATE spike SET reevaluation = jsonb_set(reevaluation::jsonb, '{riseStep}', to_jsonb($3::int))
         WHERE run = $1 AND id = $2`,
        [runKeyOf('c'), spike!.id, riseStep],
      );
    expect(spike!.reevaluation).toMatchObject({ standsOut: true });
    await move(Number(rows[0]!.step) + 3);
    const { body: after } = await read();
    const found = after.items.find((item: { layer: number }) => item.layer === layer);
    expect(found.precededCount).toBe(Number(precededCount) + 1);
    await move(spike!.reevaluation!.riseStep);
    expect((await read()).body).toEqual(before);
  });

  it('takes another window and range', async () => {
    const { body: wide } = await read('?longestLead=200&mergeSteps=20&fromStep=100&toStep=400');
    expect(wide).toMatchObject({ longestLead: 200, mergeSteps: 20, fromStep: 100, toStep: 400 });
    expect(wide.eligibleSteps).toBe(301);
    const preceded = wide.items.map(
      ({ precededCount }: { precededCount: number }) => precededCount,
    );
    expect(Math.max(...preceded)).toBeGreaterThan(0);
  });

  it('names what is wrong with a query, and knows no other run', async () => {
    expect((await read('?shortestLead=9')).body.error).toMatchObject({
      code: 'invalid_query',
      details: [{ path: 'longestLead' }],
    });
    expect((await read('?mergeSteps=3')).status).toBe(422);
    expect((await read('?attempt=7')).body.error.code).toBe('attempt_not_found');
    expect((await servers.get('/api/v1/runs/nobody/lead-lag')).status).toBe(404);
  });

  it('is empty for a run without layers', async () => {
    await servers.post('/api/v1/runs', aRun('bare', 0));
    const { body } = await servers.get('/api/v1/runs/bare/lead-lag');
    expect(body).toMatchObject({ items: [], eligibleSteps: 0, fromStep: null, toStep: null });
  });
});

describe('curvature', () => {
  /** κ = η·λ/38 at β1 = 0.9: λ for a κ at a learning rate of 1e-3. */
  const sharpnessAt = (kappa: number): number => (kappa * 38) / 1e-3;
  const frame = (step: number, kappa: number | null) => ({
    step,
    loss: 2,
    learningRate: 1e-3,
    ...(kappa === null ? {} : { scalars: { preconditioned_sharpness: sharpnessAt(kappa) } }),
  });
  const post = (id: string, frames: object[]) =>
    servers.post(`/api/v1/runs/${id}/frames`, { frames });
  const warnings = async (id: string, query = '') =>
    warningsReplySchema.parse((await servers.get(`/api/v1/runs/${id}/warnings${query}`)).body)
      .items;

  beforeAll(async () => {
    await servers.post('/api/v1/runs', aRun('sharp'));
  });

  it('is a scalar of its own, derived with the step’s learning rate and the run’s β1', async () => {
    const frames = Array.from({ length: 10 }, (_, i) => frame(i, i < 5 ? 0.9 : null));
    await post('sharp', frames);
    const { body } = await servers.get('/api/v1/runs/sharp/timeline?series=stability_ratio');
    const values = body.series[0].points.flatMap(({ max }: { max: number | null }) => max ?? []);
    expect(values).toHaveLength(5);
    for (const value of values) expect(value).toBeCloseTo(0.9, 12);
    expect(await warnings('sharp')).toEqual([]);
  });

  it('beyond the limit is a warning with what may help, told live and closed later', async () => {
    const kappas = [1.25, 1.3, 1.4, 1.3, 0.9];
    const replies = [];
    for (const [i, kappa] of kappas.entries()) {
      replies.push((await post('sharp', [frame(10 + i, kappa)])).body);
    }
    const told = replies.flatMap(({ events }) => events as { kind: string; id: string }[]);
    await finish(servers, 'sharp');
    const found = await warnings('sharp');
    expect(found.map(({ kind }) => kind).sort()).toEqual([
      'curvature_beyond_limit',
      'warm_up_too_short',
    ]);
    expect(found.find(({ kind }) => kind === 'curvature_beyond_limit')).toMatchObject({
      id: '1-curvature_beyond_limit-10',
      attempt: 1,
      metric: 'stability_ratio',
      fromStep: 10,
      toStep: 13,
      peakStep: 12,
      learningRate: 1e-3,
    });
    const guidance = found.find(({ kind }) => kind === 'warm_up_too_short')!;
    expect(guidance).toMatchObject({ fromStep: 10, toStep: null });
    expect(guidance.advice).toContain('longer warm-up or a lower peak');
    expect(told.filter(({ kind }) => kind === 'warning_opened')).toHaveLength(2);
    expect(told.filter(({ kind }) => kind === 'warning_closed').map(({ id }) => id)).toEqual([
      '1-curvature_beyond_limit-10',
    ]);
    expect(await warnings('sharp', '?toStep=9')).toEqual([]);
    expect(await warnings('sharp', '?fromStep=14')).toHaveLength(1);
  });

  it('that a job posts itself is taken as it is', async () => {
    await servers.post('/api/v1/runs', aRun('own'));
    const scalars = { stability_ratio: 0.5, preconditioned_sharpness: sharpnessAt(3) };
    await post('own', [{ step: 1, loss: 2, learningRate: 1e-3, scalars }]);
    const { body } = await servers.get('/api/v1/runs/own/timeline?series=stability_ratio');
    expect(body.series[0].points[0].max).toBe(0.5);
    expect(await warnings('own')).toEqual([]);
  });

  it('leaves no warning behind when its run is deleted', async () => {
    await servers.api('/api/v1/runs/sharp', { method: 'DELETE' });
    const { rows } = await servers.db.pool.query(`SELECT count(*)::int AS rows FROM warning`);
    expect(rows).toEqual([{ rows: 0 }]);
  });
});
