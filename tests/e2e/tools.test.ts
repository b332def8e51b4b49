import type { Page } from 'playwright-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { waitForQuiet } from './harness/quiet';
import { gotoRun, readOutOf } from './harness/run-page';
import { openSite } from './harness/site';
import { quietFrames, startJob } from './harness/training-job';

const LAYERS = ['wte', 'h.0.attn', 'h.0.mlp', 'lm_head'];

const site = openSite();

beforeAll(async () => {
  const job = await startJob({ url: site.url, runId: 'tooled', layers: LAYERS });
  const frames = quietFrames(1, 60, LAYERS.length).map((frame) => ({
    ...frame,
    layers: { ...frame.layers, rms: LAYERS.map((_, layer) => 1 + layer / 10) },
  }));
  await job.post(frames);
});

const paletteOf = (page: Page) => page.getByRole('dialog', { name: 'Search' });
const optionsOf = (page: Page) => paletteOf(page).getByRole('option').allTextContents();

async function type(page: Page, text: string): Promise<void> {
  await page.keyboard.press('Control+k');
  await paletteOf(page).waitFor();
  await page.keyboard.type(text);
}

describe('the palette', () => {
  it('finds runs from anywhere and goes there', async () => {
    const { page, takeFaults } = await site.openPage();
    await page.goto(`${site.url}/api-reference`);
    await page.getByRole('heading', { name: 'API reference' }).waitFor();
    await waitForQuiet(page);
    await type(page, 'tooled');
    await expect.poll(() => optionsOf(page)).toEqual(['run tooledrun of end-to-end']);
    await page.keyboard.press('Enter');
    await page.waitForURL('**/runs/tooled');
    expect(takeFaults()).toEqual([]);
  });

  it('finds the layers, the metrics and the steps of the run that is open', async () => {
    const { page, takeFaults } = await site.openPage();
    await gotoRun(page, `${site.url}/runs/tooled`);
    await type(page, 'mlp');
    await expect.poll(() => optionsOf(page)).toEqual(['h.0.mlplayer 2']);
    await page.keyboard.press('Escape');
    await paletteOf(page).waitFor({ state: 'detached' });

    await type(page, 'rms on the heatmap');
    await page.keyboard.press('Enter');
    await expect.poll(() => new URL(page.url()).searchParams.get('metric')).toBe('rms');

    await type(page, '37');
    await expect.poll(() => optionsOf(page)).toEqual(['Step 37go there']);
    await page.keyboard.press('Enter');
    await expect.poll(() => readOutOf(page).textContent()).toContain('step 37');
    expect(takeFaults()).toEqual([]);
  });

  it('does what the page offers: layout and theme', async () => {
    const { page } = await site.openPage();
    await gotoRun(page, `${site.url}/runs/tooled`);
    await type(page, 'layout');
    await page.keyboard.press('Enter');
    await expect.poll(() => new URL(page.url()).searchParams.get('layout')).toBe('paper');
    await type(page, 'light theme');
    await page.keyboard.press('Enter');
    await expect.poll(() => page.locator('html').getAttribute('data-theme')).toBe('light');
  });

  it('gives the code that embeds the view as it stands', async () => {
    const { page } = await site.openPage();
    await gotoRun(page, `${site.url}/runs/tooled?loss=linear&theme=light`);
    await type(page, 'embed');
    await page.keyboard.press('Enter');
    const dialog = page.getByRole('dialog', { name: 'This view within another page' });
    await dialog.waitFor();
    const code = (await dialog.locator('code').textContent()) ?? '';
    const src = /src="([^"]+)"/.exec(code)?.[1]?.replaceAll('&amp;', '&');
    expect(src).toBe(`${site.url}/runs/tooled?loss=linear&theme=light&embed=1`);
  });

  it('goes through what it found with the arrows, and says what stands under them', async () => {
    const { page } = await site.openPage();
    await gotoRun(page, `${site.url}/runs/tooled`);
    await type(page, 'h.0');
    await expect.poll(() => optionsOf(page)).toHaveLength(2);
    await page.keyboard.press('ArrowDown');
    const field = paletteOf(page).getByRole('combobox');
    const id = await field.getAttribute('aria-activedescendant');
    await expect.poll(() => page.locator(`[id="${id}"]`).textContent()).toBe('h.0.mlplayer 2');
    await page.keyboard.press('Enter');
    await page.waitForURL('**/layers/2');
  });
});

describe('the drawer of shortcuts', () => {
  const keysOf = (page: Page) =>
    page.getByRole('dialog', { name: 'Shortcuts' }).getByRole('row').allTextContents();

  it.each([
    ['/', ['XChoose the run, or no longer', '/Search the list']],
    ['/runs/tooled', ['LChange the layout', 'CtrlZTake the last zoom back']],
    ['/runs/tooled/layers/1', ['JNext layer', 'EscBack to the run']],
    ['/api-reference', ['/Search the routes']],
  ])('lists on %s the keys of that page and those of all', async (path, expected) => {
    const { page, takeFaults } = await site.openPage();
    await page.goto(`${site.url}${path}`);
    await waitForQuiet(page);
    await page.keyboard.press('?');
    await page.getByRole('dialog', { name: 'Shortcuts' }).waitFor();
    await expect
      .poll(() => keysOf(page))
      .toEqual(expect.arrayContaining([...expected, 'TUse the light theme', 'CtrlKSearch']));
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    expect(takeFaults().filter((fault) => fault.startsWith('exception'))).toEqual([]);
  });

  it('leaves the sign-in page alone', async () => {
    const { page } = await site.openPage();
    await page.goto(`${site.url}/sign-in`);
    await waitForQuiet(page);
    await page.getByRole('button', { name: 'Sign in' }).focus();
    await page.keyboard.press('?');
    await page.keyboard.press('Control+k');
    await expect.poll(() => page.getByRole('dialog').count()).toBe(0);
  });
});
