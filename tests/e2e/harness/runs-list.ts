import type { Locator, Page } from 'playwright-core';
import type { PageOptions, WatchedPage } from './browser';
import { importRecordedRun, RECORDED_RUNS } from './recorded-run';
import type { Site } from './site';
import { postJson } from './training-job';

/** One project more than fits on a page. */
const SWEEP_SIZE = 205;

/** The recorded runs, and the project `sweep` of runs without frames: `trial-000`, `trial-001` and so on. */
export async function postRuns(url: string): Promise<void> {
  for (let index = 0; index < SWEEP_SIZE; index++) {
    await postJson(`${url}/api/v1/runs`, {
      project: 'sweep',
      id: `trial-${String(index).padStart(3, '0')}`,
      tags: ['sweep', index % 2 === 0 ? 'even' : 'odd, of course'],
      optimizer: { name: 'adamw' },
      layers: [],
    });
  }
  for (const run of RECORDED_RUNS) await importRecordedRun(url, run);
}

/** The list of runs, once its rows are there. */
export async function openRunsList(
  site: Site,
  query = '',
  options: PageOptions = {},
): Promise<WatchedPage> {
  const opened = await site.openPage(options);
  await opened.page.goto(`${site.url}/${query}`);
  await showingOf(opened.page).waitFor();
  return opened;
}

export const rowOf = (page: Page, name: string): Locator =>
  page.getByRole('row').filter({ has: page.getByRole('link', { name, exact: true }) });
export const namesOf = (page: Page): Promise<string[]> =>
  page.locator('tr[data-run] th a').allTextContents();
export const showingOf = (page: Page): Locator => page.getByText(/^Showing /);
export const panelOf = (page: Page): Locator => page.getByRole('region', { name: 'Chosen runs' });
