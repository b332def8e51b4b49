import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AlertBacktestReply, AlertCondition } from '@/lib/contract/alert-rules';
import type { Incident } from '@/lib/contract/incidents';
import type { Frame } from '@/lib/contract/frame';
import { runKeyOf } from '@/lib/store/runs/run-key';
import { aThreshold } from '@/tests/builders/alerts';
import { type ClonedDatabase, createTestDatabase } from '@/tests/database';
import { compactAll, withClient } from '@/tests/lib/store/compaction/compactor';
import { receive } from '@/tests/lib/store/compaction/rounder';
import { OLD, retain } from '@/tests/lib/store/retention-run';
import { type TestServers, aRun, startServers } from '@/tests/servers';
import {
  finish,
  postFrames,
  readRecordedFrames,
  withoutHistograms,
} from '@/tests/workers/ingest/detect/recorded-frames';
import { type IncidentFeed, listenToIncidents } from './incident-feed';

/** Rules of every kind that a recorded run with two loss spikes trips. */
const CONDITIONS: readonly AlertCondition[] = [
  aThreshold({ limit: 1, clear: 0.5, openAfter: 2, closeAfter: 5 }),
  aThreshold({ metric: 'rms', layers: '.', limit: 2, closeAfter: 10 }),
  {
    ...{ kind: 'z_score', metric: 'gradient_norm', layers: '.', side: 'above', z: 20, window: 64 },
    ...{ openAfter: 1, closeAfter: 30 },
  },
  {
    ...{ kind: 'z_score', metric: 'loss', side: 'above', z: 12, window: 128 },
    ...{ openAfter: 2, closeAfter: 20 },
  },
  { kind: 'loss_spike', outlierBatches: true },
  { kind: 'rms_spike', minimumLayers: 3, closeAfter: 20 },
  { kind: 'stage', stage: 'correlating', minimumLayers: 2, closeAfter: 20 },
  { kind: 'non_finite', closeAfter: 10 },
  { kind: 'curvature' },
];

let database: ClonedDatabase;
let servers: TestServers;
let feed: IncidentFeed;
let frames: readonly Frame[];
beforeAll(async () => {
  database = await createTestDatabase();
  servers = await startServers({ foldsAlerts: true, database });
  feed = await listenToIncidents(servers.ingestUrl);
  const recorded = await readRecordedFrames('recorded/B_spontaneous_spike.jsonl.gz');
  frames = withoutHistograms(recorded.frames);
  await servers.post('/api/v1/runs', { ...recorded.run, id: 'B' });
  await servers.post('/api/v1/runs', aRun('elsewhere', 2, { project: 'other' }));
}, 120_000);
afterAll(async () => {
  feed.close();
  await servers.stop();
  await database.drop();
});

const backtest = async (body: object, project = 'tests'): Promise<AlertBacktestReply> => {
  const reply = await servers.post(`/api/v1/projects/${project}/alert-backtest`, body);
  expect(reply.status, JSON.stringify(reply.body)).toBe(200);
  return reply.body;
};

describe('a backtest', () => {
  it('finds what the rule found while the run came in, step by step', async () => {
    const rules = new Map<string, AlertCondition>();
    for (const condition of CONDITIONS) {
      const { body } = await servers.post('/api/v1/projects/tests/alert-rules', {
        ...{ name: condition.kind, runId: 'B', condition },
      });
      rules.set(body.id, condition);
    }
    // A few steps a post, so that turns of the thread fall anywhere.
    await postFrames(servers, 'B', frames, { batch: 7 });
    await finish(servers, 'B');
    const ending = await servers.post('/api/v1/projects/tests/alert-rules', {
      ...{ name: 'last', condition: { kind: 'divergence' } },
    });
    expect(ending.status).toBe(201);
    // The end of the run closes all; what it closes last is told last.
    await expect
      .poll(
        async () => {
          const { body } = await servers.get('/api/v1/incidents?runId=B&state=open');
          const { rows } = await servers.db.pool.query(
            `SELECT count(*)::int AS open FROM alert_progress WHERE NOT state ? 'ended'`,
          );
          return [body.total, rows[0].open];
        },
        { timeout: 60_000, interval: 100 },
      )
      .toEqual([0, 0]);
    let found = 0;
    for (const [ruleId, condition] of rules) {
      const { body } = await servers.get(`/api/v1/incidents?ruleId=${ruleId}&limit=500`);
      const live = body.items
        .map(({ openedStep, closedStep, title, layers }: Incident) => ({
          ...{ openedStep, closedStep, title, layers },
        }))
        .sort((a: Incident, b: Incident) => (a.openedStep ?? 0) - (b.openedStep ?? 0));
      const { items } = await backtest({ condition, runIds: ['B'] });
      const stored = items
        .map(({ openedStep, closedStep, title, layers }) => ({
          ...{ openedStep, closedStep, title, layers },
        }))
        .sort((a, b) => a.openedStep - b.openedStep);
      const untitled = condition.kind === 'loss_spike';
      const strip = (incidents: typeof stored) =>
        // A spike grows after it was told of: the words are of that moment.
        untitled ? incidents.map((incident) => ({ ...incident, title: '' })) : incidents;
      expect(strip(live), JSON.stringify(condition)).toEqual(strip(stored));
      expect(items.length).toBe(body.total);
      found += items.length;
    }
    expect(found).toBeGreaterThan(10);
  }, 180_000);

  it('holds a rule against the spikes that came', async () => {
    const condition = aThreshold({ metric: 'rms', layers: '.', limit: 2.3, closeAfter: 20 });
    const reply = await backtest({ condition, runIds: ['B'], horizon: 40 });
    const { body: spikes } = await servers.get('/api/v1/runs/B/spikes?kind=loss_spike');
    const onsets = spikes.items.map(({ id }: { id: string }) => id);
    expect(onsets.length).toBeGreaterThan(1);
    const matched = new Set(reply.items.flatMap(({ spikeId }) => spikeId ?? []));
    expect([...matched].every((id) => onsets.includes(id))).toBe(true);
    expect(reply.missedSpikes.map(({ spikeId }) => spikeId)).toEqual(
      onsets.filter((id: string) => !matched.has(id)),
    );
    expect(reply.trueCount).toBe(reply.items.filter(({ verdict }) => verdict === 'true').length);
    expect(reply.trueCount).toBeGreaterThan(0);
    expect(reply.runs).toEqual([
      { runId: 'B', stepCount: frames.length, caveat: null, unjudged: [] },
    ]);
    expect(reply.summary).toContain('false');
  });

  it('dates spikes as their postmortems do', async () => {
    const { body } = await servers.get('/api/v1/runs/B/spikes?kind=loss_spike');
    const [first] = body.items;
    expect([first.onsetStep, first.reevaluation.onsetStep]).toEqual([317, 318]);
    const told = await backtest({ condition: { kind: 'loss_spike' }, runIds: ['B'] });
    expect(told.items[0]).toMatchObject({ spikeId: first.id, openedStep: first.confirmedStep });
    expect(told.items[0]!.title).toMatch(/^loss spike at step 318: /);
    expect(told.items[0]!.leadSteps).toBe(first.reevaluation.riseStep - first.confirmedStep);
    const silent = await backtest({ condition: aThreshold({ limit: 1e9 }), runIds: ['B'] });
    expect(silent.missedSpikes[0]).toMatchObject({ spikeId: first.id, onsetStep: 318 });
  });

  it('looks at the steps that it is asked for, and no others', async () => {
    const condition = aThreshold({ limit: 1 });
    const all = await backtest({ condition });
    const some = await backtest({ condition, fromStep: 400, toStep: 640 });
    expect(some.items).toEqual(all.items.filter(({ openedStep }) => openedStep >= 400));
    expect(some.items.length).toBeLessThan(all.items.length);
    expect(some.runs[0]?.stepCount).toBeLessThan(frames.length);
  });

  it('says what it could not look at, and refuses what is not there', async () => {
    const condition = aThreshold({ metric: 'nobody_posts_this' });
    const { summary, runs } = await backtest({ condition });
    expect(summary).toBe('never');
    expect(runs[0]?.caveat).toBe('the run has no scalar nobody_posts_this');
    const catastrophic = aThreshold({ metric: 'rms', layers: '^(.+)+$(?<!x)y' });
    expect((await backtest({ condition: catastrophic, runIds: ['B'] })).summary).toBe('never');
    const refused = async (body: object, project = 'tests') => {
      const reply = await servers.post(`/api/v1/projects/${project}/alert-backtest`, body);
      return reply.body.error.code;
    };
    expect(await refused({ condition, runIds: ['elsewhere'] })).toBe('run_not_found');
    expect(await refused({ condition }, 'nobody')).toBe('project_not_found');
    expect(await refused({ condition, runLimit: 65 })).toBe('invalid_body');
    expect(await refused({})).toBe('invalid_body');
  });

  it('says of which steps a policy has left it nothing to judge', async () => {
    const id = 'old';
    await servers.post('/api/v1/runs', aRun(id, 2, { project: 'kept' }));
    for (let first = 0; first < 2_200; first += 550) {
      const { status } = await servers.post(`/api/v1/runs/${id}/frames`, {
        frames: Array.from({ length: 550 }, (_, index) => {
          const step = first + index;
          const isHigh = step === 300 || step === 2_100;
          return { step, loss: 2, layers: { tension: [isHigh ? 7 : 1, 1] } };
        }),
      });
      expect(status).toBe(200);
    }
    const ofLayers = aThreshold({ metric: 'tension', layers: '.', limit: 6 });
    const before = await backtest({ condition: ofLayers, runIds: [id] }, 'kept');
    expect(before.items.map(({ openedStep }) => openedStep)).toEqual([300, 2_100]);
    expect(before.runs[0]).toMatchObject({ stepCount: 2_200, unjudged: [] });
    const runKey = runKeyOf(id);
    await finish(servers, id);
    await withClient(database.url, async (client) => {
      await compactAll(client, runKey);
      // What came later is kept: the block of 1984 holds steps of both ages.
      await receive(servers.db, runKey, OLD, 2_000);
      await retain(client, runKey);
    });
    const after = await backtest({ condition: ofLayers, runIds: [id] }, 'kept');
    expect(after.items.map(({ openedStep }) => openedStep)).toEqual([2_100]);
    expect(after.runs[0]).toMatchObject({
      stepCount: 2_200,
      unjudged: [{ attempt: 1, fromStep: 0, toStep: 1_983 }],
    });
    const some = await backtest(
      { condition: ofLayers, runIds: [id], fromStep: 100, toStep: 150 },
      'kept',
    );
    expect(some.runs[0]?.unjudged).toEqual([{ attempt: 1, fromStep: 100, toStep: 150 }]);
    // What a step says besides its layers stays for ever.
    const ofLoss = await backtest({ condition: aThreshold({ limit: 1 }), runIds: [id] }, 'kept');
    expect(ofLoss.items.length).toBe(1);
    expect(ofLoss.runs[0]?.unjudged).toEqual([]);
  });

  it('counts silences by when steps were received', async () => {
    const condition = { kind: 'no_data', minutes: 60 };
    await servers.db.pool.query(
      `UPDATE step SET received_at = received_at + interval '2 hours'
       WHERE step > 500 AND run = (SELECT run FROM run WHERE id = 'B')`,
    );
    const { items, runs } = await backtest({ condition, runIds: ['B'] });
    expect(items).toMatchObject([
      {
        ...{ openedStep: 500, closedStep: 501, verdict: 'too_early_to_say' },
        title: 'nothing received for 60 minutes after step 500',
      },
    ]);
    expect(runs[0]?.caveat).toBe('silences are not held against spikes');
  });
});
