import { beforeAll, describe, expect, it } from 'vitest';
import { queryOf, type PageOptions } from './harness/browser';
import { RECORDED_RUNS } from './harness/recorded-run';
import { namesOf, openRunsList, postRuns, rowOf, showingOf } from './harness/runs-list';
import { openSite } from './harness/site';

const [B, C] = RECORDED_RUNS;

const site = openSite();
const openList = (query?: string, options?: PageOptions) => openRunsList(site, query, options);

beforeAll(() => postRuns(site.url));

describe('the search', () => {
  it('finds text and regexes as they are typed, and keeps them in the URL', async () => {
    const { page } = await openList();
    const field = page.getByRole('textbox', { name: /^Search runs/ });
    await page.keyboard.press('/');
    await page.keyboard.type('spontaneous');
    await expect.poll(() => namesOf(page)).toEqual([B]);
    await expect.poll(() => showingOf(page).textContent()).toBe('Showing 1 of 207');
    await field.fill('/^(b_|c_).*[ev]$/');
    await expect.poll(() => namesOf(page)).toEqual([C, B]);
    await expect.poll(() => queryOf(page).get('q')).toBe('/^(b_|c_).*[ev]$/');
    await page.reload();
    await expect.poll(() => namesOf(page)).toEqual([C, B]);
  });

  it('says what is wrong with a regex and leaves the runs that were there', async () => {
    const { page } = await openList('?q=spontaneous');
    await page.getByRole('textbox', { name: /^Search runs/ }).fill('/(/');
    await page.getByText('no regex: parentheses () not balanced').waitFor();
    await expect.poll(() => namesOf(page)).toEqual([B]);
  });

  it('offers all runs where none matches', async () => {
    const { page } = await openList('?q=nobody-is-called-that&status=live');
    await page.getByText('No run matches.').waitFor();
    await page.getByRole('button', { name: 'Show all runs' }).click();
    await expect.poll(() => showingOf(page).textContent()).toBe('Showing 200 of 207');
    await expect.poll(() => new URL(page.url()).search).toBe('');
  });
});

describe('filters', () => {
  it('narrow by status, project, tag and spikes, each undone by the back button', async () => {
    const { page } = await openList();
    await page.getByRole('combobox', { name: 'Status' }).selectOption('finished');
    await expect.poll(() => namesOf(page)).toEqual([C, B]);
    await page.goBack();
    await expect.poll(() => showingOf(page).textContent()).toBe('Showing 200 of 207');
    await page.getByRole('combobox', { name: 'Events' }).selectOption('any');
    await expect.poll(() => namesOf(page)).toContain(B);
    await page.getByRole('combobox', { name: 'Project' }).selectOption('sweep');
    await page.getByText('No run matches.').waitFor();
    await page.getByRole('combobox', { name: 'Events' }).selectOption('none');
    await page.getByRole('combobox', { name: 'Tags' }).selectOption('odd, of course');
    await expect.poll(() => showingOf(page).textContent()).toBe('Showing 102 of 207');
    await expect.poll(() => queryOf(page).get('tags')).toBe('odd\\, of course');
    await page.getByRole('combobox', { name: 'Tags' }).selectOption('even');
    await page.getByText('No run matches.').waitFor();
    await page.getByRole('button', { name: 'No longer only the tag even' }).click();
    await expect.poll(() => showingOf(page).textContent()).toBe('Showing 102 of 207');
  });
});

describe('the order', () => {
  it('is that of the column whose head is clicked, either way, then the newest first', async () => {
    const { page } = await openList('?project=char-lm');
    const head = page.getByRole('columnheader', { name: 'last' });
    const sortBy = () => head.getByRole('button').click();
    await sortBy();
    await expect.poll(() => namesOf(page)).toEqual([B, C]);
    await expect.poll(() => head.getAttribute('aria-sort')).toBe('ascending');
    await sortBy();
    await expect.poll(() => namesOf(page)).toEqual([C, B]);
    await expect.poll(() => head.getAttribute('aria-sort')).toBe('descending');
    await expect.poll(() => queryOf(page).get('sort')).toBe('-loss');
    await sortBy();
    await expect.poll(() => queryOf(page).get('sort')).toBeNull();
    await page.getByRole('columnheader', { name: 'step', exact: true }).getByRole('button').click();
    await expect.poll(() => namesOf(page)).toEqual([B, C]);
  });
});

describe('groups', () => {
  it('close and open, and are as they were when one comes back', async () => {
    const { page } = await openList();
    await page.getByRole('button', { name: /^sweep / }).click();
    await expect
      .poll(() => showingOf(page).textContent())
      .toBe('Showing 2 of 207, 205 in closed groups');
    await expect.poll(() => namesOf(page)).toEqual([C, B]);
    await page.reload();
    const head = page.getByRole('button', { name: 'sweep 205' });
    await head.waitFor();
    await expect.poll(() => head.getAttribute('aria-expanded')).toBe('false');
    await expect.poll(() => namesOf(page)).toEqual([C, B]);
    await head.click();
    await expect.poll(() => rowOf(page, 'trial-204').count()).toBe(1);
    await page.getByRole('combobox', { name: 'Grouping' }).selectOption('none');
    await expect.poll(() => page.getByRole('button', { name: /^sweep / }).count()).toBe(0);
  });
});
