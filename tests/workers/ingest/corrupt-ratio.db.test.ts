import { afterAll, beforeAll, expect, it } from 'vitest';
import { type TestServers, aRun, startServers } from '@/tests/servers';

let servers: TestServers;
beforeAll(async () => {
  servers = await startServers();
});
afterAll(() => servers.stop());

/** Layer 1 has this many of its 100 values between 1.2 and 2. */
function frame(step: number, beyond: number) {
  const ratio = {
    edges: [-2, -1.2, 0, 1.2, 2],
    counts: [
      [0, 50, 50, 0],
      [0, 50, 50 - beyond, beyond],
    ],
  };
  return { step, loss: 2, histograms: { ratio } };
}

async function post(id: string, frames: object[]) {
  const { status, body } = await servers.post(`/api/v1/runs/${id}/frames`, { frames });
  expect(status).toBe(200);
  return body;
}

it('keeps a step whose r Adam cannot have made, and says so everywhere', async () => {
  await servers.post('/api/v1/runs', aRun('corrupt'));
  await post('corrupt', [frame(0, 0), frame(1, 0)]);
  const reply = await post('corrupt', [frame(2, 3)]);
  expect(reply).toMatchObject({
    accepted: 1,
    rejected: [],
    events: [{ kind: 'stage_change', step: 2, title: expect.stringContaining('corrupt ratio') }],
  });
  await servers.post('/api/v1/runs/corrupt/finish', { status: 'finished' });

  const { body: stages } = await servers.get('/api/v1/runs/corrupt/stages');
  expect(
    stages.items.filter(({ label }: { label: string }) => label === 'corrupt_ratio'),
  ).toMatchObject([
    {
      layer: 1,
      fromStep: 2,
      meaning: '|r| beyond its bound: the posted moments are not Adam’s with these betas',
    },
  ]);
  const { body: layer } = await servers.get('/api/v1/runs/corrupt/layers/1/distributions?step=2');
  expect(layer.items[0].statistics.ratio_beyond_bound_fraction).toBeCloseTo(0.03, 6);
  expect(layer.referenceCurves.ratioBound).toBeCloseTo(1.165, 3);
  const metrics = await (await fetch(`${servers.ingestUrl}/metrics`)).text();
  expect(metrics).toContain('spikescope_ingest_corrupt_ratio_layers_total 1');
});

it('checks nothing where the optimizer has no such bound', async () => {
  const optimizer = { name: 'lion', beta1: 0.9, beta2: 0.99 };
  await servers.post('/api/v1/runs', aRun('lion', 2, { optimizer }));
  await post('lion', [frame(0, 50)]);
  const { body: layer } = await servers.get('/api/v1/runs/lion/layers/1/distributions?step=0');
  expect(layer.items[0].statistics).not.toHaveProperty('ratio_beyond_bound_fraction');
  expect(layer.referenceCurves.ratioBound).toBeNull();
});
