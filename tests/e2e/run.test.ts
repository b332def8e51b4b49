import type { Page } from 'playwright-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { importRecordedRun, RECORDED_RUNS } from './harness/recorded-run';
import { gotoRun } from './harness/run-page';
import { openSite } from './harness/site';
import { startJob } from './harness/training-job';

const site = openSite();
const B = 'B_spontaneous_spike';

beforeAll(async () => {
  for (const run of RECORDED_RUNS) await importRecordedRun(site.url, run);
});

const sectionOf = (page: Page, name: string) => page.getByRole('region', { name });
async function openRun(query = '', run = B, options = {}) {
  const watched = await site.openPage(options);
  await gotoRun(watched.page, `${site.url}/runs/${run}${query}`);
  return watched;
}

describe('a run without layer metrics', () => {
  it('keeps its timelines and notes, and says what brings the layers', async () => {
    const job = await startJob({ url: site.url, runId: 'scalars', layers: ['wte', 'lm_head'] });
    await job.post(
      Array.from({ length: 90 }, (_, step) => ({ step, loss: 4 / (step + 1), gradientNorm: 1 })),
    );
    const { page, takeFaults } = await site.openPage();
    // An address that was copied from a run with layers.
    await page.goto(`${site.url}/runs/scalars?layout=paper`);
    const section = sectionOf(page, 'No layer metrics');
    await section.getByText(/^None of the 2 layers has reported a metric/).waitFor();
    await section.getByText('run.watch(model, optimizer)').waitFor();
    await page.getByText('Move over the timelines').waitFor();
    const tools = page.getByRole('region', { name: 'View' });
    expect(await tools.getByRole('combobox').count()).toBe(0);
    expect(await tools.getByRole('textbox').count()).toBe(0);
    expect(await page.getByRole('button', { name: 'Write a note' }).count()).toBe(1);
    await page.keyboard.press('ArrowLeft');
    await page.getByText('step 89').or(page.getByText('88')).first().waitFor();
    expect(takeFaults()).toEqual([]);

    await page.setViewportSize({ width: 390, height: 844 });
    const tabs = page.getByRole('navigation', { name: 'Parts of the run' });
    await tabs.getByRole('button', { name: 'Events' }).waitFor();
    expect(await tabs.getByRole('button', { name: 'Layers' }).count()).toBe(0);
  });
});

describe('what is said beside the heatmap', () => {
  it('is what can be done about the recorded spikes, with the numbers that decide', async () => {
    const { page, takeFaults } = await openRun();
    const remedies = sectionOf(page, 'What can be done');
    await expect.poll(() => remedies.textContent()).toContain('2 loss spikes so far');
    await expect.poll(() => remedies.textContent()).toContain('β2 is 0.95 already');
    await expect
      .poll(() => sectionOf(page, 'Precursors now').textContent())
      .toMatch(/RMS is below 0.3 in \d+ of \d+ layers/);
    await expect
      .poll(() => sectionOf(page, 'Expected next').textContent())
      .toContain('the curvature stands');
    expect(takeFaults()).toEqual([]);
  });
});
