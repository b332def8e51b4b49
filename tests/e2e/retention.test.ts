import type { Page } from 'playwright-core';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import type { Job } from '@/lib/contract/jobs';
import type { SeriesReply } from '@/lib/contract/reads';
import type { GapsReply } from '@/lib/contract/retention';
import { withDatabase } from './harness/database';
import { columnsOf, wordsOf } from './harness/layer-page';
import { gotoRun, readOutOf, surfaceOf } from './harness/run-page';
import { openSite } from './harness/site';
import { openSpike, pathOfSpike } from './harness/spike-page';
import { type Frame, postJson, startJob } from './harness/training-job';

/**
 * A run that a policy let go of, as people come back to it for a postmortem: single values of
 * steps 0 to 2,047 and distributions far from the spike at 2,600 are gone.
 */
const PROJECT = 'let go';
const LAYERS = ['wte', 'h.0.attn', 'lm_head'];
const STEPS = 3300;
const SPIKE = 2600;
/** Buckets of 16 steps stay of the first two rows of rollups. */
const GONE_BEFORE = 2048;
const GONE_STEP = 1000;
const DISTRIBUTION_EVERY = 10;

const site = openSite();

const edges = Array.from({ length: 33 }, (_, index) => (index - 16) / 8);
const bell = Array.from({ length: 32 }, (_, bin) =>
  Math.round(1000 * Math.exp(-(((bin - 15.5) / 2.2) ** 2))),
);

function frameAt(step: number): Frame {
  const isSpike = step >= SPIKE && step < SPIKE + 16;
  const swing = 1 + 0.1 * Math.sin(step);
  const norm = (layer: number) => 0.01 * (layer + 1) * swing * (step === SPIKE - 1 ? 50 : 1);
  const histogram = {
    edges,
    counts: LAYERS.map(() => bell),
    outside: LAYERS.map(() => [0, 0, 0, 0]),
  };
  return {
    step,
    loss: (isSpike ? 9 : 4) - step / 1000 + 0.01 * Math.sin(step),
    layers: {
      gradient_norm: LAYERS.map((_, layer) => norm(layer)),
      rms: LAYERS.map(() => (step === SPIKE - 1 ? 5 : swing)),
      gradient_cosine: LAYERS.map(() => 0.2),
      update_std: LAYERS.map(() => 0.229),
    },
    ...(step % DISTRIBUTION_EVERY === 0
      ? { histograms: { update: histogram, ratio: histogram } }
      : {}),
  };
}

const api = (path: string): string => `${site.url}/api/v1${path}`;

async function readJson<Body>(path: string): Promise<Body> {
  const reply = await fetch(api(path));
  if (!reply.ok) throw new Error(`GET ${path} answered ${reply.status}`);
  return (await reply.json()) as Body;
}

beforeAll(async () => {
  const job = await startJob({ url: site.url, runId: 'old', project: PROJECT, layers: LAYERS });
  for (let step = 0; step < STEPS; step += 300) {
    await job.post(Array.from({ length: 300 }, (_, index) => frameAt(step + index)));
  }
  await postJson(api('/runs/old/finish'), { status: 'finished' });
  await withDatabase(site.dataDir, async (client) => {
    await vi.waitFor(
      async () => {
        const { rows } = await client.query<{ rolled: string }>(
          'SELECT count(DISTINCT block) AS rolled FROM metric_rollup WHERE level = 0',
        );
        expect(Number(rows[0]?.rolled)).toBeGreaterThanOrEqual(3);
      },
      { timeout: 60_000, interval: 200 },
    );
    await client.query(`UPDATE step SET received_at = now() - interval '40 days'`);
    await client.query(`UPDATE run SET created_at = now() - interval '40 days'`);
  });
  const project = encodeURIComponent(PROJECT);
  await fetch(api(`/projects/${project}/policy`), {
    method: 'PUT',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ keepRawDays: 30, keepDistributionsDays: 30, keepSamplesDays: 30 }),
  });
  const { runs } = (await postJson(api(`/projects/${project}/retention?dryRun=false`), {})) as {
    runs: { jobId: string | null }[];
  };
  const jobId = runs[0]?.jobId;
  await vi.waitFor(
    async () => expect((await readJson<Job>(`/runs/old/jobs/${jobId}`)).status).toBe('finished'),
    { timeout: 60_000, interval: 200 },
  );
});

/** What the page says, in one line. */
const textOf = (page: Page) => async () =>
  ((await page.locator('body').textContent()) ?? '').replace(/\s+/g, ' ');

it('lets go of single values and distributions far from the spike, and of nothing near it', async () => {
  const { items } = await readJson<GapsReply>('/runs/old/gaps');
  expect(items).toContainEqual(
    expect.objectContaining({ kind: 'raw', fromStep: 0, toStep: GONE_BEFORE - 1 }),
  );
  const gone = (kind: string, step: number) =>
    items.some((item) => item.kind === kind && item.fromStep <= step && item.toStep >= step);
  expect(gone('distributions', GONE_STEP)).toBe(true);
  expect(gone('raw', SPIKE)).toBe(false);
  const read = (fromStep: number, toStep: number) =>
    readJson<SeriesReply>(
      `/runs/old/layers/1/series?metric=gradient_norm&fromStep=${fromStep}&toStep=${toStep}`,
    );
  // What is left of 16 steps, of which none is 0.
  const { points: left } = await read(992, 1007);
  expect(left).toMatchObject([{ fromStep: 992, toStep: 1007, nonFiniteCount: 0 }]);
  expect(left[0]!.min).toBeGreaterThan(0.017);
  expect(left[0]!.max).toBeGreaterThan(left[0]!.min!);
  const { points: kept } = await read(SPIKE - 2, SPIKE);
  expect(kept.map(({ fromStep }) => fromStep)).toEqual([SPIKE - 2, SPIKE - 1, SPIKE]);
  expect(kept[1]!.mean).toBeGreaterThan(0.5);
});

describe('a run of which steps are gone', () => {
  it('draws their rollups, says so, and shows no 0 where a value was', async () => {
    const { page, takeFaults } = await site.openPage();
    await gotoRun(page, `${site.url}/runs/old?steps=900-1100`);
    await expect
      .poll(textOf(page))
      .toMatch(/single steps gone\. The single values of steps 0–2.047 are gone; the lowest/);
    await surfaceOf(page).hover();
    const readOut = async () => (await readOutOf(page).textContent()) ?? '';
    await expect.poll(readOut).toContain('single steps gone');
    await expect.poll(readOut).toMatch(/0\.0[123]\d/);
    expect(await readOut()).not.toMatch(/\b0\.00\b|NaN/);
    expect(takeFaults()).toEqual([]);
  });

  it('is whole around its spike', async () => {
    const { page, takeFaults } = await site.openPage();
    await gotoRun(page, `${site.url}/runs/old?steps=2580-2640`);
    await surfaceOf(page).hover();
    const readOut = async () => (await readOutOf(page).textContent()) ?? '';
    await expect.poll(readOut).toMatch(/gradient norm/);
    expect(await readOut()).not.toContain('gone');
    expect(takeFaults()).toEqual([]);
  });
});

describe('a layer of which steps are gone', () => {
  it('says that its distributions went, and draws the buckets of its metrics', async () => {
    const { page, takeFaults } = await site.openPage();
    await page.goto(`${site.url}/runs/old/layers/1?step=${GONE_STEP}`);
    await page.getByText(/has no distribution at or before step 1.000/).waitFor();
    const text = textOf(page);
    await expect
      .poll(text)
      .toMatch(/Distributions of steps 0–\d.\d\d\d are gone where no spike was near/);
    await expect
      .poll(text)
      .toMatch(
        /The single values of steps 0–2.047 are gone; the lowest, highest and mean of every 16/,
      );
    // The browser tells of a 404 by itself: there is no distribution to answer with.
    expect(takeFaults().filter((fault) => !fault.includes('/distributions?step='))).toEqual([]);
  });

  it('shows the distributions around the spike, and the sentences on them', async () => {
    const { page, takeFaults } = await site.openPage();
    await page.goto(`${site.url}/runs/old/layers/1?step=${SPIKE}`);
    await columnsOf(page).first().waitFor();
    await expect.poll(() => wordsOf(page).textContent()).toContain('u is as wide as healthy');
    expect(takeFaults()).toEqual([]);
  });
});

it('its postmortem tells of the spike with the values that were kept for it', async () => {
  const path = await pathOfSpike(site.url, 'old', SPIKE);
  const { page, takeFaults } = await openSpike(site.browser, `${site.url}${path}`);
  const text = textOf(page);
  await expect
    .poll(text)
    .toMatch(/3 of 3 layers moved one step before|wte, h\.0\.attn and lm_head/);
  const colours = () =>
    page.getByRole('img', { name: / of 3 layers over steps / }).evaluate((element) => {
      const { width, height } = element as HTMLCanvasElement;
      const { data } = (element as HTMLCanvasElement)
        .getContext('2d')!
        .getImageData(0, 0, width, height);
      return new Set(new Uint32Array(data.buffer)).size;
    });
  await expect.poll(colours).toBeGreaterThan(8);
  expect(takeFaults()).toEqual([]);
});
