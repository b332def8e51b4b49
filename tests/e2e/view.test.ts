import type { Page } from 'playwright-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { findUnreached } from './harness/browser';
import { gotoRun, heatmapOf, readOutOf, readPixels, surfaceOf } from './harness/run-page';
import { openSite } from './harness/site';
import { quietFrames, startJob } from './harness/training-job';

const LAYERS = ['wte', 'h.0.attn', 'h.0.mlp', 'h.1.attn', 'h.1.mlp', 'lm_head'];

const site = openSite();

beforeAll(async () => {
  const job = await startJob({ url: site.url, runId: 'viewed', layers: LAYERS });
  await job.post(quietFrames(1, 200, LAYERS.length));
});

async function openRun(query = ''): Promise<{ page: Page; takeFaults: () => string[] }> {
  const opened = await site.openPage();
  await gotoRun(opened.page, `${site.url}/runs/viewed${query}`);
  return opened;
}

describe('the run page by keyboard', () => {
  it('moves the crosshair with the arrow keys and says what is under it', async () => {
    const { page, takeFaults } = await openRun();
    await surfaceOf(page).focus();
    await page.keyboard.press('End');
    await expect.poll(() => readOutOf(page).textContent()).toContain('step 200');
    await page.keyboard.press('ArrowLeft');
    await expect.poll(() => readOutOf(page).textContent()).toContain('step 199');
    const before = await readOutOf(page).textContent();
    await page.keyboard.press('ArrowDown');
    await expect.poll(() => readOutOf(page).textContent()).not.toBe(before);
    expect(takeFaults()).toEqual([]);
  });

  it('reaches every control with Tab', async () => {
    const { page } = await openRun();
    expect(await findUnreached(page)).toEqual([]);
    await expect.poll(() => surfaceOf(page).getAttribute('data-reached')).toBe('');
  });
});

describe('the URL of a run', () => {
  it('holds the view: the same address shows the same picture elsewhere', async () => {
    const first = await openRun();
    const whole = await readPixels(heatmapOf(first.page));
    await surfaceOf(first.page).hover();
    await first.page.mouse.wheel(0, -400);
    await expect.poll(() => readPixels(heatmapOf(first.page))).not.toBe(whole);
    await expect.poll(() => new URL(first.page.url()).searchParams.get('steps')).not.toBeNull();
    const second = await openRun(new URL(first.page.url()).search);
    const isSame = async () =>
      (await readPixels(heatmapOf(second.page))) === (await readPixels(heatmapOf(first.page)));
    await expect.poll(isSame).toBe(true);
  });
});
