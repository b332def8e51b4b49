import { readFile } from 'node:fs/promises';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { findAccessibilityFaults, openBrowser, openPage } from './harness/browser';
import { makeDataDir, startProduct, type Product } from './harness/product';
import { startReceiver, type Receiver } from './harness/receiver';
import { importRecordedRun } from './harness/recorded-run';
import {
  postJson,
  quietFrames,
  startJob,
  type Frame,
  type TrainingJob,
} from './harness/training-job';

const B = 'B_spontaneous_spike';
const LAYERS = ['wte', 'h.0.attn', 'h.0.mlp', 'lm_head'];
/** Well above the loss of settled training. */
const LIMIT = 6;

const { dataDir, remove } = makeDataDir();
let product: Product;
let browser: Browser;
let receiver: Receiver;

beforeAll(async () => {
  receiver = await startReceiver();
  [product, browser] = await Promise.all([
    startProduct({ dataDir, environment: { SPIKESCOPE_ALERT_ALLOWED_HOSTS: '127.0.0.1' } }),
    openBrowser(),
  ]);
});
afterEach(async () => {
  for (const context of browser.contexts()) await context.close();
});
afterAll(async () => {
  await browser.close();
  await product.stop();
  await receiver.close();
  remove();
});

const highFrames = (fromStep: number, count: number): Frame[] =>
  quietFrames(fromStep, count, LAYERS.length).map((frame) => ({ ...frame, loss: 2 * LIMIT }));

/** A run at rest, in a project of its own. */
async function startRun(project: string, runId = project): Promise<TrainingJob> {
  const job = await startJob({ url: product.url, runId, project, layers: LAYERS });
  await job.post(quietFrames(0, 40, LAYERS.length));
  return job;
}

const openAlerts = (page: Page, query: string) => page.goto(`${product.url}/alerts?${query}`);
const rowOf = (page: Page, name: string | RegExp) => page.getByRole('row', { name });
const api = (project: string, path: string) =>
  `${product.url}/api/v1/projects/${encodeURIComponent(project)}/${path}`;

/** A rule on the loss, made as a job's owner would by the API. */
const makeRule = (project: string, more: object = {}) =>
  postJson(api(project, 'alert-rules'), {
    name: 'Loss too high',
    condition: { kind: 'threshold', metric: 'loss', limit: LIMIT, closeAfter: 5 },
    severity: 'page',
    ...more,
  });

describe('a new rule', () => {
  beforeAll(() => importRecordedRun(product.url, B));

  it('is tried on what is stored before it is saved', async () => {
    const { page, takeFaults } = await openPage(browser);
    await openAlerts(page, 'part=rules&project=char-lm');
    await page.getByText('Nothing watches char-lm yet.').waitFor();
    await page.getByRole('button', { name: 'New rule' }).click();

    // Both loss spikes of the recorded run are told of, and nothing else.
    const panel = page.getByRole('region', { name: /times|Twice|Once|Never|Trying/ });
    await panel.getByRole('heading', { name: 'Twice, none false' }).waitFor();
    await panel.getByText(/^on 1 run, 640 steps; 2 of 2 spikes/).waitFor();
    const told = panel.getByRole('listitem').filter({ hasText: 'true' });
    await expect.poll(() => told.count()).toBe(2);
    const href = await told.first().getByRole('link', { name: /step/ }).getAttribute('href');
    expect(href).toMatch(new RegExp(`^/runs/${B}\\?step=\\d+$`));

    // One that sees nothing of them says which it missed.
    await page.getByLabel('Condition', { exact: true }).selectOption('threshold');
    await page.getByLabel('Limit', { exact: true }).fill('100');
    await panel.getByRole('heading', { name: 'Never' }).waitFor();
    await expect.poll(() => panel.getByText('nothing was told of this spike').count()).toBe(2);
    expect(await findAccessibilityFaults(page)).toEqual([]);

    await page.getByLabel('Limit', { exact: true }).fill('high');
    await page.getByText('Limit: expected a number.').waitFor();
    await page.getByRole('heading', { name: /^Fill in the condition/ }).waitFor();
    await page.getByRole('button', { name: 'Save the rule' }).click();
    await expect.poll(() => page.url()).toContain('rule=new');

    await page.getByLabel('Limit', { exact: true }).fill('1');
    await page.getByLabel('Open after, steps in a row').fill('2');
    await page.getByRole('radio', { name: 'Page' }).check({ force: true });
    await page.getByRole('button', { name: 'Save the rule' }).click();
    const row = rowOf(page, /Loss above 1 on 2 steps in a row/);
    await row.waitFor();
    await expect.poll(() => row.textContent()).toMatch(/^Page/);
    expect(takeFaults()).toEqual([]);
  });

  it('counts the layers that a pattern fits while it is typed', async () => {
    const { page } = await openPage(browser);
    await openAlerts(page, 'part=rules&project=char-lm&rule=new');
    await page.getByLabel('Condition', { exact: true }).selectOption('rms_spike');
    const field = page.getByLabel('Layers', { exact: true });
    await page.getByText(/^69 of 69 layers of/).waitFor();
    await field.fill('mlp\\.c_fc\\.weight$');
    await page.getByText(/^8 of 69 layers of/).waitFor();
    await field.fill('(');
    await page.getByText(/Invalid regular expression/).waitFor();
  });
});

describe('an incident', () => {
  it('appears while the page is open, and is acknowledged by a name', async () => {
    const job = await startRun('live');
    await makeRule('live');
    const { page, takeFaults } = await openPage(browser, { width: 390, height: 844 });
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
    await job.post(quietFrames(41, 6, LAYERS.length));
    await row.getByText(/^recovered after .*, acknowledged by Ada$/).waitFor();
    await page.getByRole('heading', { name: 'Nothing is open in live.' }).waitFor();
    expect(takeFaults()).toEqual([]);
  });

  it('is listed under parts that keep away from the menu below them on a phone', async () => {
    const { page } = await openPage(browser, { width: 390, height: 844 });
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
    const job = await startRun('early');
    await makeRule('early');
    const { page } = await openPage(browser);
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
        (await (await fetch(`${product.url}/api/v1/incidents?runId=early`)).json()) as {
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
    const job = await startRun('shown');
    await makeRule('shown');
    const { page, takeFaults } = await openPage(browser);
    await page.goto(`${product.url}/runs/shown`);
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
    const { page } = await openPage(browser);
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
    const job = await startRun('told');
    await makeRule('told');
    const { page, takeFaults } = await openPage(browser);
    await stubNotifications(page.context());
    await openAlerts(page, 'project=told');
    const toggle = page.getByRole('switch', { name: 'Notify in this browser' });
    await toggle.waitFor();
    expect(await page.evaluate(() => Notification.permission)).toBe('default');
    await expect.poll(() => toggle.isChecked()).toBe(false);
    await toggle.check({ force: true });
    await expect.poll(() => toggle.isChecked()).toBe(true);

    const other = await page.context().newPage();
    await other.goto(`${product.url}/`);
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
    const { page } = await openPage(browser);
    await stubNotifications(page.context());
    await page.context().addInitScript(() => localStorage.setItem('test.permission', 'denied'));
    await openAlerts(page, '');
    await page.getByText(/blocked for this address: allow them/).waitFor();
    const toggle = page.getByRole('switch', { name: 'Notify in this browser' });
    await expect.poll(() => toggle.isDisabled()).toBe(true);
    expect(await findAccessibilityFaults(page)).toEqual([]);
  });
});

describe('a rule that is there', () => {
  it('is muted, edited, switched off and deleted', async () => {
    const job = await startRun('kept');
    await makeRule('kept');
    const { page, takeFaults } = await openPage(browser);
    await openAlerts(page, 'part=rules&project=kept');
    const row = rowOf(page, /Loss too high|Renamed/);
    await row.getByRole('button', { name: 'Mute Loss too high' }).click();
    const dialog = page.getByRole('dialog', { name: 'Mute Loss too high' });
    expect(await findAccessibilityFaults(page)).toEqual([]);
    await dialog.getByRole('button', { name: 'For 1 hour' }).click();
    await row.getByText(/^muted until /).waitFor();

    // It goes on looking, and tells nobody.
    await job.post(highFrames(40, 1));
    await row.getByRole('link', { name: '1 open' }).click();
    await rowOf(page, /was muted/).waitFor();
    await page.goBack();
    await row.getByRole('button', { name: 'Unmute Loss too high' }).click();
    await row.getByRole('button', { name: 'Mute Loss too high' }).waitFor();

    await row.getByRole('button', { name: 'Edit Loss too high' }).click();
    await page.getByLabel('Name', { exact: true }).fill('Renamed');
    await page.getByLabel('Limit', { exact: true }).fill('50');
    await page.getByText(/begins anew at the newest step/).waitFor();
    await page.getByRole('button', { name: 'Save the changes' }).click();
    await row.getByText(/^loss above 50/).waitFor();

    const toggle = row.getByRole('switch', { name: 'Renamed watches' });
    await toggle.click({ force: true });
    await expect.poll(() => toggle.isChecked()).toBe(false);
    await row.getByRole('button', { name: 'Delete Renamed' }).click();
    await page.getByRole('button', { name: 'Delete the rule' }).click();
    await page.getByText('Nothing watches kept yet.').waitFor();
    // What it found stays.
    await page.getByRole('button', { name: 'Incidents' }).click();
    await rowOf(page, /the rule was changed after/).waitFor();
    expect(takeFaults()).toEqual([]);
  });
});

describe('a channel', () => {
  it('is made, shows its secret once, is tested, and sends again what was given up', async () => {
    const job = await startRun('sent');
    const { page, takeFaults } = await openPage(browser);
    await openAlerts(page, 'part=channels&project=sent');
    await page.getByText('Messages of sent go nowhere yet.').waitFor();
    await page.getByRole('button', { name: 'New channel' }).click();
    const dialog = page.getByRole('dialog', { name: 'New channel' });
    await dialog.getByLabel('Name', { exact: true }).fill('on call');
    await dialog.getByLabel('Address', { exact: true }).fill('http://10.1.2.3/hook');
    await dialog.getByRole('button', { name: 'Make the channel' }).click();
    // The server's refusal stands at its field.
    await dialog.getByRole('alert').waitFor();
    expect(takeFaults().filter((fault) => !fault.includes('422'))).toEqual([]);
    await expect
      .poll(() => dialog.getByLabel('Address', { exact: true }).getAttribute('aria-invalid'))
      .toBe('true');
    await dialog.getByLabel('Address', { exact: true }).fill(receiver.url);
    await dialog.getByRole('button', { name: 'Make the channel' }).click();
    const secret = page.getByRole('dialog', { name: 'The secret of this webhook' });
    await expect.poll(() => secret.locator('code').textContent()).toMatch(/^\S{32,}$/);
    expect(await findAccessibilityFaults(page)).toEqual([]);
    await secret.getByRole('button', { name: 'I have kept it' }).click();

    const row = rowOf(page, /on call/);
    await row.getByRole('button', { name: 'Test on call' }).click();
    await row.getByText(/^✓ Test delivered: /).waitFor();
    expect(receiver.received).toHaveLength(1);

    const channels = (await (await fetch(api('sent', 'alert-channels'))).json()) as {
      items: { id: string }[];
    };
    await makeRule('sent', { channelIds: channels.items.map(({ id }) => id) });
    receiver.answerWith(503);
    await job.post(highFrames(40, 1));
    await expect.poll(() => receiver.received.length).toBeGreaterThan(1);
    await row.getByText(/503/).waitFor();

    // Off, what waits for it is given up; on again, a person sends it.
    const toggle = row.getByRole('switch', { name: 'on call is sent to' });
    await toggle.click({ force: true });
    const again = page.getByRole('button', { name: /^Send again: .*loss/ });
    await again.waitFor();
    expect(await findAccessibilityFaults(page)).toEqual([]);
    await toggle.click({ force: true });
    await expect.poll(() => toggle.isChecked()).toBe(true);
    receiver.answerWith(200);
    const before = receiver.received.length;
    await again.click();
    await page.getByText('No message was given up.').waitFor();
    await expect.poll(() => receiver.received.length).toBeGreaterThan(before);
    expect(JSON.stringify(receiver.received.at(-1))).toContain('loss');
    await page.getByLabel('Which messages').selectOption('delivered');
    await page.getByRole('listitem').filter({ hasText: 'to on call' }).waitFor();
    expect(takeFaults()).toEqual([]);
  });
});
