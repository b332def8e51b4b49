import type { Page } from 'playwright-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { spikesReplySchema } from '@/lib/contract/reads';
import { stepsOfSpike } from '@/lib/view/layer/spike-steps';
import { refineSpike } from '@/lib/view/spikes/refined-spike';
import { queryOf, type PageOptions } from './harness/browser';
import { knownFrames } from './harness/collapsing-job';
import { chosenSteps, columnsOf, LAYER, openLayerOf } from './harness/layer-page';
import { waitForQuiet } from './harness/quiet';
import { importRecordedRun } from './harness/recorded-run';
import { readSettledPixels } from './harness/run-page';
import { openSite } from './harness/site';
import { startJob, type TrainingJob } from './harness/training-job';

const B = 'B_spontaneous_spike';

const site = openSite();
let live: TrainingJob;
const openLayer = (query?: string, path?: string, options?: PageOptions) =>
  openLayerOf(site, query, path, options);

beforeAll(async () => {
  await importRecordedRun(site.url, B);
  live = await startJob({ url: site.url, runId: 'live', layers: ['wte'] });
  await live.post(knownFrames(1, 90));
});

describe('the chosen steps', () => {
  it('are before, at and after a spike by one click', async () => {
    const { page, takeFaults } = await openLayer();
    const reply = await fetch(`${site.url}/api/v1/runs/${B}/spikes?kind=loss_spike`);
    const { items } = spikesReplySchema.parse(await reply.json());
    // By their best dates, as the page has them.
    const spikes = items.map(refineSpike);
    const first = spikes.find(({ onsetStep }) => onsetStep < 400)!;
    const later = spikes.find(({ onsetStep }) => onsetStep > 400)!;
    await page
      .getByRole('button', { name: new RegExp(`^Loss spike at ${first.onsetStep}`) })
      .click();
    await expect.poll(() => chosenSteps(page)).toEqual(stepsOfSpike(first, LAYER).steps);
    // One outside of the window is in the menu of all.
    await page
      .getByRole('combobox', { name: 'Before, at and after a spike' })
      .selectOption(later.id);
    await expect.poll(() => chosenSteps(page)).toEqual(stepsOfSpike(later, LAYER).steps);
    await expect
      .poll(() => queryOf(page).get('steps'))
      .toBe(stepsOfSpike(later, LAYER).steps.join(','));
    expect(takeFaults()).toEqual([]);
  });

  it('are moved on the timeline by keys and by the pointer', async () => {
    const { page } = await openLayer();
    await expect.poll(() => chosenSteps(page)).toEqual([316, 317, 318]);
    await page.getByRole('slider', { name: 'Chosen step 3 of 3' }).focus();
    await page.keyboard.press('ArrowRight');
    await expect.poll(() => chosenSteps(page)).toEqual([316, 317, 319]);
    await page.keyboard.press('PageUp');
    await expect.poll(() => chosenSteps(page)).toEqual([316, 317, 329]);
    const handle = await page
      .getByRole('slider', { name: 'Chosen step 3 of 3' })
      .evaluate((element) => {
        const plot = element.parentElement!.getBoundingClientRect();
        return { left: plot.left, width: plot.width, y: plot.top + plot.height / 2 };
      });
    const at = (step: number) => handle.left + (handle.width * (step - 297)) / (345 - 297);
    await page.mouse.move(at(329), handle.y);
    await page.mouse.down();
    await page.mouse.move(at(340), handle.y);
    await page.mouse.up();
    await expect.poll(() => chosenSteps(page)).toEqual([316, 317, 340]);
  });

  it('stay where they were put while the run goes on', async () => {
    const { page, takeFaults } = await openLayer('?step=70', 'live/layers/0');
    const slider = page.getByRole('slider', { name: 'Step', exact: true });
    await slider.focus();
    await page.keyboard.press('ArrowRight');
    await expect.poll(() => slider.getAttribute('aria-valuetext')).toBe('step 71');
    await waitForQuiet(page);
    const ridges = await page.getByRole('img', { name: 'u over steps' }).innerHTML();
    await live.post(knownFrames(91, 100));
    await page.getByText('Newer distributions up to 100.').waitFor();
    await expect.poll(() => slider.getAttribute('aria-valuetext')).toBe('step 71');
    await expect
      .poll(() => page.getByRole('img', { name: 'u over steps' }).innerHTML())
      .toBe(ridges);
    await page.getByRole('button', { name: 'Go there' }).click();
    await expect.poll(() => slider.getAttribute('aria-valuetext')).toBe('step 100');
    expect(takeFaults()).toEqual([]);
  });
});

describe('the distributions over steps', () => {
  it('are a ridgeline or colours, walked through by a slider', async () => {
    const { page, takeFaults } = await openLayer();
    await page.getByRole('radio', { name: 'Heatmap' }).check({ force: true });
    const colours = page.getByRole('img', { name: /^u over steps as colours/ });
    await colours.waitFor();
    await expect.poll(() => queryOf(page).get('over')).toBe('heatmap');
    const distinct = () =>
      colours.evaluate((element) => {
        const canvas = element as HTMLCanvasElement;
        const { data } = canvas.getContext('2d')!.getImageData(0, 0, canvas.width, canvas.height);
        return new Set(new Uint32Array(data.buffer)).size;
      });
    await expect.poll(distinct).toBeGreaterThan(20);
    const slider = page.getByRole('slider', { name: 'Step', exact: true });
    await slider.focus();
    await page.keyboard.press('ArrowRight');
    await expect.poll(() => queryOf(page).get('step')).toBe('318');
    await page.keyboard.press('Home');
    await expect.poll(() => queryOf(page).get('step')).toBe('297');
    const box = (await colours.boundingBox())!;
    await colours.click({ position: { x: box.width / 2, y: box.height - 2 } });
    await expect.poll(() => queryOf(page).get('step')).toBe('345');
    await expect.poll(() => colours.getAttribute('aria-label')).toContain('step 345 selected');
    expect(takeFaults()).toEqual([]);
  });

  it('are the same picture for whoever is sent the address', async () => {
    const query = '?step=317&over=heatmap&axis=log&mode=counts&rho=0.5&withLayer=5';
    const first = await openLayer(query);
    const second = await openLayer(query);
    const picture = (page: Page) =>
      readSettledPixels(page.getByRole('img', { name: /^r over steps as colours/ }));
    for (const { page } of [first, second])
      await expect.poll(() => columnsOf(page).nth(1).textContent()).toContain('over it h.0.attn');
    expect(await picture(second.page)).toBe(await picture(first.page));
    expect(await chosenSteps(second.page)).toEqual(await chosenSteps(first.page));
  });
});
