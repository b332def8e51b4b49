import type { BrowserContext, Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { highFrames, makeLossRule, rowOf, startQuietRun } from './harness/alerts';
import { openSite } from './harness/site';

const site = openSite();

async function openAlerts(page: Page, project: string): Promise<void> {
  await page.goto(`${site.url}/alerts?project=${project}`);
  await page.getByRole('heading', { name: `Nothing is open in ${project}.` }).waitFor();
}

const turnOn = (context: BrowserContext) =>
  context.addInitScript(() => localStorage.setItem('spikescope.notify', 'on'));

describe('a notification of the service worker', () => {
  it('outlives its tab, and goes once somebody has acknowledged its incident', async () => {
    const job = await startQuietRun(site.url, 'outlives');
    await makeLossRule(site.url, 'outlives');
    const { page } = await site.openPage();
    await page.context().grantPermissions(['notifications'], { origin: site.url });
    await turnOn(page.context());
    await openAlerts(page, 'outlives');
    const standing = () =>
      page.evaluate(async () => {
        const registration = await navigator.serviceWorker.ready;
        return (await registration.getNotifications()).map(({ title }) => title);
      });
    expect(await standing()).toEqual([]);
    await job.post(highFrames(40, 1));
    await expect.poll(standing).toEqual(['Page: run outlives']);

    await page.reload();
    const row = rowOf(page, /loss/i);
    await row.getByRole('button', { name: /^Acknowledge/ }).waitFor();
    expect(await standing()).toEqual(['Page: run outlives']);
    await row.getByRole('button', { name: /^Acknowledge/ }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Your name').fill('Ada');
    await dialog.getByRole('button', { name: 'Acknowledge' }).click();
    await expect.poll(standing).toEqual([]);
  });
});

describe('a browser that would not show a notification', () => {
  it('is named beside the switch', async () => {
    const job = await startQuietRun(site.url, 'refused');
    await makeLossRule(site.url, 'refused');
    const { page } = await site.openPage();
    await turnOn(page.context());
    // As Chrome on Android does where no service worker can be had.
    await page.context().addInitScript(() => {
      Reflect.deleteProperty(Navigator.prototype, 'serviceWorker');
      class Refused {
        static readonly permission = 'granted';
        readonly onclick = null;
        constructor() {
          throw new TypeError('Illegal constructor');
        }
      }
      Object.assign(window, { Notification: Refused });
    });
    await openAlerts(page, 'refused');
    await job.post(highFrames(40, 1));
    await page.getByText(/^This browser would not show a notification/).waitFor();
    const toggle = page.getByRole('switch', { name: 'Notify in this browser' });
    await expect.poll(() => toggle.isChecked()).toBe(false);
    await expect.poll(() => toggle.isEnabled()).toBe(true);
  });
});
