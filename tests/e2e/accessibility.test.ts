import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { findAccessibilityFaults, openBrowser, openPage } from './harness/browser';
import { makeDataDir, startProduct, type Product } from './harness/product';
import { waitForHeatmap } from './harness/run-page';
import { quietFrames, startJob, type Frame } from './harness/training-job';

const LAYERS = ['wte', 'h.0.attn', 'h.0.mlp', 'lm_head'];

const { dataDir, remove } = makeDataDir();
let product: Product;
let browser: Browser;

/** Distributions of every layer: a hump in the middle, two counts outside. */
function withHistograms(frame: Frame): Frame {
  const edges = Array.from({ length: 33 }, (_, index) => (index - 16) / 8);
  const counts = LAYERS.map(() =>
    Array.from({ length: 32 }, (_, bin) => Math.round(1000 * Math.exp(-(((bin - 15.5) / 6) ** 2)))),
  );
  const outside = LAYERS.map(() => [1, 1, 0, 0]);
  const histogram = { edges, counts, outside };
  return { ...frame, histograms: { update: histogram, ratio: histogram } };
}

beforeAll(async () => {
  [product, browser] = await Promise.all([startProduct({ dataDir }), openBrowser()]);
});
afterEach(async () => {
  for (const context of browser.contexts()) await context.close();
});
afterAll(async () => {
  await browser.close();
  await product.stop();
  remove();
});

/** Each page with what is on it once everything that it asked for has come. */
const PAGES: readonly (readonly [string, string, (page: Page) => Promise<void>])[] = [
  [
    'the runs list',
    '/',
    (page) =>
      page
        .getByRole('img', { name: /^Loss of/ })
        .first()
        .waitFor(),
  ],
  ['a run', '/runs/seen', waitForHeatmap],
  ['a run in the layout of the paper', '/runs/seen?layout=paper', waitForHeatmap],
  ['a layer', '/runs/seen/layers/2?step=40', (page) => page.getByRole('img').first().waitFor()],
  [
    'the API reference',
    '/api-reference',
    (page) => page.getByText('/api/v1/runs/{id}/frames').first().waitFor(),
  ],
  ['the sign-in page', '/sign-in', (page) => page.getByLabel(/token/i).waitFor()],
];

// First, since it can be seen only before the first run.
it.each(['dark', 'light'] as const)('greets an empty product in the %s theme', async (theme) => {
  const { page, takeFaults } = await openPage(browser, { colorScheme: theme });
  await page.goto(product.url);
  await page.getByText('/api/v1/runs').first().waitFor();
  expect(await findAccessibilityFaults(page)).toEqual([]);
  expect(takeFaults()).toEqual([]);
});

describe.each(['dark', 'light'] as const)('in the %s theme', (colorScheme) => {
  beforeAll(async () => {
    const job = await startJob({ url: product.url, runId: 'seen', layers: LAYERS });
    await job.post(quietFrames(1, 60, LAYERS.length).map(withHistograms));
  });

  it.each(PAGES)('shows %s without a fault', async (_, path, isComplete) => {
    const { page, takeFaults } = await openPage(browser, { colorScheme });
    await page.goto(`${product.url}${path}`);
    await isComplete(page);
    expect(await findAccessibilityFaults(page)).toEqual([]);
    expect(takeFaults()).toEqual([]);
  });
});
