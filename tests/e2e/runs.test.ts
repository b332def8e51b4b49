import { beforeAll, describe, expect, it } from 'vitest';
import {
  findAccessibilityFaults,
  findUnreached,
  isSamePage,
  markPage,
  type PageOptions,
} from './harness/browser';
import { RECORDED_RUNS } from './harness/recorded-run';
import { namesOf, openRunsList, panelOf, postRuns, rowOf, showingOf } from './harness/runs-list';
import { openSite } from './harness/site';
import { postJson, quietFrames, startJob } from './harness/training-job';

const [B, C] = RECORDED_RUNS;

const site = openSite();
const openList = (query?: string, options?: PageOptions) => openRunsList(site, query, options);

beforeAll(() => postRuns(site.url));

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
    expect(await findUnreached(page)).toEqual([]);
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
    const job = await startJob({ url: site.url, runId: 'watched-1', layers: ['wte', 'head'] });
    await job.post(quietFrames(1, 20, 2));
    const row = rowOf(page, 'run watched-1');
    await row.getByText('Live').waitFor();
    await row.hover();

    await job.post(quietFrames(21, 10, 2));
    await expect.poll(() => row.locator('[data-column="step"]').textContent()).toBe('30');
    await startJob({ url: site.url, runId: 'watched-2', layers: [] });
    await page.getByText('1 new once you leave the rows').waitFor();
    await expect.poll(() => namesOf(page)).toEqual(['run watched-1']);
    await page.mouse.move(0, 0);
    await expect.poll(() => namesOf(page)).toEqual(['run watched-2', 'run watched-1']);
    await expect.poll(() => rowOf(page, 'run watched-2').textContent()).toContain('No frames yet');

    await postJson(`${site.url}/api/v1/runs/watched-1/finish`, { status: 'failed' });
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
    const { page } = await site.openPage();
    await page.route('**/api/v1/runs?**', (route) => route.abort());
    await page.goto(site.url);
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
