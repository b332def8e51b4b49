import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { openBrowser, openPage } from './harness/browser';
import { makeDataDir, startProduct, type Product } from './harness/product';
import { importRecordedRun, RECORDED_RUNS } from './harness/recorded-run';
import { gotoRun } from './harness/run-page';

const { dataDir, remove } = makeDataDir();
let product: Product;
let browser: Browser;
const B = 'B_spontaneous_spike';

beforeAll(async () => {
  [product, browser] = await Promise.all([startProduct({ dataDir }), openBrowser()]);
  for (const run of RECORDED_RUNS) await importRecordedRun(product.url, run);
});
afterEach(async () => {
  for (const context of browser.contexts()) await context.close();
});
afterAll(async () => {
  await browser.close();
  await product.stop();
  remove();
});

const sectionOf = (page: Page, name: string) => page.getByRole('region', { name });
async function openRun(query = '', run = B, options = {}) {
  const watched = await openPage(browser, options);
  await gotoRun(watched.page, `${product.url}/runs/${run}${query}`);
  return watched;
}

describe('what is said beside the heatmap', () => {
  it('is what can be done about the recorded spikes, with the numbers that decide', async () => {
    const { page, takeFaults } = await openRun();
    const remedies = sectionOf(page, 'What can be done');
    await expect.poll(() => remedies.textContent()).toContain('2 loss spikes so far');
    await expect.poll(() => remedies.textContent()).toContain('β2 is 0.95 already');
    await expect
      .poll(() => sectionOf(page, 'Precursors now').textContent())
      .toMatch(/RMS is below 0.3 in \d+ of \d+ layers/);
    await expect
      .poll(() => sectionOf(page, 'Expected next').textContent())
      .toContain('the curvature stands');
    expect(takeFaults()).toEqual([]);
  });
});
