import { beforeAll, describe, expect, it } from 'vitest';
import { queryOf } from './harness/browser';
import { importRecordedRun } from './harness/recorded-run';
import { gotoRun, heatmapOf, readPixels } from './harness/run-page';
import { sectionOf, timelineOf } from './harness/run-view';
import { openSite } from './harness/site';

const site = openSite();
const B = 'B_spontaneous_spike';
const AXIS = 'Change between a logarithmic, a linear and a symlog axis';

beforeAll(async () => {
  for (const run of [B, 'C_stale_v'] as const) await importRecordedRun(site.url, run);
});

async function openRun(query = '', options = {}) {
  const watched = await site.openPage(options);
  await gotoRun(watched.page, `${site.url}/runs/${B}${query}`);
  return watched;
}

describe('the timelines', () => {
  it('show smoothing, scale, unit and scalar as chosen, and the URL holds them', async () => {
    const { page, takeFaults } = await openRun();
    const paths = page.locator('g[stroke-opacity]');
    await timelineOf(page, 'Grad norm').waitFor({ state: 'attached' });
    const before = await paths.count();
    await page.getByLabel('Smoothing of the timelines').selectOption('0.97');
    // Each timeline has its raw line behind the smoothed one.
    await expect.poll(() => paths.count()).toBe(2 * before);
    await page.getByTitle('Change between the loss in nats and the perplexity').click();
    await page.getByTitle(AXIS).first().click();
    await page.getByLabel('Scalar under the loss').selectOption('learning_rate');
    await timelineOf(page, 'Learning rate').waitFor({ state: 'attached' });
    const chosen = () =>
      ['smooth', 'unit', 'loss', 'scalar'].map((name) => queryOf(page).get(name));
    await expect.poll(chosen).toEqual(['0.97', 'perplexity', 'linear', 'learning_rate']);
    await page.reload();
    await timelineOf(page, 'Learning rate').waitFor({ state: 'attached' });
    await expect
      .poll(() => page.getByRole('button', { name: 'perplexity', exact: true }).count())
      .toBe(1);
    expect(takeFaults()).toEqual([]);
  });

  it('go from a logarithmic to a linear and a symlog axis, and round again', async () => {
    const { page } = await openRun();
    const word = page.getByTitle(AXIS).first();
    const seen: (string | null)[] = [];
    for (const scale of [null, 'linear', 'symlog', null]) {
      await expect.poll(() => queryOf(page).get('loss')).toBe(scale);
      seen.push(await word.textContent());
      await word.click();
    }
    expect(seen).toEqual(['log', 'linear', 'symlog', 'log']);
  });
});

describe('a spike', () => {
  it('is led to from its mark over the timelines and from the list beside the heatmap', async () => {
    const { page } = await openRun();
    const lane = page.getByRole('list', { name: 'Events' });
    await lane.getByRole('button', { name: /^Loss spike.*step 318$/ }).hover();
    const link = lane.getByRole('link', { name: /^Postmortem of Loss spike.* at 318$/ });
    await expect.poll(() => link.isVisible()).toBe(true);
    const href = await link.getAttribute('href');
    expect(href).toMatch(/^\/runs\/B_spontaneous_spike\/spikes\/\S+$/);
    const listed = sectionOf(page, 'Latest events').getByRole('link', {
      name: /^Postmortem of Loss spike.* at 318$/,
    });
    await expect.poll(() => listed.getAttribute('href')).toBe(href);
    await lane.getByRole('button', { name: /^Loss spike.*step 318$/ }).click();
    await expect.poll(() => queryOf(page).get('step')).toBe('318');
  });

  it('is one row of the phone’s list, and leads on', async () => {
    const { page } = await openRun('', { width: 390, height: 844 });
    await page.getByRole('button', { name: /^Spikes/ }).click();
    await page.getByRole('link', { name: /^Loss spike.* at 552$/ }).waitFor();
    await expect.poll(() => queryOf(page).get('tab')).toBe('spikes');
    await page.goBack();
  });
});

describe('zooms', () => {
  it('are taken back one by one with Ctrl+Z, and by the browser’s own way back', async () => {
    const { page } = await openRun();
    await page.keyboard.press('+');
    await expect.poll(() => queryOf(page).has('steps')).toBe(true);
    const first = queryOf(page).get('steps');
    await page.keyboard.press('+');
    await expect.poll(() => queryOf(page).get('steps')).not.toBe(first);
    await page.keyboard.press('Control+z');
    await expect.poll(() => queryOf(page).get('steps')).toBe(first);
    await page.keyboard.press('Control+z');
    await expect.poll(() => queryOf(page).has('steps')).toBe(false);
    await page.goBack();
    await expect.poll(() => queryOf(page).get('steps')).toBe(first);
  });

  it('end with a double click and with Esc', async () => {
    const { page } = await openRun('?steps=300-345');
    const zoomed = await readPixels(heatmapOf(page));
    await heatmapOf(page).dblclick();
    await expect.poll(() => queryOf(page).has('steps')).toBe(false);
    await expect.poll(() => readPixels(heatmapOf(page))).not.toBe(zoomed);
    await page.goBack();
    await expect.poll(() => queryOf(page).get('steps')).toBe('300-345');
    await page.keyboard.press('Escape');
    await expect.poll(() => queryOf(page).has('steps')).toBe(false);
  });
});

describe('the toolbar', () => {
  it.each([1100, 1180, 1240, 1300, 1366, 1440])('keeps to one line at %i px', async (width) => {
    const { page } = await openRun('', { width });
    const box = (await page.getByRole('region', { name: 'View' }).boundingBox())!;
    expect(box.height).toBeLessThan(60);
    const inside = await page.getByRole('region', { name: 'View' }).evaluate((element) =>
      [...element.children].every((child) => {
        const { left, right } = child.getBoundingClientRect();
        return left >= 0 && right <= window.innerWidth;
      }),
    );
    expect(inside).toBe(true);
    await expect.poll(() => page.evaluate(() => document.documentElement.scrollWidth)).toBe(width);
  });
});
