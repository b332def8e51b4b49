import { beforeAll, describe, expect, it } from 'vitest';
import { findAccessibilityFaults, type PageOptions } from './harness/browser';
import { waitForQuiet } from './harness/quiet';
import { importRecordedRun, type RecordedRun } from './harness/recorded-run';
import { gotoRun } from './harness/run-page';
import { openSite } from './harness/site';
import { openSpike, pathOfSpike } from './harness/spike-page';
import { postJson } from './harness/training-job';

const site = openSite();

beforeAll(async () => {
  for (const run of ['B_spontaneous_spike', 'C_stale_v'] as const) {
    await importRecordedRun(site.url, run);
  }
});

const pathOf = (run: RecordedRun, near: number) => pathOfSpike(site.url, run, near);
const open = (path: string, options: PageOptions = {}) =>
  openSpike(site.browser, site.url + path, options);

describe('notes', () => {
  it('are written, shown as Markdown without a tag of theirs, changed and kept', async () => {
    const { page, takeFaults } = await open(await pathOf('C_stale_v', 440));
    await page.getByLabel('Note', { exact: true }).fill('Skipped **300** batches. <img src=x>');
    await page.getByLabel('Your name').fill('ada');
    await page.getByRole('button', { name: 'Keep the note' }).click();
    await page.getByRole('strong').filter({ hasText: '300' }).waitFor();
    await page.getByText('<img src=x>').waitFor();
    await expect.poll(() => page.locator('main img').count()).toBe(0);

    await page.getByRole('button', { name: 'Change' }).click();
    await page.getByLabel('Note', { exact: true }).first().fill('It did not help.');
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByText('It did not help.').waitFor();
    await page.getByRole('button', { name: '2 revisions' }).click();
    await page.getByRole('list', { name: 'Earlier texts' }).getByText('batches').waitFor();
    expect(takeFaults()).toEqual([]);
  });

  it('are written about steps and layers too, beside those at spikes', async () => {
    const { page, takeFaults } = await site.openPage();
    await page.goto(`${site.url}/runs/C_stale_v/notes`);
    await waitForQuiet(page);
    await page.getByLabel('From step').fill('300');
    await page.getByLabel('To step').fill('330');
    await page.getByRole('combobox', { name: 'Layer' }).selectOption({ label: 'wte' });
    await page.getByLabel('Note', { exact: true }).fill('Watch the *embedding*.');
    await page.getByLabel('Your name').fill('grace');
    await page.getByRole('button', { name: 'Keep the note' }).click();
    await page.getByRole('link', { name: 'wte, steps 300 to 330' }).waitFor();
    expect(await findAccessibilityFaults(page)).toEqual([]);
    expect(takeFaults()).toEqual([]);
  });

  it('are written from the run about the steps that are shown, and stand among its events', async () => {
    const { page, takeFaults } = await site.openPage();
    await gotoRun(page, `${site.url}/runs/C_stale_v?steps=140-180`);
    await page.getByRole('button', { name: 'Write a note' }).click();
    const dialog = page.getByRole('dialog', { name: 'Write a note' });
    await expect.poll(() => dialog.getByLabel('From step').inputValue()).toBe('140');
    await expect.poll(() => dialog.getByLabel('To step').inputValue()).toBe('180');
    await dialog.getByLabel('Note', { exact: true }).fill('One corrupt shard.');
    await dialog.getByLabel('Your name').fill('ada');
    expect(await findAccessibilityFaults(page)).toEqual([]);
    await dialog.getByRole('button', { name: 'Keep the note' }).click();
    await dialog.waitFor({ state: 'detached' });
    await page.getByRole('button', { name: /One corrupt shard/ }).waitFor();
    expect(takeFaults()).toEqual([]);
  });

  it('are written at a layer by a key, for the step that is read', async () => {
    const { page, takeFaults } = await site.openPage();
    await page.goto(`${site.url}/runs/C_stale_v/layers/0?step=320`);
    const notes = page.getByRole('region', { name: 'Notes' });
    await notes.waitFor();
    await page.keyboard.press('n');
    const dialog = page.getByRole('dialog', { name: 'Write a note' });
    await expect.poll(() => dialog.getByLabel('From step').inputValue()).toBe('320');
    await expect.poll(() => dialog.getByLabel('Note', { exact: true }).inputValue()).toBe('');
    await dialog.getByLabel('Note', { exact: true }).fill('The first that moved.');
    await dialog.getByLabel('Your name').fill('grace');
    await dialog.getByRole('button', { name: 'Keep the note' }).click();
    await notes
      .getByRole('listitem')
      .filter({ hasText: 'The first that moved.' })
      .getByText('step 320')
      .waitFor();
    expect(takeFaults()).toEqual([]);
  });

  it('stand in the report, which opens by itself and loads nothing', async () => {
    const path = await pathOf('C_stale_v', 220);
    const spikeId = path.split('/').at(-1);
    await postJson(`${site.url}/api/v1/runs/C_stale_v/notes`, {
      ...{ spikeId, author: 'grace', markdown: 'Another **corpus**.' },
    });
    const { page, takeFaults } = await site.openPage();
    const requests: string[] = [];
    page.on('request', (request) => requests.push(request.url()));
    await page.goto(`${site.url}/api/v1${path}/report`);
    await page.getByRole('heading', { name: 'Notes' }).waitFor();
    await expect.poll(() => page.locator('article strong').innerText()).toBe('corpus');
    await expect.poll(() => page.getByRole('img').count()).toBeGreaterThanOrEqual(2);
    expect(
      requests.filter((url) => !url.endsWith('/report') && !url.endsWith('favicon.ico')),
    ).toEqual([]);
    expect(takeFaults().filter((fault) => !fault.includes('favicon'))).toEqual([]);
  });
});
