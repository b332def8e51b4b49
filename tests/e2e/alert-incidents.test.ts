import { readFile } from 'node:fs/promises';
import type { BrowserContext, Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { ALERT_LAYERS, highFrames, makeLossRule, rowOf, startQuietRun } from './harness/alerts';
import { findAccessibilityFaults } from './harness/browser';
import { openSite } from './harness/site';
import { quietFrames } from './harness/training-job';

const site = openSite();
const openAlerts = (page: Page, query: string) => page.goto(`${site.url}/alerts?${query}`);

describe('an incident', () => {
  it('appears while the page is open, and is acknowledged by a name', async () => {
    const job = await startQuietRun(site.url, 'live');
    await makeLossRule(site.url, 'live');
    const { page, takeFaults } = await site.openPage({ width: 390, height: 844 });
    await openAlerts(page, 'project=live');
    await page.getByRole('heading', { name: 'Nothing is open in live.' }).waitFor();
    await job.post(highFrames(40, 1));

    await page
      .getByRole('heading', { name: /^One incident needs somebody\. run live: / })
      .waitFor();
    const row = rowOf(page, /loss/i);
    await expect.poll(() => row.textContent()).toMatch(/Page/);
    await expect
      .poll(() => page.getByRole('link', { name: /^Alerts 1 ?open incident$/ }).count())
      .toBe(1);
    expect(await findAccessibilityFaults(page)).toEqual([]);

    await row.getByRole('button', { name: /^Acknowledge/ }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Your name').fill('Ada');
    await dialog.getByRole('button', { name: 'Acknowledge' }).click();
    await row.getByText('acknowledged by Ada').waitFor();
    await page.getByRole('heading', { name: 'Nothing waits for anybody in live.' }).waitFor();
    await page.getByRole('link', { name: 'Alerts', exact: true }).waitFor();

    // Five steps at rest end it, and the list says so by itself.
    await job.post(quietFrames(41, 6, ALERT_LAYERS.length));
    await row.getByText(/^recovered after .*, acknowledged by Ada$/).waitFor();
    await page.getByRole('heading', { name: 'Nothing is open in live.' }).waitFor();
    expect(takeFaults()).toEqual([]);
  });

  it('is listed under parts that keep away from the menu below them on a phone', async () => {
    const { page } = await site.openPage({ width: 390, height: 844 });
    await openAlerts(page, '');
    const parts = page.getByRole('navigation', { name: 'Parts of the alerts' });
    const menu = page.getByRole('combobox', { name: 'Project' });
    await menu.waitFor();
    const line = (await parts.boundingBox())!;
    expect((await menu.boundingBox())!.y).toBeGreaterThanOrEqual(line.y + line.height + 8);
    const overflow = await page.evaluate(
      () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
    );
    expect(overflow).toBe(0);
  });

  it('is there on a page that was still connecting when it opened', async () => {
    const job = await startQuietRun(site.url, 'early');
    await makeLossRule(site.url, 'early');
    const { page } = await site.openPage();
    let letGo: () => void = () => undefined;
    const isLetGo = new Promise<void>((resolve) => (letGo = resolve));
    await page.routeWebSocket(/socket\.io/, async (socket) => {
      await isLetGo;
      socket.connectToServer();
    });
    await openAlerts(page, 'project=early');
    await page.getByRole('heading', { name: 'Nothing is open in early.' }).waitFor();
    await job.post(highFrames(40, 1));
    const opened = async (): Promise<unknown> =>
      (
        (await (await fetch(`${site.url}/api/v1/incidents?runId=early`)).json()) as {
          total: number;
        }
      ).total;
    await expect.poll(opened).toBe(1);
    letGo();
    await page
      .getByRole('heading', { name: /^One incident needs somebody\. run early: / })
      .waitFor();
  });

  it('stands on the page of its run, with the way to it', async () => {
    const job = await startQuietRun(site.url, 'shown');
    await makeLossRule(site.url, 'shown');
    const { page, takeFaults } = await site.openPage();
    await page.goto(`${site.url}/runs/shown`);
    await page.getByRole('application').or(page.getByText('Gradient norm')).first().waitFor();
    await job.post(highFrames(40, 1));
    await page.getByRole('link', { name: 'Open in alerts' }).click();
    await page.waitForURL(/\/alerts\?run=shown/);
    const row = rowOf(page, /loss/i);
    await row.getByRole('link', { name: 'run shown' }).click();
    await page.waitForURL(/\/runs\/shown\?.*step=40/);
    const lane = page.getByRole('list', { name: 'Events' });
    await lane.getByRole('button', { name: /^Loss too high: / }).waitFor();
    expect(takeFaults()).toEqual([]);
  });

  it('is a row of a file, and the read behind the list can be copied', async () => {
    const { page } = await site.openPage();
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
    await openAlerts(page, 'project=live');
    await rowOf(page, /loss/i).first().waitFor();
    const download = page.waitForEvent('download');
    await page.getByRole('button', { name: 'CSV' }).click();
    const text = await readFile(await (await download).path(), 'utf8');
    expect(text).toMatch(/^incident,project,run,/);
    expect(text).toContain(',live,live,1,Loss too high,page,');
    await page.getByRole('button', { name: 'Copy as API call' }).click();
    await page.getByText('Copied').waitFor();
    const call = await page.evaluate(() => navigator.clipboard.readText());
    expect(call).toContain('/api/v1/incidents?project=live&state=all');
  });
});

/** The browser's own notifications cannot be seen from here: what is handed to them can. */
async function stubNotifications(context: BrowserContext): Promise<void> {
  await context.addInitScript(() => {
    const KEY = 'test.permission';
    class Shown {
      onclick: (() => void) | null = null;
      static get permission(): string {
        return localStorage.getItem(KEY) ?? 'default';
      }
      static requestPermission(): Promise<string> {
        localStorage.setItem(KEY, 'granted');
        return Promise.resolve('granted');
      }
      constructor(
        readonly title: string,
        readonly options: { readonly body: string },
      ) {
        (window as unknown as { shown: Shown[] }).shown.push(this);
      }
      close(): void {}
    }
    Object.assign(window, { shown: [], Notification: Shown });
    // As where a browser has no service worker: the tab shows its notifications itself.
    Reflect.deleteProperty(Navigator.prototype, 'serviceWorker');
  });
}

const readShown = (page: Page) =>
  page.evaluate(() =>
    (window as unknown as { shown: { title: string; options: { body: string } }[] }).shown.map(
      ({ title, options }) => `${title}: ${options.body}`,
    ),
  );

describe('notifications', () => {
  it('are shown once over all tabs, after a click that asked, and lead to the step', async () => {
    const job = await startQuietRun(site.url, 'told');
    await makeLossRule(site.url, 'told');
    const { page, takeFaults } = await site.openPage();
    await stubNotifications(page.context());
    await openAlerts(page, 'project=told');
    const toggle = page.getByRole('switch', { name: 'Notify in this browser' });
    await toggle.waitFor();
    expect(await page.evaluate(() => Notification.permission)).toBe('default');
    await expect.poll(() => toggle.isChecked()).toBe(false);
    await toggle.check({ force: true });
    await expect.poll(() => toggle.isChecked()).toBe(true);

    const other = await page.context().newPage();
    await other.goto(`${site.url}/`);
    await other.getByRole('link', { name: /^Alerts/ }).waitFor();
    await expect
      .poll(() => other.evaluate(() => performance.getEntriesByType('resource').length))
      .toBeGreaterThan(0);
    await page.bringToFront();
    await job.post(highFrames(40, 1));
    const shown = async () => [...(await readShown(page)), ...(await readShown(other))];
    await expect.poll(shown).toHaveLength(1);
    expect((await shown())[0]).toMatch(/^Page: run told: .*loss.*\nLoss too high · told$/s);
    // Both tabs have heard of it by now.
    await other.getByRole('link', { name: /open incident/ }).waitFor();
    await page.getByRole('heading', { name: /needs? somebody/ }).waitFor();
    await expect.poll(() => shown()).toHaveLength(1);

    const shower = (await readShown(page)).length === 1 ? page : other;
    await shower.evaluate(() =>
      (window as unknown as { shown: { onclick(): void }[] }).shown[0]!.onclick(),
    );
    await shower.waitForURL(/\/runs\/told\?step=40/);
    expect(takeFaults()).toEqual([]);
  });

  it('say what to do where the browser refuses them', async () => {
    const { page } = await site.openPage();
    await stubNotifications(page.context());
    await page.context().addInitScript(() => localStorage.setItem('test.permission', 'denied'));
    await openAlerts(page, '');
    await page.getByText(/blocked for this address: allow them/).waitFor();
    const toggle = page.getByRole('switch', { name: 'Notify in this browser' });
    await expect.poll(() => toggle.isDisabled()).toBe(true);
    expect(await findAccessibilityFaults(page)).toEqual([]);
  });
});
