import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runKeyOf } from '@/lib/store/runs/run-key';
import { createToken } from '@/lib/store/tokens';
import { projectReportSchema, runReportSchema } from '@/lib/contract/reports';
import { importFixture } from '@/tests/import-fixture';
import { type TestServers, aRun, startServers } from '@/tests/servers';

let servers: TestServers;
let spikePath: string;
beforeAll(async () => {
  servers = await startServers();
  await importFixture(servers, 'recorded/B_spontaneous_spike.jsonl.gz', 'B', 'char-lm');
  await importFixture(servers, 'recorded/C_stale_v.jsonl.gz', 'C', 'char-lm');
  const { body } = await servers.get('/api/v1/runs/B/spikes?kind=loss_spike');
  spikePath = `/api/v1/runs/B/spikes/${body.items[0].id}`;
}, 120_000);
afterAll(() => servers.stop());

describe('the report of a spike', () => {
  it('says the same in all three forms', async () => {
    const html = await servers.get(`${spikePath}/report`);
    const markdown = await servers.get(`${spikePath}/report?format=md`);
    const json = await servers.get(`${spikePath}/report?format=json`);
    const postmortem = await servers.get(`${spikePath}/postmortem`);
    expect([html, markdown, json].map(({ headers }) => headers.get('content-type'))).toEqual([
      'text/html; charset=utf-8',
      'text/markdown; charset=utf-8',
      'application/json; charset=utf-8',
    ]);
    expect(html.headers.get('content-security-policy')).toMatch(/default-src 'none'/);
    expect(html.headers.get('content-disposition')).toMatch(
      /^inline; filename="B-1-loss_spike-\d+\.html"$/,
    );
    expect(json.body.postmortem).toEqual(postmortem.body);
    const words = (text: string) =>
      text.replace(/\\/g, '').replaceAll('&#39;', "'").replaceAll('&lt;', '<');
    for (const text of [
      postmortem.body.decision,
      ...postmortem.body.sentences.map((sentence: { text: string }) => sentence.text),
    ]) {
      expect(words(html.body)).toContain(text);
      expect(words(markdown.body)).toContain(text);
    }
  });

  it('draws the timeline, the first movers, and u and r of three large layers', async () => {
    const { body } = await servers.get(`${spikePath}/report`);
    expect(body.match(/<svg/g)).toHaveLength(5);
    expect(body).toMatch(/aria-label="Distributions of u and r of wte at steps 316, 318, 338"/);
    expect(body).not.toMatch(/NaN|undefined/);
  });

  it('has u and r before, at and after of the first movers', async () => {
    const { body } = await servers.get(`${spikePath}/report?format=json`);
    expect(body.distributions).toHaveLength(3);
    const [wte] = body.distributions;
    expect(wte.items.map(({ step }: { step: number }) => step)).toEqual([316, 318, 338]);
    const dips = wte.items.map(
      ({ statistics }: { statistics: Record<string, number> }) => statistics['ratio_dip'],
    );
    expect(dips[0]).toBeLessThan(0.03);
  });

  it('refuses another format, and what is not there', async () => {
    expect((await servers.get(`${spikePath}/report?format=pdf`)).status).toBe(422);
    expect((await servers.get('/api/v1/runs/B/spikes/none/report')).status).toBe(404);
  });
});

it('tells a run with its spikes, each with what was said of it', async () => {
  const { body } = await servers.get('/api/v1/runs/C/report?format=json');
  const report = runReportSchema.parse(body);
  const kinds = report.spikes.map(({ kind, onsetStep }) => `${kind} ${onsetStep}`);
  expect(kinds).toEqual([
    'outlier_batch 150',
    'loss_spike 220',
    'loss_spike 320',
    'loss_spike 440',
  ]);
  expect(report.postmortems.map(({ spike }) => spike.onsetStep)).toEqual([220, 320, 440]);
  expect(report.lostSteps).toBe(0);
  const html = (await servers.get('/api/v1/runs/C/report')).body;
  expect(html).toContain('C: 3 loss spikes in 560 steps');
  expect(html.match(/No precursor: nothing moved/g)).toHaveLength(3);
});

it('counts the steps that a restart trained again, and checks what it changed', async () => {
  const run = aRun('restarted', 2);
  const frames = (from: number, to: number, rms: number) => ({
    frames: Array.from({ length: to - from + 1 }, (_, index) => ({
      ...{ step: from + index, loss: 2, wallTime: 1_795_000_000 + index },
      layers: { rms: [1, index === 5 ? rms : 1] },
    })),
  });
  await servers.post('/api/v1/runs', { ...run, optimizer: { ...run.optimizer, beta2: 0.999 } });
  await servers.post('/api/v1/runs/restarted/frames', frames(0, 99, 1));
  await servers.post('/api/v1/runs', { ...run, resumeFromStep: 60 });
  await servers.post('/api/v1/runs/restarted/frames', frames(60, 120, 5.2));
  const { body } = await servers.get('/api/v1/runs/restarted/report?format=json');
  expect(body.lostSteps).toBe(40);
  await servers.db.prisma.spike.create({
    data: {
      ...{ runKey: runKeyOf('restarted'), id: '2-loss_spike-70', attempt: 2, kind: 'loss_spike' },
      ...{ onsetStep: 70n, recovery: 'open', firstMovers: [], verdict: 'no_precursor' },
    },
  });
  const told = await servers.get('/api/v1/runs/restarted/spikes/2-loss_spike-70/postmortem');
  expect(told.body.restarts[0]).toMatchObject({
    ...{ attempt: 2, setting: 'beta2', outcome: 'not_in_effect' },
    evidence: [{ metric: 'rms', layer: 1, attempt: 2, step: 65, value: Math.fround(5.2) }],
  });
  // The first attempt passed the same steps.
  expect(told.body.attempts.map(({ attempt }: { attempt: number }) => attempt)).toEqual([2, 1]);
});

describe('the week of a project', () => {
  it('has its spikes by the clock of the job, time to recover, and the precision of warnings', async () => {
    // Both were recorded on 22 November 2026.
    const { body } = await servers.get('/api/v1/projects/char-lm/report?week=2026-W47&format=json');
    const report = projectReportSchema.parse(body);
    expect(report).toMatchObject({ week: '2026-W47', from: '2026-11-16T00:00:00.000Z' });
    expect(report.spikes.map(({ runId, spike }) => `${runId} ${spike.onsetStep}`)).toEqual([
      'C 220',
      'C 320',
      'C 440',
      'B 318',
      'B 552',
    ]);
    expect(report.outlierBatchCount).toBe(1);
    expect(report.medianStepsToRecover).toBe(20);
    expect(report.medianSecondsToRecover).toBeGreaterThan(1);
    const rms = report.warnings.find(({ kind }) => kind === 'rms_spike');
    expect(rms!.followed).toBeGreaterThanOrEqual(2);
    expect(rms!.followed).toBeLessThan(rms!.warned);
    expect(report.activeRuns.map(({ id }) => id).sort()).toEqual(['B', 'C']);
  });

  it('is empty before anything was, and says so', async () => {
    const { body } = await servers.get('/api/v1/projects/char-lm/report?week=2020-W10&format=md');
    expect(body).toContain('No loss spike and no divergence in this week.');
    expect(body).toContain('Nothing was warned of in this week.');
  });

  it('needs a week that is one, a project that is there, and a token of that project', async () => {
    const status = async (path: string) => (await servers.get(`/api/v1/projects/${path}`)).status;
    expect(await status('char-lm/report?week=2026-47')).toBe(422);
    expect(await status('none/report')).toBe(404);
    const guarded = await startServers({ requireTokens: true });
    try {
      const { plaintext } = await createToken(
        guarded.db,
        { name: 'a token', project: 'other', scope: 'read' },
        new Date(),
      );
      const reply = await guarded.get('/api/v1/projects/char-lm/report', {
        Authorization: `Bearer ${plaintext}`,
      });
      expect(reply.status).toBe(403);
    } finally {
      await guarded.stop();
    }
  });
});
