import { beforeAll, describe, expect, it } from 'vitest';
import { findAccessibilityFaults, queryOf, type PageOptions } from './harness/browser';
import { COLLAPSE, knownFrames } from './harness/collapsing-job';
import { columnsOf, LAYER, legendOf, openLayerOf, wordsOf } from './harness/layer-page';
import { importRecordedRun } from './harness/recorded-run';
import { openSite } from './harness/site';
import { startJob } from './harness/training-job';

const B = 'B_spontaneous_spike';

const site = openSite();
const openLayer = (query?: string, path?: string, options?: PageOptions) =>
  openLayerOf(site, query, path, options);

beforeAll(async () => {
  await importRecordedRun(site.url, B);
  const live = await startJob({ url: site.url, runId: 'live', layers: ['wte'] });
  await live.post(knownFrames(1, 90));
  const bare = await startJob({ url: site.url, runId: 'bare', layers: ['wte', 'lm_head'] });
  await bare.post([{ step: 1, loss: 3, layers: { gradient_norm: [1, 1] } }]);
});

describe('the distributions of a layer', () => {
  it('are drawn on three axes, which the URL holds', async () => {
    const { page, takeFaults } = await openLayer();
    const ticks = () => columnsOf(page).nth(1).locator('svg text').allTextContents();
    await expect.poll(ticks).toEqual(expect.arrayContaining(['−1', '−0.45', '0', '0.45', '1']));
    await page.getByRole('radio', { name: 'Log', exact: true }).check({ force: true });
    await expect.poll(ticks).toEqual(expect.arrayContaining(['10⁻²', '0.1', '1']));
    await expect.poll(async () => (await ticks()).some((text) => text.startsWith('−'))).toBe(false);
    await expect.poll(() => queryOf(page).get('axis')).toBe('log-abs');
    await page.getByRole('radio', { name: 'Signed log' }).check({ force: true });
    await expect.poll(ticks).toEqual(expect.arrayContaining(['−1', '0', '1']));
    await page.getByRole('radio', { name: 'Linear' }).check({ force: true });
    await expect.poll(() => queryOf(page).get('axis')).toBeNull();
    await page.getByRole('slider', { name: 'Chosen step 1 of 3' }).focus();
    for (const axis of ['log-abs', 'log', null]) {
      await page.keyboard.press('a');
      await expect.poll(() => queryOf(page).get('axis')).toBe(axis);
    }
    expect(takeFaults()).toEqual([]);
  });

  it('are densities, counts or shares up to here', async () => {
    const { page } = await openLayer();
    const column = columnsOf(page).nth(1);
    await expect.poll(() => column.textContent()).toContain('share per unit');
    await page.getByRole('radio', { name: 'Counts' }).check({ force: true });
    await expect.poll(() => column.textContent()).toContain('coordinates a bin');
    await page.getByRole('radio', { name: 'Cumulative' }).check({ force: true });
    await expect.poll(() => column.textContent()).toContain('top 100\u202f%');
    await expect.poll(() => queryOf(page).get('mode')).toBe('cumulative');
  });

  it('come with dip and p, valley depth and RMS', async () => {
    const { page } = await openLayer();
    const burst = () => columnsOf(page).nth(1).textContent();
    await expect.poll(burst).toContain('dip 0.211');
    await expect.poll(burst).toContain('p < 0.001');
    const numbers = () => wordsOf(page).textContent();
    await expect.poll(numbers).toMatch(/valley depth0\.99/);
    await expect.poll(numbers).toMatch(/RMS4\.43≥ 2\.3 is a spike/);
  });

  it('have markers that say what they mean, and Esc takes only the meaning away', async () => {
    const { page } = await openLayer();
    const marker = legendOf(page, '±0.45 single burst');
    const meaning = page.getByRole('tooltip').filter({ hasText: 'outweighs the whole history' });
    await marker.focus();
    // The focus of a script is no focus by keyboard.
    await page.keyboard.press('Shift+Tab');
    await page.keyboard.press('Tab');
    await expect.poll(() => meaning.isVisible()).toBe(true);
    await page.keyboard.press('Escape');
    await expect.poll(() => meaning.isVisible()).toBe(false);
    await expect.poll(() => page.url()).toContain('/layers/');
    await marker.hover();
    await expect.poll(() => meaning.isVisible()).toBe(true);
  });

  it('take a correlated reference of a chosen ρ, or say why there is none', async () => {
    const { page } = await openLayer();
    const reference = page.getByRole('combobox', { name: 'Correlated reference' });
    await reference.selectOption('1');
    await legendOf(page, 'correlated, ρ 1: ±0.71, lag-1 cosine 0.50').waitFor();
    await expect.poll(() => queryOf(page).get('rho')).toBe('1');
    await reference.selectOption('cosine');
    await page.getByText('A lag-1 cosine of −0.16 is none that a steady drift makes').waitFor();
    await reference.selectOption('off');
    await legendOf(page, 'correlated').waitFor();
    await expect.poll(() => queryOf(page).get('rho')).toBeNull();
  });
});

describe('the metrics of a layer', () => {
  it('share one crosshair with the loss', async () => {
    const { page } = await openLayer();
    const norm = page.getByRole('figure').filter({ hasText: 'Gradient norm' });
    const dip = page.getByRole('figure').filter({ hasText: 'Dip of r' });
    await expect.poll(() => dip.textContent()).toContain('0.211');
    const plot = norm.getByRole('img');
    await plot.scrollIntoViewIfNeeded();
    const box = (await plot.boundingBox())!;
    await page.mouse.move(box.x + (box.width * (318 - 297)) / (345 - 297), box.y + 10);
    await expect.poll(() => norm.textContent()).toContain('at 318 11.9');
    await expect.poll(() => dip.textContent()).toContain('at 318 0.140');
    await page.mouse.move(0, 0);
    await expect.poll(() => norm.textContent()).not.toContain('at 318');
  });
});

describe('the stage of a layer', () => {
  it('is told with the rule that let it in and the numbers that the rule saw', async () => {
    const { page, takeFaults } = await openLayer('?step=90', 'live/layers/0');
    const words = wordsOf(page);
    await expect
      .poll(() => words.textContent())
      .toContain(`Update collapsed since ${COLLAPSE + 2}: ε holds the update down.`);
    const rows = await words.getByRole('row').allTextContents();
    expect(rows).toEqual(
      expect.arrayContaining([
        '√v < ε83\u202f%≥ 50\u202f%',
        'width of u to healthy6\u202f%< 20\u202f%',
      ]),
    );
    await expect.poll(() => words.textContent()).toContain('Gradients align');
    const strip = page.getByRole('img', { name: /^Stages: / });
    await expect
      .poll(() => strip.getAttribute('aria-label'))
      .toMatch(/Healthy, steps .*; Update collapsed, steps 82–/);
    expect(takeFaults()).toEqual([]);
  });

  it('is told as unknown with what is missing', async () => {
    const { page } = await openLayer();
    await expect
      .poll(() => wordsOf(page).textContent())
      .toContain('these are not known: share √v < ε.');
  });
});

describe('every chart of a layer', () => {
  it('is there as a table, too', async () => {
    const { page, takeFaults } = await openLayer();
    for (const [chart, cells] of [
      ['Loss', ['loss', '317']],
      ['Distributions at 317', ['update', '317', 'exact_zero']],
      ['u over steps', ['297', 'underflow']],
      ['Metrics of the layer', ['gradient_norm', '297']],
    ] as const) {
      await page.getByRole('button', { name: `${chart}: picture, numbers, table` }).click();
      await page.getByRole('menuitem', { name: /table/i }).click();
      const dialog = page.getByRole('dialog');
      const texts = () => dialog.getByRole('table').allTextContents();
      for (const cell of cells)
        await expect.poll(async () => (await texts()).join()).toContain(cell);
      await dialog.getByRole('button', { name: 'Close' }).click();
      await dialog.waitFor({ state: 'hidden' });
    }
    expect(takeFaults()).toEqual([]);
  });
});

describe('what cannot be shown', () => {
  it('is a layer without distributions: code to copy, its metrics and its stage', async () => {
    const { page, takeFaults } = await site.openPage();
    await page.goto(`${site.url}/runs/bare/layers/0`);
    await page.getByText('This run posts no distributions.').waitFor();
    await page.getByRole('figure').filter({ hasText: 'Gradient norm' }).waitFor();
    await expect
      .poll(() => wordsOf(page).textContent())
      .toContain('these are not known: share √v < ε');
    expect(takeFaults()).toEqual([]);
  });

  it('is a layer of a run that there is not', async () => {
    const { page } = await site.openPage();
    await page.goto(`${site.url}/runs/nobody/layers/0`);
    await page.getByText('no run has the id nobody').waitFor();
    await page.getByRole('link', { name: 'All runs', exact: true }).click();
    await page.waitForURL(`${site.url}/`);
  });

  it('is a layer that the run does not have', async () => {
    const { page } = await site.openPage();
    await page.goto(`${site.url}/runs/bare/layers/7`);
    await page.getByText('Its layers are 0 to 1.').waitFor();
  });

  it('is read again when asked', async () => {
    const { page } = await site.openPage();
    await page.route('**/distributions?**', (route) => route.abort());
    await page.goto(`${site.url}/runs/${B}/layers/${LAYER}?step=317`);
    await page.getByText('The distributions could not be read.').waitFor();
    await page.unroute('**/distributions?**');
    await page.getByRole('button', { name: /again/i }).click();
    await columnsOf(page).first().waitFor();
  });
});

describe.each(['dark', 'light'] as const)('in the %s theme', (colorScheme) => {
  it.each([
    [1440, 900],
    [390, 844],
  ])('has no fault for assistive technology at %d × %d, and fits', async (width, height) => {
    const { page, takeFaults } = await openLayer(
      '?step=317&over=heatmap&rho=1&withLayer=5',
      undefined,
      { colorScheme, width, height },
    );
    await page.getByText(/^Over it:/).waitFor();
    await page.getByRole('figure').filter({ hasText: 'Gradient norm' }).waitFor();
    expect(await findAccessibilityFaults(page)).toEqual([]);
    const widest = await page.evaluate(() => document.documentElement.scrollWidth);
    expect(widest).toBeLessThanOrEqual(width);
    expect(takeFaults()).toEqual([]);
  });
});
