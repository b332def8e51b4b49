import type { Page } from 'playwright-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { findAccessibilityFaults } from './harness/browser';
import { waitForHeatmap } from './harness/run-page';
import { openSite } from './harness/site';
import { quietFrames, startJob } from './harness/training-job';

const LAYERS = ['wte', 'h.0.attn', 'h.0.mlp', 'lm_head'];

const site = openSite();

beforeAll(async () => {
  const job = await startJob({ url: site.url, runId: 'slow', layers: LAYERS });
  await job.post(quietFrames(1, 60, LAYERS.length));
});

/** Holds every reply of the API back until it is let go. */
async function holdReplies(page: Page): Promise<() => void> {
  let letGo = (): void => undefined;
  const held = new Promise<void>((resolve) => {
    letGo = resolve;
  });
  await page.route('**/api/v1/**', async (route) => {
    await held;
    await route.continue();
  });
  return letGo;
}

const SCREENS = [
  { name: 'the runs list', path: '/', shape: 'rows', says: 'Reading the runs.' },
  { name: 'a run', path: '/runs/slow', shape: 'run', says: 'Reading the run.' },
  { name: 'a layer', path: '/runs/slow/layers/1', shape: 'layer', says: 'Reading the layer.' },
  { name: 'the notes', path: '/runs/slow/notes', shape: 'notes', says: 'Reading the notes.' },
  {
    name: 'a postmortem',
    path: '/runs/slow/spikes/1-loss_spike-40',
    shape: 'postmortem',
    says: 'Reading what is stored around the spike.',
  },
] as const;

describe('while the first replies are on their way', () => {
  for (const { name, path, shape, says } of SCREENS) {
    it(`${name} shows its form, says what is read and fits a phone`, async () => {
      for (const options of [
        { colorScheme: 'dark' as const },
        { colorScheme: 'light' as const, width: 390, height: 844 },
      ]) {
        const { page } = await site.openPage(options);
        const letGo = await holdReplies(page);
        await page.goto(site.url + path);
        await page.getByRole('status').filter({ hasText: says }).waitFor();
        const skeleton = page.locator(`[data-skeleton="${shape}"]`);
        const forms = skeleton.locator('i').first();
        await expect
          .poll(() => forms.evaluate((form) => getComputedStyle(form.parentElement!).opacity))
          .toBe('1');
        expect((await skeleton.boundingBox())!.height).toBeGreaterThan(60);
        expect(await findAccessibilityFaults(page)).toEqual([]);
        const overflow = await page.evaluate(
          () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
        );
        expect(overflow).toBe(0);
        letGo();
        await skeleton.waitFor({ state: 'detached' });
      }
    });
  }

  it('a run gives way to its heatmap', async () => {
    const { page, takeFaults } = await site.openPage();
    const letGo = await holdReplies(page);
    await page.goto(`${site.url}/runs/slow`);
    await page.getByRole('status').filter({ hasText: 'Reading the run.' }).waitFor();
    letGo();
    await waitForHeatmap(page);
    expect(takeFaults()).toEqual([]);
  });

  it('a run calls nothing quiet before its spikes are read, and says where they cannot be', async () => {
    const { page } = await site.openPage();
    let letGo = (): void => undefined;
    const held = new Promise<void>((resolve) => (letGo = resolve));
    await page.route('**/api/v1/runs/slow/spikes', async (route) => {
      await held;
      await route.abort();
    });
    await page.goto(`${site.url}/runs/slow`);
    await waitForHeatmap(page);
    const events = page.getByRole('region', { name: 'Latest events' });
    await events.getByText('Reading spikes and events.').waitFor();
    // What stands above it is worked out from the same columns as the rest of the panel.
    await page.getByRole('region', { name: 'Changed most now' }).getByRole('table').waitFor();
    const remedies = page.getByRole('region', { name: 'What can be done' });
    expect(await remedies.count()).toBe(0);
    expect(await events.textContent()).not.toContain('Nothing was posted');
    letGo();
    await events.getByText(/^Spikes and events could not be read: /).waitFor();
    expect(await remedies.count()).toBe(0);
    await page.unroute('**/api/v1/runs/slow/spikes');
    await events.getByRole('button', { name: 'Try again' }).click();
    await remedies.getByText('No remedy is called for by what this run reports.').waitFor();
    await events.getByText('Nothing was posted.').waitFor();
  });

  it('a layer does not say that no stage was told before stages are read', async () => {
    const { page } = await site.openPage();
    let letGo = (): void => undefined;
    const held = new Promise<void>((resolve) => (letGo = resolve));
    await page.route('**/api/v1/runs/slow/stages?**', async (route) => {
      await held;
      await route.continue();
    });
    await page.goto(`${site.url}/runs/slow/layers/1`);
    await page.getByText('Reading the stages.').waitFor();
    expect(await page.getByText('No stage was told at this step.').count()).toBe(0);
    letGo();
    await page.getByText('Reading the stages.').waitFor({ state: 'detached' });
    await page.getByText(/these are not known: /).waitFor();
  });

  it('a run writes nothing where its name will stand, and moves no other word', async () => {
    const { page } = await site.openPage();
    const letGo = await holdReplies(page);
    await page.goto(`${site.url}/runs/slow`);
    const crumbs = page.getByRole('navigation', { name: 'Breadcrumb' });
    await expect.poll(() => crumbs.locator('[data-pending]').count()).toBe(2);
    expect(await crumbs.textContent()).toBe('/');
    // Words are as wide as their font, which may come late.
    await page.evaluate(() => document.fonts.ready.then(() => undefined));
    const spikes = page.getByRole('banner').getByRole('link', { name: 'Spikes', exact: true });
    const before = (await spikes.boundingBox())!;
    letGo();
    await expect.poll(() => crumbs.textContent()).toBe('end-to-end/run slow');
    // The bar of the run takes the place of the one that waited: for a moment it may have no box.
    await expect.poll(async () => (await spikes.boundingBox())?.x).toBe(before.x);
  });

  it('a run that was in the list has its name at once', async () => {
    const { page } = await site.openPage();
    await page.goto(site.url);
    const row = page.getByRole('link', { name: 'run slow' }).first();
    await row.waitFor();
    const letGo = await holdReplies(page);
    await row.click();
    const crumbs = page.getByRole('navigation', { name: 'Breadcrumb' });
    await expect.poll(() => crumbs.textContent()).toBe('end-to-end/run slow');
    await page.getByRole('status').filter({ hasText: 'Reading the run.' }).waitFor();
    letGo();
    await waitForHeatmap(page);
  });
});

describe('the top bar', () => {
  const currentOf = (page: Page) =>
    page
      .getByRole('banner')
      .locator('a[aria-current="page"]')
      .evaluateAll((links) => links.map((link) => link.getAttribute('href')));

  it('marks the page that is open among those it leads to', async () => {
    const { page } = await site.openPage();
    for (const [path, current] of [
      ['/', []],
      ['/spikes', ['/spikes']],
      ['/alerts?part=rules', ['/alerts']],
      ['/runs/slow', []],
    ] as const) {
      await page.goto(site.url + path);
      await page
        .getByRole('banner')
        .getByRole('link', { name: /^Alerts/ })
        .waitFor();
      await expect.poll(() => currentOf(page)).toEqual(current);
    }
  });

  it('says of which run a part of it is, on a phone too', async () => {
    const { page } = await site.openPage({ width: 390, height: 844 });
    await page.goto(`${site.url}/runs/slow/layers/1`);
    const run = page.getByRole('banner').getByRole('link', { name: 'run slow' });
    await expect.poll(() => run.isVisible()).toBe(true);
    expect((await run.boundingBox())!.height).toBeGreaterThanOrEqual(44);
    await run.click();
    await waitForHeatmap(page);
  });
});

describe('on a phone', () => {
  const phone = { width: 390, height: 844 };

  it('what could not be read again is said in one line, and the rest below it', async () => {
    const { page } = await site.openPage(phone);
    await page.goto(`${site.url}/runs/slow/layers/1`);
    await page.getByRole('banner').getByRole('link', { name: 'run slow' }).waitFor();
    await page.route('**/api/v1/runs/slow', (route) => route.abort());
    const headline = page.getByText('The run could not be read again.');
    await headline.waitFor();
    expect((await headline.boundingBox())!.height).toBeLessThan(30);
    const text = page.getByText('Showing what was received').last();
    expect((await text.boundingBox())!.x).toBeLessThan(60);
  });

  it('a command is not broken at a dash', async () => {
    const { page } = await site.openPage(phone);
    await page.goto(`${site.url}/sign-in`);
    const command = page.getByText('npm run token --');
    expect((await command.boundingBox())!.height).toBeLessThan(24);
  });
});
