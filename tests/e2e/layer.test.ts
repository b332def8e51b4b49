import type { Browser, Locator, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { spikesReplySchema } from '@/lib/contract/reads';
import { stepsOfSpike } from '@/lib/view/layer/spike-steps';
import { refineSpike } from '@/lib/view/spikes/refined-spike';
import {
  findAccessibilityFaults,
  openBrowser,
  openPage,
  type PageOptions,
  type WatchedPage,
} from './harness/browser';
import { makeDataDir, startProduct, type Product } from './harness/product';
import { importRecordedRun, RECORDED_RUNS } from './harness/recorded-run';
import { readPixels } from './harness/run-page';
import { startJob, type Frame, type TrainingJob } from './harness/training-job';

const { dataDir, remove } = makeDataDir();
let product: Product;
let browser: Browser;
let live: TrainingJob;
const B = 'B_spontaneous_spike';
const C = 'C_stale_v';
/** h.0.attn.c_attn, whose u and r split at 317. */
const LAYER = 4;
/** When the job’s only layer loses its update, after the machine’s start-up. */
const COLLAPSE = 80;

/** One layer of which everything is known that stages are made of. */
function knownFrame(step: number): Frame {
  const isCollapsed = step >= COLLAPSE;
  const edges = Array.from({ length: 33 }, (_, index) => (index - 16) / 8);
  const width = isCollapsed ? 1.2 : 2.2;
  const counts = [
    Array.from({ length: 32 }, (_, bin) =>
      Math.round(1000 * Math.exp(-(((bin - 15.5) / width) ** 2))),
    ),
  ];
  const histogram = { edges, counts, outside: [[0, 0, 0, 0]] };
  return {
    step,
    loss: 3 + 0.01 * Math.sin(step),
    layers: {
      gradient_norm: [0.02],
      second_moment_below_epsilon_fraction: [isCollapsed ? 0.83 : 0.01],
      update_std: [isCollapsed ? 0.0138 : 0.229],
      ratio_std: [0.229],
      update_dip: [0.001],
      ratio_dip: [0.001],
      gradient_cosine: [0.01],
    },
    histograms: { update: histogram, ratio: histogram },
  };
}

const knownFrames = (fromStep: number, toStep: number): Frame[] =>
  Array.from({ length: toStep - fromStep + 1 }, (_, index) => knownFrame(fromStep + index));

beforeAll(async () => {
  [product, browser] = await Promise.all([startProduct({ dataDir }), openBrowser()]);
  for (const run of RECORDED_RUNS) await importRecordedRun(product.url, run);
  live = await startJob({ url: product.url, runId: 'live', layers: ['wte'] });
  await live.post(knownFrames(1, 90));
  const bare = await startJob({ url: product.url, runId: 'bare', layers: ['wte', 'lm_head'] });
  await bare.post([{ step: 1, loss: 3, layers: { gradient_norm: [1, 1] } }]);
});
afterEach(async () => {
  for (const context of browser.contexts()) await context.close();
});
afterAll(async () => {
  await browser.close();
  await product.stop();
  remove();
});

const columnsOf = (page: Page): Locator => page.getByRole('region', { name: /^Step \d/ });
const wordsOf = (page: Page): Locator =>
  page.getByRole('complementary', { name: 'In numbers and words' });
const legendOf = (page: Page, name: RegExp | string): Locator => page.getByRole('button', { name });
const queryOf = (page: Page): URLSearchParams => new URL(page.url()).searchParams;

/** The steps of the columns, from left to right. */
async function chosenSteps(page: Page): Promise<number[]> {
  const names = await columnsOf(page).evaluateAll((regions) =>
    regions.map((region) => region.getAttribute('aria-label') ?? ''),
  );
  return names.map((name) => Number(/^Step (\d+)/.exec(name)?.[1]));
}

async function openLayer(
  query = '?step=317',
  path = `${B}/layers/${LAYER}`,
  options: PageOptions = {},
): Promise<WatchedPage> {
  const watched = await openPage(browser, options);
  await watched.page.goto(`${product.url}/runs/${path}${query}`);
  await columnsOf(watched.page).first().waitFor();
  return watched;
}

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
    await expect.poll(() => column.textContent()).toContain('top 100\u2009%');
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

describe('the chosen steps', () => {
  it('are before, at and after a spike by one click', async () => {
    const { page, takeFaults } = await openLayer();
    const reply = await fetch(`${product.url}/api/v1/runs/${B}/spikes?kind=loss_spike`);
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
      readPixels(page.getByRole('img', { name: /^r over steps as colours/ }));
    for (const { page } of [first, second])
      await expect.poll(() => columnsOf(page).nth(1).textContent()).toContain('over it h.0.attn');
    const shown = await picture(first.page);
    await expect.poll(() => picture(second.page)).toBe(shown);
    await expect.poll(() => chosenSteps(second.page)).toEqual(await chosenSteps(first.page));
  });
});

describe('what is laid over', () => {
  it('is another layer of the run, found by its name', async () => {
    const { page, takeFaults } = await openLayer();
    await page.getByRole('button', { name: 'Compare with…' }).click();
    const dialog = page.getByRole('dialog', { name: 'Compare with' });
    await dialog.getByRole('textbox', { name: 'Search layers and runs' }).fill('h.0.attn.c_pr');
    await dialog.getByRole('button', { name: 'h.0.attn.c_proj', exact: true }).click();
    await dialog.waitFor({ state: 'hidden' });
    const bar = page.getByRole('group', { name: 'Laid over' });
    await expect.poll(() => bar.textContent()).toContain('Over it: h.0.attn.c_proj');
    await expect
      .poll(() => columnsOf(page).nth(1).textContent())
      .toContain('over it h.0.attn.c_proj');
    await expect.poll(() => queryOf(page).get('withLayer')).toBe('5');
    await bar.getByRole('button', { name: 'Take away' }).click();
    await bar.waitFor({ state: 'hidden' });
    await expect.poll(() => queryOf(page).get('withLayer')).toBeNull();
    expect(takeFaults()).toEqual([]);
  });

  it('is the layer of the same name in another run, or one chosen there', async () => {
    const { page, takeFaults } = await openLayer();
    await page.getByRole('button', { name: 'Compare with…' }).click();
    await page.getByRole('button', { name: new RegExp(`^${C}`) }).click();
    const bar = page.getByRole('group', { name: 'Laid over' });
    await expect.poll(() => bar.textContent()).toContain(`Over it: ${C}, h.0.attn.c_attn`);
    await expect.poll(() => queryOf(page).get('withRun')).toBe(C);
    await bar.getByRole('combobox', { name: 'Layer laid over' }).selectOption('0');
    await expect.poll(() => columnsOf(page).first().textContent()).toContain(`over it ${C}, wte`);
    expect(takeFaults()).toEqual([]);
  });

  it('says why it cannot be', async () => {
    const { page } = await openLayer('?step=317&withRun=bare');
    await page.getByText('It has no layer named transformer.h.0.attn.c_attn.weight').waitFor();
    const { page: second } = await openLayer('?step=317&withRun=nobody');
    await second.getByText(/^Run nobody could not be read/).waitFor();
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
        '√v < ε83\u2009%≥ 50\u2009%',
        'width of u to healthy6\u2009%< 20\u2009%',
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
    const { page, takeFaults } = await openPage(browser);
    await page.goto(`${product.url}/runs/bare/layers/0`);
    await page.getByText('This run posts no distributions.').waitFor();
    await page.getByRole('figure').filter({ hasText: 'Gradient norm' }).waitFor();
    await expect
      .poll(() => wordsOf(page).textContent())
      .toContain('these are not known: share √v < ε');
    expect(takeFaults()).toEqual([]);
  });

  it('is a layer of a run that there is not', async () => {
    const { page } = await openPage(browser);
    await page.goto(`${product.url}/runs/nobody/layers/0`);
    await page.getByText('no run has the id nobody').waitFor();
    await page.getByRole('link', { name: 'All runs', exact: true }).click();
    await page.waitForURL(`${product.url}/`);
  });

  it('is a layer that the run does not have', async () => {
    const { page } = await openPage(browser);
    await page.goto(`${product.url}/runs/bare/layers/7`);
    await page.getByText('Its layers are 0 to 1.').waitFor();
  });

  it('is read again when asked', async () => {
    const { page } = await openPage(browser);
    await page.route('**/distributions?**', (route) => route.abort());
    await page.goto(`${product.url}/runs/${B}/layers/${LAYER}?step=317`);
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
