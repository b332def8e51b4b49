import { beforeAll, describe, expect, it } from 'vitest';
import { runsReplySchema } from '@/lib/contract/reads';
import {
  findAccessibilityFaults,
  isSamePage,
  markPage,
  queryOf,
  type PageOptions,
} from './harness/browser';
import { RECORDED_RUNS } from './harness/recorded-run';
import { namesOf, openRunsList, panelOf, postRuns, rowOf } from './harness/runs-list';
import { openSite } from './harness/site';

const [B, C] = RECORDED_RUNS;

const site = openSite();
const openList = (query?: string, options?: PageOptions) => openRunsList(site, query, options);

beforeAll(() => postRuns(site.url));

async function readRun(id: string) {
  const reply = await fetch(`${site.url}/api/v1/runs?ids=${id}`);
  return runsReplySchema.parse(await reply.json()).items[0]!;
}

describe('chosen runs', () => {
  it('are compared: what differs, all of it on demand, in the URL', async () => {
    const { page, takeFaults } = await openList('?project=char-lm');
    await page.getByRole('checkbox', { name: `Choose ${B}` }).check();
    await panelOf(page).getByText('choose another to see what differs').waitFor();
    await page.getByRole('checkbox', { name: `Choose ${C}` }).check();
    const setting = (label: string) =>
      panelOf(page)
        .getByRole('row')
        .filter({ has: page.getByRole('rowheader', { name: label, exact: true }) });
    await expect
      .poll(() => setting('β₂').getByRole('cell').allTextContents())
      .toEqual(['0.95', '0.999']);
    await expect
      .poll(() => setting('depth').getByRole('cell').allTextContents())
      .toEqual(['8', '6']);
    await expect.poll(() => setting('β₁').count()).toBe(0);
    await panelOf(page).getByRole('button', { name: 'All settings' }).click();
    await expect
      .poll(() => setting('β₁').getByRole('cell').allTextContents())
      .toEqual(['0.9', '0.9']);
    await expect.poll(() => queryOf(page).get('runs')).toBe(`${B},${C}`);

    await page.reload();
    await setting('β₁').waitFor();
    await page.getByRole('textbox', { name: /^Search runs/ }).fill('nobody');
    await page.getByText('No run matches.').waitFor();
    await expect.poll(() => panelOf(page).getByRole('heading').textContent()).toBe('2 runs chosen');
    await panelOf(page).getByRole('button', { name: 'Clear' }).click();
    await expect.poll(() => panelOf(page).count()).toBe(0);
    expect(takeFaults()).toEqual([]);
  });

  it('have their losses drawn over each other, and said in a table', async () => {
    const { page, takeFaults } = await openList(`?project=char-lm&runs=${B},${C}`);
    await panelOf(page).getByRole('button', { name: 'Overlay losses' }).click();
    const losses = panelOf(page).getByRole('table', { name: 'Losses of the chosen runs' });
    const row = losses.getByRole('row').filter({ has: page.getByRole('rowheader', { name: B }) });
    await expect
      .poll(() => row.getByRole('cell').allTextContents())
      .toEqual([...['640', '0.00490', '0.00464']]);
    await expect.poll(() => queryOf(page).get('losses')).toBe('over');
    expect(await findAccessibilityFaults(page)).toEqual([]);
    expect(takeFaults()).toEqual([]);
  });

  it('get and lose tags together', async () => {
    const { page } = await openList('?runs=trial-000,trial-001');
    await panelOf(page).getByRole('button', { name: 'Edit tags' }).click();
    const dialog = page.getByRole('dialog', { name: 'Tags of 2 runs' });
    await expect
      .poll(() => dialog.getByRole('listitem').allTextContents())
      .toEqual(['sweep', 'even1 of 2', 'odd, of course1 of 2']);
    await dialog.getByRole('button', { name: 'Remove the tag even' }).click();
    await dialog.getByRole('combobox', { name: 'New tag' }).fill('first, looked at');
    await page.keyboard.press('Enter');
    await dialog.getByRole('button', { name: 'Save' }).click();
    await dialog.waitFor({ state: 'detached' });
    expect((await readRun('trial-000')).tags).toEqual(['sweep', 'first', 'looked at']);
    expect((await readRun('trial-001')).tags).toEqual([
      ...['sweep', 'odd, of course', 'first', 'looked at'],
    ]);
  });
});

describe('a run', () => {
  it('is renamed, tagged, noted and pinned without a reload', async () => {
    const { page, takeFaults } = await openList('?project=sweep&q=trial-01');
    await markPage(page);
    await rowOf(page, 'trial-015').getByRole('link').focus();
    await page.keyboard.press('e');
    const dialog = page.getByRole('dialog', { name: 'Edit trial-015' });
    await dialog.getByRole('textbox', { name: 'Name' }).fill('Warm-up 200');
    await dialog.getByRole('textbox', { name: 'Notes' }).fill('trial-015 with a longer warm-up.');
    await dialog.getByRole('combobox', { name: 'New tag' }).fill('keep');
    await dialog.getByRole('button', { name: 'Save' }).click();
    await rowOf(page, 'Warm-up 200').waitFor();
    await expect
      .poll(() => rowOf(page, 'Warm-up 200').textContent())
      .toContain('odd, of course, keep');
    await rowOf(page, 'Warm-up 200').getByRole('link').focus();
    await page.keyboard.press('p');
    await expect.poll(async () => (await namesOf(page))[0]).toBe('Warm-up 200');
    await expect.poll(() => rowOf(page, 'Warm-up 200').getByText('Pinned').count()).toBe(1);
    expect(await isSamePage(page)).toBe(true);
    expect(await readRun('trial-015')).toMatchObject({
      ...{ name: 'Warm-up 200', pinned: true, notes: 'trial-015 with a longer warm-up.' },
    });
    expect(takeFaults()).toEqual([]);
  });

  it('keeps what was typed where it could not be saved, and says why', async () => {
    const { page } = await openList('?q=trial-020');
    await page.route('**/api/v1/runs/trial-020', (route) =>
      route.fulfill({
        status: 403,
        json: { error: { code: 'forbidden', message: 'the token may not do this' } },
      }),
    );
    await rowOf(page, 'trial-020').hover();
    await page.getByRole('button', { name: 'Edit trial-020' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByRole('textbox', { name: 'Name' }).fill('');
    await expect.poll(() => dialog.getByRole('alert').textContent()).toBe('A run needs a name.');
    await dialog.getByRole('textbox', { name: 'Name' }).fill('elsewhere');
    await dialog.getByRole('button', { name: 'Save' }).click();
    await dialog.getByText('Not saved. trial-020: the token may not do this').waitFor();
    await expect
      .poll(() => dialog.getByRole('textbox', { name: 'Name' }).inputValue())
      .toBe('elsewhere');
    await page.keyboard.press('Escape');
    await expect.poll(() => namesOf(page)).toEqual(['trial-020']);
  });
});
