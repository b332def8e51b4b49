import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { openBrowser, openPage } from './harness/browser';
import { makeDataDir, startProduct, type Product } from './harness/product';
import { gotoRun, heatmapOf, readOutOf, readPixels, surfaceOf } from './harness/run-page';
import { quietFrames, startJob } from './harness/training-job';

const LAYERS = ['wte', 'h.0.attn', 'h.0.mlp', 'h.1.attn', 'h.1.mlp', 'lm_head'];

const { dataDir, remove } = makeDataDir();
let product: Product;
let browser: Browser;

beforeAll(async () => {
  [product, browser] = await Promise.all([startProduct({ dataDir }), openBrowser()]);
  const job = await startJob({ url: product.url, runId: 'viewed', layers: LAYERS });
  await job.post(quietFrames(1, 200, LAYERS.length));
});
afterEach(async () => {
  for (const context of browser.contexts()) await context.close();
});
afterAll(async () => {
  await browser.close();
  await product.stop();
  remove();
});

async function openRun(query = ''): Promise<{ page: Page; takeFaults: () => string[] }> {
  const opened = await openPage(browser);
  await gotoRun(opened.page, `${product.url}/runs/viewed${query}`);
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
    const markFocused = () =>
      page.evaluate(() => {
        const element = document.activeElement;
        const isNew =
          element !== null && element !== document.body && !element.hasAttribute('data-reached');
        if (isNew) element.setAttribute('data-reached', '');
        return isNew;
      });
    do await page.keyboard.press('Tab');
    while (await markFocused());
    const missed = await page.evaluate(() =>
      [...document.querySelectorAll<HTMLElement>('a[href], button, select, input, [tabindex]')]
        .filter((element) => element.checkVisibility({ visibilityProperty: true }))
        .filter((element) => !element.matches(':disabled, [data-reached], [tabindex="-1"]'))
        // One stop is enough for a group of radio buttons: arrows do the rest.
        .filter(
          (element) =>
            !(element instanceof HTMLInputElement && element.type === 'radio') ||
            document.querySelector(`[data-reached][name="${element.name}"]`) === null,
        )
        .map((element) => element.outerHTML.slice(0, 160)),
    );
    expect(missed).toEqual([]);
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
