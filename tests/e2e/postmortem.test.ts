import { beforeAll, describe, expect, it } from 'vitest';
import { findAccessibilityFaults, type PageOptions } from './harness/browser';
import { importRecordedRun, type RecordedRun } from './harness/recorded-run';
import { gotoRun } from './harness/run-page';
import { openSite } from './harness/site';
import { openSpike, pathOfSpike } from './harness/spike-page';
import { startJob } from './harness/training-job';

const site = openSite();

beforeAll(async () => {
  for (const run of ['B_spontaneous_spike', 'C_stale_v'] as const) {
    await importRecordedRun(site.url, run);
  }
});

const pathOf = (run: RecordedRun, near: number) => pathOfSpike(site.url, run, near);
const open = (path: string, options: PageOptions = {}) =>
  openSpike(site.browser, site.url + path, options);

describe('the postmortem of a spike', () => {
  it('tells run B: who moved first, the shapes before and at the burst, what would have helped', async () => {
    const { page, takeFaults } = await open(await pathOf('B_spontaneous_spike', 318));
    await expect
      .poll(() => page.getByRole('heading', { level: 1 }).innerText())
      .toMatch(/^\d+ of 69 layers moved one step before the loss$/);
    const movers = page.getByRole('table', { name: /how many steps before the loss/ });
    await movers.getByRole('link', { name: 'wte', exact: true }).waitFor();
    await expect
      .poll(() => movers.getByRole('row').nth(1).innerText())
      .toMatch(/^1\s+wte\s+Gradient RMS\s+317/);
    await page
      .getByRole('region', { name: /^Step / })
      .getByRole('img')
      .first()
      .waitFor();
    await expect.poll(() => page.getByRole('region', { name: 'Step 316' }).count()).toBe(1);
    await expect.poll(() => page.getByRole('region', { name: 'Step 318' }).count()).toBe(1);
    await page.getByText('Clip updates by RMS.', { exact: true }).waitFor();
    await page.getByText(/It is association/).waitFor();
    expect(takeFaults()).toEqual([]);
  });

  it('opens a sentence to the stored numbers behind it, which lead to the layer', async () => {
    const { page } = await open(await pathOf('B_spontaneous_spike', 318));
    await page
      .locator('summary')
      .filter({ hasText: /one step before the loss rose, \d+ of 69 layers/ })
      .click();
    const link = page.getByRole('link', { name: '317' }).first();
    await link.waitFor();
    await expect.poll(() => link.getAttribute('href')).toMatch(/\/layers\/\d+\?step=317$/);
  });

  it('draws every layer on the steps of the timeline, by stage too', async () => {
    const { page } = await open(await pathOf('B_spontaneous_spike', 318));
    const colours = () =>
      page.getByRole('img', { name: / of 69 layers over steps / }).evaluate((element) => {
        const { width, height } = element as HTMLCanvasElement;
        const data = (element as HTMLCanvasElement)
          .getContext('2d')!
          .getImageData(0, 0, width, height);
        return new Set(new Uint32Array(data.data.buffer)).size;
      });
    await expect.poll(colours).toBeGreaterThan(20);
    await page.getByRole('radiogroup', { name: 'Heatmap' }).getByText('RMS').click();
    await page.getByRole('img', { name: /^RMS of 69 layers/ }).waitFor();
    await expect.poll(colours).toBeGreaterThan(20);
  });

  it('says of run C that nothing came before, and what a bad batch is', async () => {
    const spike = await open(await pathOf('C_stale_v', 320));
    await expect
      .poll(() => spike.page.getByRole('heading', { level: 1 }).innerText())
      .toBe('No precursor: nothing moved before the loss rose at 320');
    await spike.page.getByText(/found by chance before 11\s%/).waitFor();
    const batch = await open(await pathOf('C_stale_v', 150));
    await expect
      .poll(() => batch.page.getByRole('heading', { level: 1 }).innerText())
      .toBe('One bad batch at 150, no instability');
    await batch.page.getByText(/leave out the batch of step 150 \(data_index 150\)/).waitFor();
  });

  it('is reached from the run, and says where it is not', async () => {
    const { page } = await site.openPage();
    await gotoRun(page, `${site.url}/runs/B_spontaneous_spike`);
    await page
      .getByRole('link', { name: /^Postmortem of .* at 318|at 31\d/ })
      .first()
      .waitFor();
    await page.goto(`${site.url}/runs/B_spontaneous_spike/spikes/none`);
    await page.getByText('There is no such spike.').waitFor();
  });

  it('has nothing against it in either theme, nor on a phone', async () => {
    const path = await pathOf('B_spontaneous_spike', 552);
    for (const options of [
      { colorScheme: 'dark' as const },
      { colorScheme: 'light' as const },
      { colorScheme: 'light' as const, width: 390, height: 844 },
    ]) {
      const { page } = await open(path, options);
      await page
        .getByRole('region', { name: /^Step / })
        .getByRole('img')
        .first()
        .waitFor();
      expect(await findAccessibilityFaults(page)).toEqual([]);
      const overflow = await page.evaluate(
        () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
      );
      expect(overflow).toBe(0);
    }
  });

  it('has its movers and the fields of its notes within a phone, edge to edge', async () => {
    const path = await pathOf('B_spontaneous_spike', 552);
    const { page } = await open(path, { width: 390, height: 844 });
    const movers = page.getByRole('region', { name: 'First movers' });
    await movers.getByRole('link').first().waitFor();
    const sideways = await movers
      .locator('*')
      .evaluateAll(
        (parts) =>
          parts.filter(
            (part) =>
              part.scrollWidth > part.clientWidth + 1 &&
              getComputedStyle(part).overflowX !== 'visible' &&
              getComputedStyle(part).clipPath === 'none',
          ).length,
      );
    expect(sideways).toBe(0);
    const text = (await page.getByLabel('Note', { exact: true }).boundingBox())!;
    const name = (await page.getByLabel('Your name').boundingBox())!;
    const keep = (await page.getByRole('button', { name: 'Keep the note' }).boundingBox())!;
    expect(name.x).toBeCloseTo(text.x, 0);
    expect(keep.x + keep.width).toBeCloseTo(text.x + text.width, 0);
    expect(keep.width).toBeCloseTo(name.width, 0);
  });

  it('keeps numbers to the right, and names of 120 letters within the page', async () => {
    const layers = Array.from({ length: 8 }, (_, index) =>
      `model.decoder.blocks.${index}.${'attention_'.repeat(11)}`.slice(0, 119).concat(`${index}`),
    );
    const job = await startJob({ url: site.url, runId: 'wordy', layers });
    await job.post(
      Array.from({ length: 139 }, (_, index) => {
        const step = index + 1;
        const isEarly = step >= 77 && step < 84;
        return {
          step,
          loss: 2.5 + 0.05 * Math.sin(step / 7) + Math.max(0, step < 80 ? 0 : 9 - (step - 80)),
          layers: {
            gradient_norm: layers.map((_, at) =>
              isEarly && at < 4 ? 30 : 1 + 0.01 * Math.sin(step + at),
            ),
            rms: layers.map((_, at) => (isEarly && at < 4 ? 7 : 1 + 0.02 * Math.sin(step * at))),
          },
        };
      }),
    );
    const path = '/runs/wordy/spikes/1-loss_spike-80';
    await expect.poll(() => pathOfSpike(site.url, 'wordy', 80)).toBe(path);
    for (const options of [{}, { width: 390, height: 844 }]) {
      const { page } = await open(path, options);
      const movers = page.getByRole('table', { name: /how many steps before the loss/ });
      const name = movers.getByRole('link').first();
      await name.waitFor();
      const sides = await movers
        .getByRole('row')
        .nth(1)
        .getByRole('cell')
        .evaluateAll((cells) => cells.map((cell) => getComputedStyle(cell).textAlign));
      expect(sides.map((side) => side === 'right')).toEqual([
        true,
        false,
        false,
        true,
        true,
        true,
        false,
      ]);
      const isCut = await name
        .locator('span')
        .evaluate((shown) => shown.scrollWidth > shown.clientWidth);
      expect(isCut).toBe(true);
      const overflow = await page.evaluate(
        () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
      );
      expect(overflow).toBe(0);
    }
  });
});
