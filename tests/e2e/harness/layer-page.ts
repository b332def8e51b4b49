import type { Locator, Page } from 'playwright-core';
import type { PageOptions, WatchedPage } from './browser';
import type { Site } from './site';

/** h.0.attn.c_attn of the recorded run, whose u and r split at 317. */
export const LAYER = 4;

export const columnsOf = (page: Page): Locator => page.getByRole('region', { name: /^Step \d/ });
export const wordsOf = (page: Page): Locator =>
  page.getByRole('complementary', { name: 'In numbers and words' });
export const legendOf = (page: Page, name: RegExp | string): Locator =>
  page.getByRole('button', { name });

/** The steps of the columns, from left to right. */
export async function chosenSteps(page: Page): Promise<number[]> {
  const names = await columnsOf(page).evaluateAll((regions) =>
    regions.map((region) => region.getAttribute('aria-label') ?? ''),
  );
  return names.map((name) => Number(/^Step (\d+)/.exec(name)?.[1]));
}

/** A layer's page, once its distributions are there; the recorded run's by default. */
export async function openLayerOf(
  site: Site,
  query = '?step=317',
  path = `B_spontaneous_spike/layers/${LAYER}`,
  options: PageOptions = {},
): Promise<WatchedPage> {
  const watched = await site.openPage(options);
  await watched.page.goto(`${site.url}/runs/${path}${query}`);
  await columnsOf(watched.page).first().waitFor();
  return watched;
}
