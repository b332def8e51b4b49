import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import type { Page } from 'playwright-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { timelineReplySchema } from '@/lib/contract/reads';
import { findAccessibilityFaults } from './harness/browser';
import { gotoRun } from './harness/run-page';
import { openSite } from './harness/site';
import { startJob, type Frame } from './harness/training-job';

const LAYERS = ['wte', 'h.0.attn', 'h.0.mlp', 'lm_head'];
/** A step without a loss, and one whose loss is not finite. */
const [MISSING, NOT_FINITE] = [20, 30];

const site = openSite();

function frame(step: number): Frame {
  const loss = step === NOT_FINITE ? 'NaN' : 4 - step / 100;
  return {
    step,
    ...(step === MISSING ? {} : { loss: loss as number }),
    layers: {
      gradient_norm: LAYERS.map((_, layer) =>
        step === NOT_FINITE && layer === 2 ? 'Infinity' : 0.01 * (layer + 1) * (1 + step / 50),
      ),
    },
  };
}

beforeAll(async () => {
  const job = await startJob({ url: site.url, runId: 'charted', layers: LAYERS });
  await job.post(Array.from({ length: 60 }, (_, index) => frame(index + 1)));
  // A tenth of its gradients, and no lm_head.
  const reference = await startJob({
    ...{ url: site.url, runId: 'reference', layers: LAYERS.slice(0, 3) },
  });
  const smaller = (value: number | string) => (typeof value === 'number' ? value / 10 : value);
  await reference.post(
    Array.from({ length: 60 }, (_, index) => ({
      step: index + 1,
      loss: 3,
      layers: {
        gradient_norm: frame(index + 1)
          .layers!['gradient_norm']!.slice(0, 3)
          .map(smaller),
      },
    })),
  );
});

async function openRun(theme: 'dark' | 'light' = 'dark', query = '') {
  const watched = await site.openPage({ colorScheme: theme });
  await gotoRun(watched.page, `${site.url}/runs/charted${query}`);
  return watched;
}

async function choose(page: Page, chart: string, item: string): Promise<void> {
  await page.getByRole('button', { name: `${chart}: picture, numbers, table` }).click();
  await page.getByRole('menuitem', { name: item }).click();
}

async function save(
  page: Page,
  chart: string,
  item: string,
): Promise<{ name: string; file: Buffer }> {
  const [download] = await Promise.all([page.waitForEvent('download'), choose(page, chart, item)]);
  return { name: download.suggestedFilename(), file: readFileSync(await download.path()) };
}

/** A PNG as a browser sees it: its size, the colour of its corner and how many colours it has. */
function look(page: Page, file: Buffer) {
  return page.evaluate(async (base64) => {
    const image = new Image();
    image.src = `data:image/png;base64,${base64}`;
    await image.decode();
    const canvas = new OffscreenCanvas(image.width, image.height);
    const context = canvas.getContext('2d')!;
    context.drawImage(image, 0, 0);
    const { data } = context.getImageData(0, 0, image.width, image.height);
    const colours = new Set(new Uint32Array(data.buffer));
    return {
      width: image.width,
      height: image.height,
      corner: [...data.slice(0, 3)],
      colourCount: colours.size,
    };
  }, file.toString('base64'));
}

const CHARTS = ['Loss', 'Log perplexity', 'Gradient norm per layer'];

describe('the menu of a chart', () => {
  it.each([
    ['dark', [15, 17, 19]],
    ['light', [252, 251, 248]],
  ] as const)('saves a picture in the %s theme, twice the pixels', async (theme, background) => {
    const { page, takeFaults } = await openRun(theme);
    const plot = await page.locator('[data-plot]').boundingBox();
    for (const chart of CHARTS) {
      const { name, file } = await save(page, chart, 'Save as picture (PNG)');
      expect(name).toBe(`charted-${chart.replaceAll(' ', '-')}-1-60.png`);
      const picture = await look(page, file);
      expect(picture.width).toBe(Math.ceil(2 * (plot!.width + 32)));
      expect(picture.corner).toEqual([...background]);
      expect(picture.colourCount).toBeGreaterThan(8);
    }
    expect(takeFaults()).toEqual([]);
  });

  it('saves exact numbers, and tells missing from not finite', async () => {
    const { page } = await openRun();
    const loss = await save(page, 'Loss', 'Save numbers (CSV)');
    const rows = loss.file.toString().trimEnd().split('\r\n');
    expect(rows[0]).toBe('attempt,from_step,to_step,min,mean,max,non_finite_count');
    expect(rows).toHaveLength(61);
    expect(rows[7]).toBe('effective,7,7,3.93,3.93,3.93,0');
    expect(rows[MISSING]).toBe(`effective,${MISSING},${MISSING},,,,0`);
    expect(rows[NOT_FINITE]).toBe(`effective,${NOT_FINITE},${NOT_FINITE},NaN,NaN,NaN,1`);

    const heatmap = await save(page, 'Gradient norm per layer', 'Save numbers (CSV)');
    const cells = heatmap.file.toString().trimEnd().split('\r\n');
    expect(cells[0]).toBe(`from_step,to_step,${LAYERS.join(',')}`);
    expect(cells[50]).toBe('50,50,0.02,0.04,0.06,0.08');
    expect(cells[NOT_FINITE]).toBe(`${NOT_FINITE},${NOT_FINITE},0.016,0.032,NaN,0.064`);
  });

  it('saves both values of a comparison beside what they differ by', async () => {
    const { page } = await openRun('dark', '?against=run:reference');
    await page.getByRole('slider', { name: 'Upper end of the colours' }).waitFor();
    const { file } = await save(page, 'Gradient norm against run reference', 'Save numbers (CSV)');
    const rows = file.toString().trimEnd().split('\r\n');
    expect(rows[0]).toBe(
      [
        'from_step,to_step',
        ...LAYERS.map((name) => `${name},${name} (run reference),${name} (log10 of the ratio)`),
      ].join(','),
    );
    expect(rows[50]).toBe('50,50,0.02,0.002,1,0.04,0.004,1,0.06,0.006,1,0.08,,');
    expect(rows[NOT_FINITE]!.split(',').slice(8, 11)).toEqual(['NaN', 'NaN', 'NaN']);
  });

  it('says why a comparison has no numbers, and does not give other ones', async () => {
    const { page } = await site.openPage();
    await page.goto(`${site.url}/runs/charted?against=attempt:7`);
    const chart = 'Gradient norm against attempt 7';
    await choose(page, chart, 'Save numbers (CSV)');
    const dialog = page.getByRole('dialog', { name: `${chart} could not be taken along.` });
    await dialog.waitFor();
    await expect.poll(() => dialog.textContent()).toContain('attempt 7');
  });

  it('is on the whole run above the layout of the paper, whatever steps are below', async () => {
    const { page } = await openRun('dark', '?layout=paper&steps=20-40');
    const picture = await save(page, 'Loss of all steps', 'Save as picture (PNG)');
    expect(picture.name).toBe('charted-Loss-of-all-steps-1-60.png');
    expect((await look(page, picture.file)).colourCount).toBeGreaterThan(8);
    const numbers = await save(page, 'Loss of all steps', 'Save numbers (CSV)');
    const rows = numbers.file.toString().trimEnd().split('\r\n');
    expect(rows).toHaveLength(61);
    expect(rows[7]).toBe('effective,7,7,3.93,3.93,3.93,0');
  });

  it('copies the read behind the chart as a line that a shell runs', async () => {
    const { page } = await openRun();
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
    await choose(page, 'Loss', 'Copy as API call');
    const command = await expect
      .poll(() => page.evaluate(() => navigator.clipboard.readText()))
      .toContain('/api/v1/runs/charted/timeline')
      .then(() => page.evaluate(() => navigator.clipboard.readText()));
    const answer: unknown = JSON.parse(
      execFileSync('sh', ['-c', command], { encoding: 'utf8', timeout: 120_000 }),
    );
    const { series } = timelineReplySchema.parse(answer);
    expect(series[0]!.points).toHaveLength(60);
  });

  it('shows a table in the place of the picture, without a fault for readers', async () => {
    const { page, takeFaults } = await openRun();
    await choose(page, 'Gradient norm per layer', 'Show as table');
    const dialog = page.getByRole('dialog', { name: /^Gradient norm per layer of run charted/ });
    await dialog.getByRole('table').waitFor();
    const row = dialog.getByRole('row').filter({
      has: page.getByRole('rowheader', { name: String(NOT_FINITE), exact: true }),
    });
    await expect
      .poll(() => row.textContent())
      .toBe(`${NOT_FINITE}${NOT_FINITE}0.01600.0320NaN0.0640`);
    expect(await findAccessibilityFaults(page)).toEqual([]);
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'detached' });
    expect(takeFaults()).toEqual([]);
  });

  it('is worked by keyboard alone', async () => {
    const { page } = await openRun();
    const button = page.getByRole('button', { name: 'Loss: picture, numbers, table' });
    await button.focus();
    await page.keyboard.press('Enter');
    const focused = () => page.evaluate(() => document.activeElement?.textContent);
    await expect.poll(focused).toBe('Save as picture (PNG)');
    await page.keyboard.press('ArrowUp');
    await expect.poll(() => focused()).toBe('Show as table');
    await page.keyboard.press('Escape');
    await expect.poll(() => button.getAttribute('aria-expanded')).toBe('false');
    await expect
      .poll(() => button.evaluate((element) => element === document.activeElement))
      .toBe(true);
  });

  it('is offered in the palette too', async () => {
    const { page } = await openRun();
    await page.keyboard.press('Control+k');
    await page.getByRole('dialog', { name: 'Search' }).waitFor();
    await page.keyboard.type('loss: show as table');
    await page.keyboard.press('Enter');
    await page.getByRole('dialog', { name: /^Loss of run charted/ }).waitFor();
  });
});
