import { describe, expect, it } from 'vitest';
import { timelineReplySchema } from '@/lib/contract/reads';
import { isSamePage, markPage } from './harness/browser';
import {
  gotoRun,
  heatmapOf,
  readOutOf,
  readPixels,
  readSettledPixels,
  surfaceOf,
} from './harness/run-page';
import { openSite } from './harness/site';
import { quietFrames, startJob } from './harness/training-job';

const LAYERS = ['wte', 'h.0.attn', 'h.0.mlp', 'h.1.attn', 'h.1.mlp', 'lm_head'];

const site = openSite();

async function readStepsOfLoss(runId: string): Promise<number[]> {
  const reply = await fetch(`${site.url}/api/v1/runs/${runId}/timeline?series=loss`);
  const { series } = timelineReplySchema.parse(await reply.json());
  return series[0]!.points.map(({ fromStep }) => fromStep);
}

describe('a run that is being trained', () => {
  it('draws a posted frame on the open page, without a reload', async () => {
    const job = await startJob({ url: site.url, runId: 'live', layers: LAYERS });
    await job.post(quietFrames(1, 20, LAYERS.length));
    const { page, takeFaults } = await site.openPage();
    await gotoRun(page, `${site.url}/runs/live`);
    await markPage(page);
    const before = await readSettledPixels(heatmapOf(page));

    const gradientNorm = LAYERS.map((_, layer) => (layer === 2 ? 7.77 : 0.02));
    await job.post([{ step: 21, loss: 3.9, layers: { gradient_norm: gradientNorm } }]);

    await expect.poll(() => readPixels(heatmapOf(page))).not.toBe(before);
    await surfaceOf(page).focus();
    await expect
      .poll(async () => {
        await page.keyboard.press('End');
        return readOutOf(page).textContent();
      })
      .toContain('step 21');
    for (let presses = 0; presses < LAYERS.indexOf('h.0.mlp'); presses++)
      await page.keyboard.press('ArrowDown');
    await expect
      .poll(() => readOutOf(page).textContent())
      .toMatch(/21[\s\S]*h\.0\.mlp[\s\S]*7\.77/);
    expect(await isSamePage(page)).toBe(true);
    expect(takeFaults()).toEqual([]);
  });

  it('loses nothing when the ingestion worker is killed in between, and the page catches up', async () => {
    const job = await startJob({ url: site.url, runId: 'interrupted', layers: LAYERS });
    await job.post(quietFrames(1, 30, LAYERS.length));
    const { page } = await site.openPage();
    await gotoRun(page, `${site.url}/runs/interrupted`);
    await markPage(page);

    const said = site.product.output().length;
    process.kill(site.product.pidOf('ingest'), 'SIGKILL');
    await site.product.said('[ingest] started again', said);
    // A training job tries again until it is answered; so does this one.
    await expect
      .poll(() => job.post(quietFrames(31, 30, LAYERS.length)).then(() => 'answered', String), {
        timeout: 60_000,
        interval: 200,
      })
      .toBe('answered');

    expect(await readStepsOfLoss('interrupted')).toEqual(
      Array.from({ length: 60 }, (_, index) => index + 1),
    );
    await surfaceOf(page).focus();
    await expect
      .poll(
        async () => {
          await page.keyboard.press('End');
          return readOutOf(page).textContent();
        },
        { timeout: 60_000, interval: 500 },
      )
      .toContain('step 60');
    expect(await isSamePage(page)).toBe(true);
  });
});
