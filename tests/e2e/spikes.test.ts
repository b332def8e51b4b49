import { readFileSync } from 'node:fs';
import type { Page } from 'playwright-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { recurringBatchesReplySchema } from '@/lib/contract/recurring-batches';
import { spikeSearchReplySchema } from '@/lib/contract/spike-search';
import { stageSearchReplySchema } from '@/lib/contract/stage-search';
import { waitForQuiet } from './harness/quiet';
import { importRecordedRun } from './harness/recorded-run';
import { openSite } from './harness/site';
import { SPIKE_STEP, importSkippedRun } from './harness/skipped-run';

const B = 'B_spontaneous_spike';
const C = 'C_stale_v';
const SKIPPED = 'C_skipped';

const site = openSite();

beforeAll(async () => {
  for (const run of [B, C] as const) await importRecordedRun(site.url, run);
  await importSkippedRun(site.url, SKIPPED, 'again');
});

async function search(query: string) {
  const reply = await fetch(`${site.url}/api/v1/spikes?${query}`);
  return spikeSearchReplySchema.parse(await reply.json());
}

const rowsOf = (page: Page, table: string | RegExp) =>
  page.getByRole('table', { name: table }).locator('tbody tr');
const found = (page: Page) => rowsOf(page, 'Spikes of all runs that match');

describe('spikes of all runs', () => {
  it('are asked for by what moved and how early, and the URL holds the question', async () => {
    const { page, takeFaults } = await site.openPage();
    await page.goto(`${site.url}/spikes`);
    const all = await search('');
    await expect.poll(() => found(page).count()).toBe(all.items.length);
    await page.getByLabel(/^Layer that moved before/).fill('/wte/');
    await page.getByLabel(/^Steps by which/).fill('1');
    const early = await search('layer=%2Fwte%2F&minLead=1');
    expect(early.items.length).toBeGreaterThan(0);
    expect(early.items.length).toBeLessThan(all.items.length);
    await expect.poll(() => found(page).count()).toBe(early.items.length);
    await expect.poll(() => new URL(page.url()).search).toBe('?layer=%2Fwte%2F&minLead=1');
    await page.reload();
    await expect.poll(() => found(page).count()).toBe(early.items.length);
    await found(page).first().getByRole('link').first().click();
    await page.getByRole('heading', { name: 'What happened' }).waitFor();
    expect(takeFaults()).toEqual([]);
  });

  it('are grouped with the steps that they are over', async () => {
    const { page } = await site.openPage();
    await page.goto(`${site.url}/spikes`);
    await waitForQuiet(page);
    await page.getByRole('combobox', { name: 'Groups' }).selectOption({ label: 'By β₂' });
    const groups = rowsOf(page, 'Spikes by β₂');
    await groups.first().waitFor();
    const reply = await search('groupBy=beta2');
    await expect.poll(() => groups.count()).toBe(2);
    for (const [at, group] of reply.groups!.entries()) {
      const cells = await groups.nth(at).locator('th, td').allInnerTexts();
      expect(cells[0]).toBe(group.key);
      expect(Number(cells[2])).toBe(group.spikeCount);
      expect(Number(cells[3]!.replaceAll(/\D/g, ''))).toBe(group.steps);
    }
    await expect.poll(() => new URL(page.url()).searchParams.get('groupBy')).toBe('beta2');
  });

  it('say what is wrong with a question beside its field, and what to try where none matches', async () => {
    const { page } = await site.openPage();
    await page.goto(`${site.url}/spikes`);
    await waitForQuiet(page);
    const layer = page.getByLabel(/^Layer that moved before/);
    await layer.fill('/(/');
    await page
      .getByRole('alert')
      .filter({ hasText: /^Layer: no regular expression/ })
      .waitFor();
    await expect.poll(() => layer.getAttribute('aria-invalid')).toBe('true');
    await layer.fill('nowhere');
    await page.getByText('No spike matches.').waitFor();
    await page.getByRole('button', { name: 'Which layers move first?' }).click();
    await rowsOf(page, 'Spikes by First mover').first().waitFor();
    await expect.poll(() => layer.inputValue()).toBe('');
  });

  it('are taken along as a file and as the call behind it', async () => {
    const { page } = await site.openPage();
    await page.goto(`${site.url}/spikes?kind=outlier_batch`);
    await found(page).first().waitFor();
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: 'CSV' }).click(),
    ]);
    const lines = readFileSync(await download.path(), 'utf8')
      .trim()
      .split('\r\n');
    const { total } = await search('kind=outlier_batch');
    expect(lines.length).toBe(1 + total.spikeCount);
    expect(lines[0]).toMatch(/^run,project,attempt,spike,kind,at,onset_step/);
    await page.getByRole('button', { name: 'As an API call' }).click();
    const code = page.getByRole('dialog').getByRole('code');
    await expect.poll(() => code.innerText()).toContain('/api/v1/spikes?kind=outlier_batch');
  });
});

describe('stages and batches of all runs', () => {
  it('are tables of which layers reached a stage, and where', async () => {
    const { page, takeFaults } = await site.openPage();
    await page.goto(`${site.url}/spikes?view=stages`);
    // A choice is lost where the page has the menu from the server alone yet.
    await waitForQuiet(page);
    await page.getByRole('combobox', { name: 'Stage' }).selectOption('trigger');
    const reply = await fetch(`${site.url}/api/v1/stages?stage=trigger`);
    const { items, total } = stageSearchReplySchema.parse(await reply.json());
    await page.getByText(`Showing ${items.length} of ${total}`).waitFor();
    const rows = rowsOf(page, /^Stages that layers reached/);
    await expect.poll(() => rows.count()).toBe(items.length);
    if (items.length === 0) await page.getByText('No layer reached such a stage.').last().waitFor();
    // No row may be there before the choice too; the address says when it is made.
    const chosen = (): string | null => new URL(page.url()).searchParams.get('stages.stage');
    await expect.poll(chosen).toBe('trigger');
    expect(takeFaults()).toEqual([]);
  });

  it('tell the batch that hurt two runs of one data order, and that chance hardly does', async () => {
    const { page } = await site.openPage();
    await page.goto(`${site.url}/spikes?view=recurring`);
    await page.getByText('No two runs say that they read the same data').waitFor();
    await page.getByLabel('Settings that say the data order').fill('schedule');
    await page.getByLabel('Steps apart at most').fill('0');
    const bad = rowsOf(page, 'Steps at which several runs have an event').filter({
      hasText: '150',
    });
    await expect.poll(() => bad.first().innerText()).toContain('the same batch each time');
    await expect.poll(() => bad.first().innerText()).toMatch(/2 of 2\s+2 outlier batches\s+150\s/);
    const reply = await fetch(`${site.url}/api/v1/recurring-batches?by=schedule&within=0`);
    const { items } = recurringBatchesReplySchema.parse(await reply.json());
    expect(items[0]!.items.find(({ fromStep }) => fromStep === 150)).toMatchObject({
      ...{ runCount: 2, isSameBatch: true },
    });
  });
});

describe('two courses on one axis', () => {
  const figure = (page: Page) => page.getByRole('img', { name: /^Loss and gradient norm of/ });

  it('are two spikes chosen from the list, aligned at their onsets', async () => {
    const { page, takeFaults } = await site.openPage();
    await page.goto(`${site.url}/spikes?q=${B}`);
    await found(page).first().waitFor();
    for (const at of [0, 1]) await found(page).nth(at).getByRole('checkbox').check();
    await page.getByRole('link', { name: 'Compare at onset' }).click();
    await figure(page).waitFor();
    await expect.poll(() => figure(page).locator('path').count()).toBeGreaterThanOrEqual(6);
    const compared = () =>
      ['left', 'right'].map((name) => new URL(page.url()).searchParams.get(name));
    await expect.poll(compared).toEqual([`${B}~1~318`, `${B}~1~552`]);
    const movers = rowsOf(page, 'Layers that moved first, and their leads');
    await expect.poll(() => movers.first().innerText()).toMatch(/\s1\s+1$/);
    expect(takeFaults()).toEqual([]);
  });

  it('are two attempts, one of which skipped the batches, reached from the postmortem', async () => {
    const { items } = await search(`q=${SKIPPED}&kind=loss_spike`);
    const spike = items.find(({ onsetStep }) => onsetStep === SPIKE_STEP)!;
    expect(items.map(({ attempt }) => attempt)).toEqual([1]);
    const { page, takeFaults } = await site.openPage();
    await page.goto(site.url + spike.postmortem);
    await page
      .getByText(/Attempt 2, restarted from 140 .*passed these steps without a spike/)
      .waitFor();
    await page.getByText(/Attempt 2 skipped some \(Batch 150; Batches 220 to 239\)/).waitFor();
    await page.getByText(/^Blue: attempt 2, which skipped Batch 150, Batches 220/).waitFor();
    await page.getByRole('link', { name: 'Compare with attempt 2' }).click();
    await figure(page).waitFor();
    await expect
      .poll(() => page.getByRole('heading', { level: 1 }).innerText())
      .toBe('Loss up to 4.71 in attempt 1, 2.77 in attempt 2 (×1.70).');
    await page.getByText(/No spike begins at 220 of attempt 2/).waitFor();
    await page.getByRole('combobox', { name: 'Steps shown' }).selectOption('16');
    const step = page.getByLabel('Step of the right course that is 0');
    await step.fill('221');
    await step.press('Enter');
    await expect.poll(() => new URL(page.url()).searchParams.get('right')).toBe(`${SKIPPED}~2~221`);
    expect(takeFaults()).toEqual([]);
  });

  it('offer what a spike can be compared with', async () => {
    const { page } = await site.openPage();
    await page.goto(`${site.url}/compare?left=${SKIPPED}~1~${SPIKE_STEP}`);
    await page.getByRole('link', { name: 'attempt 2, from 140' }).waitFor();
    await page.getByRole('link', { name: 'Outlier batch at 150' }).waitFor();
    await page.getByLabel('Other runs by name, tag, note or /regex/').fill(B);
    await page.getByRole('link', { name: `${B} at 552` }).click();
    await figure(page).waitFor();
    await page.goto(`${site.url}/compare`);
    await page.getByText('Nothing to compare yet.').waitFor();
  });
});
