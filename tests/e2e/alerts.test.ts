import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { highFrames, makeLossRule, projectApi, rowOf, startQuietRun } from './harness/alerts';
import { findAccessibilityFaults } from './harness/browser';
import { startReceiver, type Receiver } from './harness/receiver';
import { importRecordedRun } from './harness/recorded-run';
import { openSite } from './harness/site';

const B = 'B_spontaneous_spike';

const site = openSite({ environment: () => ({ SPIKESCOPE_ALERT_ALLOWED_HOSTS: '127.0.0.1' }) });
let receiver: Receiver;
const openAlerts = (page: Page, query: string) => page.goto(`${site.url}/alerts?${query}`);

beforeAll(async () => {
  receiver = await startReceiver();
});
afterAll(() => receiver.close());

describe('a new rule', () => {
  beforeAll(() => importRecordedRun(site.url, B));

  it('is tried on what is stored before it is saved', async () => {
    const { page, takeFaults } = await site.openPage();
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
    const { page } = await site.openPage();
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

describe('a rule that is there', () => {
  it('is muted, edited, switched off and deleted', async () => {
    const job = await startQuietRun(site.url, 'kept');
    await makeLossRule(site.url, 'kept');
    const { page, takeFaults } = await site.openPage();
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
    const job = await startQuietRun(site.url, 'sent');
    const { page, takeFaults } = await site.openPage();
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

    const channels = (await (
      await fetch(projectApi(site.url, 'sent', 'alert-channels'))
    ).json()) as {
      items: { id: string }[];
    };
    await makeLossRule(site.url, 'sent', { channelIds: channels.items.map(({ id }) => id) });
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
