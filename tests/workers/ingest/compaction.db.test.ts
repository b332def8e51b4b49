import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runKeyOf } from '@/lib/store/runs/run-key';
import { aRun, startServers, type TestServers } from '@/tests/servers';

let servers: TestServers;

beforeAll(async () => {
  servers = await startServers({ compacts: true });
});
afterAll(() => servers.stop());

async function countRows(id: string, table: string): Promise<number> {
  const { rows } = await servers.db.pool.query<{ count: string }>(
    `SELECT count(*) FROM ${table} WHERE run = $1`,
    [runKeyOf(id)],
  );
  return Number(rows[0]!.count);
}

/** The thread works behind the replies and says nothing to a test. */
async function until(holds: () => Promise<boolean>): Promise<void> {
  await expect.poll(holds).toBe(true);
}

async function metric(name: string): Promise<number> {
  const text = await (await fetch(`${servers.ingestUrl}/metrics`)).text();
  return Number(new RegExp(`^spikescope_compaction_${name} (.+)$`, 'm').exec(text)?.[1]);
}

const posted = (from: number, to: number) => ({
  frames: Array.from({ length: to - from }, (_, index) => {
    const step = from + index;
    return { step, loss: step / 8, layers: { rms: [step, step === 77 ? 'NaN' : -step] } };
  }),
});

describe('compaction behind the replies', () => {
  it('moves what was posted into blocks, and reads say the same', async () => {
    await servers.post('/api/v1/runs', aRun('moved'));
    await servers.post('/api/v1/runs/moved/frames', posted(0, 1500));
    const read = async () => {
      const heatmap = await servers.get('/api/v1/runs/moved/heatmap?metric=rms&columns=60');
      const timeline = await servers.get('/api/v1/runs/moved/timeline?series=loss&points=60');
      return [heatmap.body, timeline.body] as unknown[];
    };
    await until(async () => (await countRows('moved', 'metric_rollup')) > 0);
    const running = await read();
    await servers.post('/api/v1/runs/moved/finish', { status: 'finished' });
    await until(async () => (await countRows('moved', 'hot_frame')) === 0);
    expect(await read()).toEqual(running);
    // The thread tells of its work after it has committed it.
    await expect.poll(() => metric('frames_total')).toBe(1500);
    await expect.poll(() => metric('hot_frames')).toBe(0);
    expect(await metric('running')).toBe(1);
  });

  it('ends an attempt when the next one is opened', async () => {
    await servers.post('/api/v1/runs', aRun('resumed'));
    await servers.post('/api/v1/runs/resumed/frames', posted(0, 40));
    await servers.post('/api/v1/runs', aRun('resumed', 2, { resumeFromStep: 20 }));
    await until(async () => (await countRows('resumed', 'hot_frame')) === 0);
    expect(await countRows('resumed', 'metric_block')).toBe(1);
  });

  it('is part of readiness, by name', async () => {
    const { status, ...reply } = await fetch(`${servers.ingestUrl}/readyz`).then(
      async (response) => ({
        status: response.status,
        body: (await response.json()) as unknown,
      }),
    );
    expect([status, reply.body]).toEqual([200, expect.objectContaining({ compaction: 'ok' })]);
  });

  it('leaves nothing of a run that is deleted while it is compacted', async () => {
    await servers.post('/api/v1/runs', aRun('dropped'));
    await servers.post('/api/v1/runs/dropped/frames', posted(0, 1200));
    await servers.api('/api/v1/runs/dropped', { method: 'DELETE' });
    for (const table of ['hot_frame', 'metric_block', 'metric_rollup', 'compaction_state']) {
      expect(await countRows('dropped', table)).toBe(0);
    }
  });
});
