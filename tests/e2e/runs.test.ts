import type { Browser, Locator, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { runsReplySchema } from '@/lib/contract/reads';
import {
  findAccessibilityFaults,
  openBrowser,
  openPage,
  type PageOptions,
} from './harness/browser';
import { makeDataDir, startProduct, type Product } from './harness/product';
import { importRecordedRun } from './harness/recorded-run';
import { postJson, quietFrames, startJob } from './harness/training-job';

const B = 'B_spontaneous_spike';
const C = 'C_stale_v';

const { dataDir, remove } = makeDataDir();
let product: Product;
let browser: Browser;

/** Two more projects: one small, one too long for a page. */
const SWEEP_SIZE = 205;

async function startSweep(): Promise<void> {
  for (let index = 0; index < SWEEP_SIZE; index++) {
    await postJson(`${product.url}/api/v1/runs`, {
      project: 'sweep',
      id: `trial-${String(index).padStart(3, '0')}`,
      tags: ['sweep', index % 2 === 0 ? 'even' : 'odd, of course'],
      optimizer: { name: 'adamw' },
      layers: [],
    });
  }
}

async function readRun(id: string) {
  const reply = await fetch(`${product.url}/api/v1/runs?ids=${id}`);
  return runsReplySchema.parse(await reply.json()).items[0]!;
}

beforeAll(async () => {
  [product, browser] = await Promise.all([startProduct({ dataDir }), openBrowser()]);
  await startSweep();
  await importRecordedRun(product.url, B);
  await importRecordedRun(product.url, C);
});
afterEach(async () => {
  for (const context of browser.contexts()) await context.close();
});
afterAll(async () => {
  await browser.close();
  await product.stop();
  remove();
});

const rowOf = (page: Page, name: string): Locator =>
  page.getByRole('row').filter({ has: page.getByRole('link', { name, exact: true }) });
const namesOf = (page: Page): Promise<string[]> =>
  page.locator('tr[data-run] th a').allTextContents();
const showingOf = (page: Page): Locator => page.getByText(/^Showing /);
const panelOf = (page: Page): Locator => page.getByRole('region', { name: 'Chosen runs' });
const parameterOf = (page: Page, name: string) => new URL(page.url()).searchParams.get(name);
const markPage = (page: Page) => page.evaluate(() => document.body.setAttribute('data-mark', ''));
const isSamePage = (page: Page) => page.evaluate(() => document.body.hasAttribute('data-mark'));

/** The list, once its rows are there. */
async function openList(query = '', options: PageOptions = {}) {
  const opened = await openPage(browser, options);
  await opened.page.goto(`${product.url}/${query}`);
  await showingOf(opened.page).waitFor();
  return opened;
}

describe('the runs', () => {
  it('show what was recorded: events, where spikes began, speed, and what a stage lacks', async () => {
    const { page, takeFaults } = await openList('?project=char-lm');
    const row = rowOf(page, B);
    await expect.poll(() => row.getByTitle('2 loss spikes', { exact: true }).count()).toBe(1);
    await expect
      .poll(() => row.getByText('needs share √v < ε').getAttribute('title'))
      .toContain('second_moment_below_epsilon_fraction');
    await expect.poll(() => row.textContent()).toContain('640');
    await expect.poll(() => row.locator('[data-mark="spike"]').count()).toBe(2);
    await expect.poll(() => namesOf(page)).toEqual([C, B]);
    expect(takeFaults()).toEqual([]);
  });

  it('say how many of them are shown, and show more on request', async () => {
    const { page } = await openList();
    await expect.poll(() => showingOf(page).textContent()).toBe('Showing 200 of 207');
    await expect.poll(() => page.getByRole('button', { name: 'sweep 198 of 205' }).count()).toBe(1);
    await page.getByRole('button', { name: 'Show 7 more' }).click();
    await expect.poll(() => showingOf(page).textContent()).toBe('Showing 207 of 207');
    await page.reload();
    await expect.poll(() => showingOf(page).textContent()).toBe('Showing 207 of 207');
  });
});

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
    await expect.poll(() => parameterOf(page, 'q')).toBe('/^(b_|c_).*[ev]$/');
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
    await expect.poll(() => parameterOf(page, 'tags')).toBe('odd\\, of course');
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
    await expect.poll(() => parameterOf(page, 'sort')).toBe('-loss');
    await sortBy();
    await expect.poll(() => parameterOf(page, 'sort')).toBeNull();
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
    await expect.poll(() => parameterOf(page, 'runs')).toBe(`${B},${C}`);

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
    await expect.poll(() => parameterOf(page, 'losses')).toBe('over');
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

describe('the list by keyboard', () => {
  it('moves between runs, chooses and opens them', async () => {
    const { page } = await openList('?project=char-lm');
    const focusedRun = () =>
      page.evaluate(
        () => document.activeElement?.closest<HTMLElement>('[data-run]')?.dataset['run'],
      );
    await rowOf(page, C).getByRole('link', { name: C, exact: true }).focus();
    await page.keyboard.press('ArrowDown');
    await expect.poll(() => focusedRun()).toBe(B);
    const outline = await rowOf(page, B).evaluate((row) => getComputedStyle(row).outlineStyle);
    expect(outline).toBe('solid');
    await page.keyboard.press('x');
    await panelOf(page).waitFor();
    await page.keyboard.press('k');
    await expect.poll(() => focusedRun()).toBe(C);
    await page.keyboard.press('Escape');
    await panelOf(page).waitFor({ state: 'detached' });
    await page.keyboard.press('Enter');
    await page.waitForURL(`**/runs/${C}**`);
  });

  it('keeps the run that has the focus above the panel', async () => {
    const { page } = await openList(`?project=sweep&runs=${B},${C}`);
    await panelOf(page).getByRole('table').waitFor();
    await page.locator('tr[data-run] a').first().focus();
    for (let presses = 0; presses < 30; presses++) await page.keyboard.press('ArrowDown');
    const focused = (await page.locator('tr[data-run] a:focus').boundingBox())!;
    const panel = (await panelOf(page).boundingBox())!;
    expect(focused.y).toBeGreaterThan(0);
    expect(focused.y + focused.height).toBeLessThanOrEqual(panel.y);
  });

  it('reaches every control with Tab', async () => {
    const { page } = await openList(`?project=char-lm&runs=${B},${C}`);
    await panelOf(page).getByRole('table').waitFor();
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
        .map((element) => element.outerHTML.slice(0, 160)),
    );
    expect(missed).toEqual([]);
  });

  it('lists its keys', async () => {
    const { page } = await openList('?project=char-lm');
    await page.keyboard.press('?');
    await page.getByRole('dialog', { name: 'Shortcuts' }).waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('dialog', { name: 'Shortcuts' }).waitFor({ state: 'detached' });
  });
});

describe('a list that is watched', () => {
  it('follows a live run and takes in a new one, but not under the pointer', async () => {
    const { page, takeFaults } = await openList('?q=watched');
    await page.getByText('No run matches.').waitFor();
    await markPage(page);
    const job = await startJob({ url: product.url, runId: 'watched-1', layers: ['wte', 'head'] });
    await job.post(quietFrames(1, 20, 2));
    const row = rowOf(page, 'run watched-1');
    await row.getByText('Live').waitFor();
    await row.hover();

    await job.post(quietFrames(21, 10, 2));
    await expect.poll(() => row.locator('[data-label="step"]').textContent()).toBe('30');
    await startJob({ url: product.url, runId: 'watched-2', layers: [] });
    await page.getByText('1 new once you leave the rows').waitFor();
    await expect.poll(() => namesOf(page)).toEqual(['run watched-1']);
    await page.mouse.move(0, 0);
    await expect.poll(() => namesOf(page)).toEqual(['run watched-2', 'run watched-1']);
    await expect.poll(() => rowOf(page, 'run watched-2').textContent()).toContain('No frames yet');

    await postJson(`${product.url}/api/v1/runs/watched-1/finish`, { status: 'failed' });
    await row.getByText('Failed').waitFor();
    expect(await isSamePage(page)).toBe(true);
    expect(takeFaults()).toEqual([]);
  });

  it('says that the server does not answer, keeps what is there and goes on afterwards', async () => {
    const { page } = await openList('?project=char-lm');
    await page.route('**/api/v1/runs?**', (route) => route.abort());
    await page.getByText('The runs could not be read again.').waitFor();
    await expect.poll(() => namesOf(page)).toEqual([C, B]);
    await page.unroute('**/api/v1/runs?**');
    await page.getByText('The runs could not be read again.').waitFor({ state: 'detached' });
  });

  it('says what to do where the first read fails', async () => {
    const { page } = await openPage(browser);
    await page.route('**/api/v1/runs?**', (route) => route.abort());
    await page.goto(product.url);
    await page.getByText('The runs could not be read.').waitFor();
    await page.unroute('**/api/v1/runs?**');
    await page.getByRole('button', { name: 'Try again' }).click();
    await rowOf(page, B).waitFor();
  });
});

describe('on a phone', () => {
  const phone = { width: 390, height: 844 };

  it('fits the width, sorts by a menu and chooses with a finger’s width', async () => {
    const { page, takeFaults } = await openList('?project=char-lm', phone);
    const overflow = () =>
      page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
    await expect.poll(() => overflow()).toBeLessThanOrEqual(0);
    await page.getByRole('combobox', { name: 'Order' }).selectOption('loss');
    await expect.poll(() => namesOf(page)).toEqual([B, C]);
    const target = await page
      .getByRole('checkbox', { name: `Choose ${B}` })
      .locator('..')
      .boundingBox();
    expect(Math.min(target!.width, target!.height)).toBeGreaterThanOrEqual(44);
    await page.getByRole('checkbox', { name: `Choose ${B}` }).check();
    await page.getByRole('checkbox', { name: `Choose ${C}` }).check();
    await panelOf(page).getByRole('table').waitFor();
    await expect.poll(() => overflow()).toBeLessThanOrEqual(0);
    expect(takeFaults()).toEqual([]);
  });
});

describe.each(['dark', 'light'] as const)('in the %s theme', (colorScheme) => {
  it.each([
    ['1440 px', { width: 1440, height: 900 }],
    ['390 px', { width: 390, height: 844 }],
  ])('has no accessibility fault at %s, with runs chosen and being edited', async (_, size) => {
    const { page } = await openList(`?project=char-lm&runs=${B},${C}&settings=all`, {
      ...size,
      colorScheme,
    });
    await panelOf(page).getByRole('table').waitFor();
    await rowOf(page, B).locator('[data-mark="spike"]').first().waitFor();
    expect(await findAccessibilityFaults(page)).toEqual([]);
    await panelOf(page).getByRole('button', { name: 'Edit tags' }).click();
    await page.getByRole('dialog').waitFor();
    expect(await findAccessibilityFaults(page)).toEqual([]);
  });
});
