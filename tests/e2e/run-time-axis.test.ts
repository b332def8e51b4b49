import type { Page } from 'playwright-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { queryOf } from './harness/browser';
import { LAST_STEP, postRestartedRun, RESUMED_FROM, secondsOf } from './harness/restarted-run';
import {
  gotoRun,
  heatmapOf,
  readOutOf,
  readPixels,
  readSettledPixels,
  surfaceOf,
} from './harness/run-page';
import { timelineOf } from './harness/run-view';
import { openSite } from './harness/site';

const site = openSite();

beforeAll(async () => {
  await postRestartedRun(site.url, 'restarted');
});

async function openRun(query = '', options = {}) {
  const watched = await site.openPage({ timezoneId: 'Asia/Kolkata', ...options });
  await gotoRun(watched.page, `${site.url}/runs/restarted${query}`);
  return watched;
}
const unitOf = (page: Page) =>
  page.getByTitle('Change between steps and the wall time of the training job');

describe('wall time along the axis', () => {
  it('takes the place of steps for timelines, heatmap and crosshair, in the reader’s zone', async () => {
    const { page, takeFaults } = await openRun();
    const bySteps = await readSettledPixels(heatmapOf(page));
    await unitOf(page).click();
    await expect.poll(() => unitOf(page).textContent()).toBe('time, UTC+5:30');
    await expect.poll(() => queryOf(page).get('axis')).toBe('time');
    await expect.poll(() => readPixels(heatmapOf(page))).not.toBe(bySteps);
    // 13:00 UTC is 18:30 there; the run lasted for 38 minutes.
    await page.getByText('18:35', { exact: true }).waitFor();
    await surfaceOf(page).focus();
    await page.keyboard.press('End');
    const last = new Date(secondsOf(2, LAST_STEP) * 1000 + 5.5 * 3600 * 1000);
    const time = last.toISOString().slice(11, 19);
    await expect.poll(() => surfaceOf(page).textContent()).toContain(time);
    await expect.poll(() => readOutOf(page).textContent()).toContain(`at 22 Nov ${time}`);
    await expect.poll(() => readOutOf(page).textContent()).toContain(`step ${LAST_STEP}`);
    await page.reload();
    await expect.poll(() => unitOf(page).textContent()).toBe('time, UTC+5:30');
    await unitOf(page).click();
    await expect.poll(() => readPixels(heatmapOf(page))).toBe(bySteps);
    await expect.poll(() => queryOf(page).has('axis')).toBe(false);
    expect(takeFaults()).toEqual([]);
  });

  it('leaves the time without steps empty, says how long it was, and breaks the lines there', async () => {
    const { page } = await openRun();
    const segments = () =>
      timelineOf(page, 'Loss')
        .locator('[stroke-opacity="1"] path')
        .evaluate((path) => path.getAttribute('d')!.split('M').length - 1);
    await expect.poll(segments).toBe(1);
    await unitOf(page).click();
    await page.getByText('no steps for 31 min').waitFor();
    await expect.poll(segments).toBe(2);
  });

  it('zooms in time, and the way back is one step', async () => {
    const { page } = await openRun('?axis=time');
    const box = (await heatmapOf(page).boundingBox())!;
    const y = box.y + box.height / 2;
    // The last tenth of the time holds the second attempt alone.
    await page.mouse.move(box.x + 0.9 * box.width, y);
    await page.mouse.down();
    await page.mouse.move(box.x + 0.999 * box.width, y, { steps: 4 });
    await page.mouse.up();
    await expect.poll(() => queryOf(page).get('steps')).not.toBeNull();
    const [from, to] = queryOf(page).get('steps')!.split('-').map(Number);
    expect(from).toBeGreaterThanOrEqual(RESUMED_FROM - 1);
    expect(to).toBeGreaterThan(LAST_STEP - 3);
    await page.keyboard.press('Control+z');
    await expect.poll(() => queryOf(page).has('steps')).toBe(false);
  });

  it('stands in the paper’s layout and on a phone too', async () => {
    const { page } = await openRun('?layout=paper&axis=time');
    await page.getByText('no steps for 31 min').first().waitFor();
    await expect.poll(() => unitOf(page).textContent()).toBe('time, UTC+5:30');
    const phone = await openRun('', { width: 390, height: 844 });
    await phone.page.getByRole('button', { name: 'By time' }).click();
    await phone.page.getByText('no steps for 31 min').waitFor();
    await phone.page.getByRole('button', { name: 'By step' }).waitFor();
  });
});

describe('the timelines of a run that was restarted', () => {
  it('show the loss that was given up faintly, from where it was left', async () => {
    const { page } = await openRun();
    const faint = timelineOf(page, 'Loss').locator('[stroke-opacity="0.35"] path');
    await expect.poll(() => faint.count()).toBe(1);
  });

  it('mark checkpoints, skipped batches, notes and the restart, each by its shape', async () => {
    const { page } = await openRun();
    const lane = page.getByRole('list', { name: 'Events' });
    for (const name of [
      'Checkpoint 100, step 100',
      'Batch 40 skipped, step 40',
      'Data order changed, step 60',
      'Attempt 2 resumed, step 120',
    ]) {
      await lane.getByRole('button', { name, exact: true }).waitFor();
    }
    await lane.getByRole('button', { name: 'Checkpoint 100, step 100' }).click();
    await expect.poll(() => queryOf(page).get('step')).toBe('100');
  });

  it('show the stability ratio with its limit in both layouts', async () => {
    const name = /^Stability ratio.*its limit at 1/;
    const { page } = await openRun();
    await page.getByRole('img', { name }).waitFor({ state: 'attached' });
    const paper = await openRun('?layout=paper');
    await paper.page.getByRole('img', { name }).waitFor({ state: 'attached' });
  });
});
