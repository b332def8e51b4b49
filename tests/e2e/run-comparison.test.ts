import { beforeAll, describe, expect, it } from 'vitest';
import { queryOf } from './harness/browser';
import { importRecordedRun, RECORDED_RUNS } from './harness/recorded-run';
import { postRestartedRun } from './harness/restarted-run';
import {
  gotoRun,
  heatmapOf,
  readOutOf,
  readPixels,
  readSettledPixels,
  surfaceOf,
} from './harness/run-page';
import { countPainted, marksOf, sampleColours } from './harness/run-view';
import { openSite } from './harness/site';

const site = openSite();
const B = 'B_spontaneous_spike';

beforeAll(async () => {
  for (const run of RECORDED_RUNS) await importRecordedRun(site.url, run);
  await postRestartedRun(site.url, 'restarted');
});

async function openRun(run: string, query = '', options = {}) {
  const watched = await site.openPage(options);
  await gotoRun(watched.page, `${site.url}/runs/${run}${query}`);
  return watched;
}
const COMPARE = 'Compare the heatmap with';

describe('the difference to another attempt', () => {
  it('is neutral where the steps are the same, warm where they grew, and read out as a factor', async () => {
    const { page, takeFaults } = await openRun('restarted');
    const own = await readSettledPixels(heatmapOf(page));
    await page.getByLabel(COMPARE).selectOption('Against attempt 1');
    await expect.poll(() => queryOf(page).get('against')).toBe('attempt:1');
    const scale = page.getByRole('figure', { name: 'gradient norm against attempt 1' });
    await scale.waitFor();
    await expect.poll(() => scale.textContent()).toMatch(/smaller.*larger/);
    await expect.poll(() => readPixels(heatmapOf(page))).not.toBe(own);
    // Ten parts of 20 steps: the first six are attempt 1 itself, then two of ten times its size.
    const look = async () => {
      const colours = (await sampleColours(heatmapOf(page), 10, 12)).slice(0, 10);
      const [red, , blue] = [0, 8, 16].map((shift) => (colours[6]! >>> shift) & 255);
      const isWarm = red! > blue! + 40 && colours[0] !== colours[6];
      return { isWarm, neutrals: new Set(colours.slice(0, 6)).size };
    };
    await expect.poll(look).toEqual({ isWarm: true, neutrals: 1 });
    await gotoRun(page, `${site.url}/runs/restarted?against=attempt:1&step=140&layer=1`);
    await expect.poll(() => readOutOf(page).textContent()).toContain('against attempt 1 ×10');
    expect(takeFaults()).toEqual([]);
  });

  it('takes its colours by drag and by key, and fits them again', async () => {
    const { page } = await openRun('restarted', '?against=attempt:1');
    await page.getByRole('figure', { name: 'gradient norm against attempt 1' }).waitFor();
    const canvas = heatmapOf(page);
    const end = page.getByRole('slider', { name: 'Upper end of the colours' });
    await end.waitFor();
    const fitted = await readSettledPixels(canvas);
    const box = (await end.boundingBox())!;
    const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
    await page.mouse.move(x, y);
    await page.mouse.down();
    await page.mouse.move(x + 60, y);
    await page.getByText('set by hand').waitFor();
    await expect.poll(() => readPixels(canvas)).not.toBe(fitted);
    const inMotion = await readSettledPixels(canvas);
    expect(queryOf(page).has('reach')).toBe(false);
    await page.mouse.up();
    await expect.poll(() => Number(queryOf(page).get('reach'))).toBeGreaterThan(1);
    await expect.poll(() => readPixels(canvas)).toBe(inMotion);
    await expect.poll(() => end.getAttribute('aria-valuetext')).toMatch(/^×/);
    const dragged = queryOf(page).get('reach');
    await end.focus();
    await page.keyboard.press('ArrowLeft');
    await expect.poll(() => Number(queryOf(page).get('reach'))).toBeLessThan(Number(dragged));
    await page.getByRole('button', { name: 'set by hand' }).click();
    await expect.poll(() => readPixels(canvas)).toBe(fitted);
    await expect.poll(() => queryOf(page).has('reach')).toBe(false);
  });

  it('goes away by choice, and says why where it cannot be', async () => {
    const { page } = await openRun('restarted', '?against=attempt:1');
    await page.getByLabel('Metric').selectOption('stage');
    await page.getByText('Stages have no difference: choose another metric.').waitFor();
    await page.getByLabel(COMPARE).selectOption('No comparison');
    await expect.poll(() => queryOf(page).has('against')).toBe(false);
    await page.getByRole('list', { name: 'Stages' }).waitFor();
  });
});

describe('the difference to another run', () => {
  it('pairs layers by name, is held by the URL, and stands in every layout and theme', async () => {
    const { page, takeFaults } = await openRun(B);
    await page.getByLabel(COMPARE).selectOption('Against C_stale_v');
    await page.getByRole('figure', { name: /against C_stale_v$/ }).waitFor();
    const whole = heatmapOf(page);
    await expect.poll(() => whole.getAttribute('aria-label')).toContain('against C_stale_v');
    await expect.poll(() => queryOf(page).get('against')).toBe('run:C_stale_v');
    const second = await openRun(B, new URL(page.url()).search);
    const isSame = async () =>
      (await readPixels(heatmapOf(second.page))) === (await readPixels(whole));
    await expect.poll(isSame).toBe(true);
    const light = await openRun(B, '?against=run:C_stale_v', { colorScheme: 'light' });
    await light.page.getByRole('figure', { name: /against C_stale_v$/ }).waitFor();
    await surfaceOf(page).focus();
    await page.keyboard.press('l');
    await expect.poll(() => queryOf(page).get('layout')).toBe('paper');
    await page.getByRole('figure', { name: /against C_stale_v$/ }).waitFor();
    expect(takeFaults()).toEqual([]);
  });

  it('says so where there is no such run', async () => {
    const { page } = await site.openPage();
    await page.goto(`${site.url}/runs/${B}?against=run:no-such-run`);
    await page.getByText(/There is nothing to compare with/).waitFor();
  });
});

describe('marks on the cells', () => {
  it('show the stages of layers beside their values, at every zoom', async () => {
    const { page } = await openRun('restarted');
    await page.getByLabel('Marks on the cells').first().selectOption('Stages');
    await expect.poll(() => marksOf(page).count()).toBe(1);
    await expect.poll(() => countPainted(marksOf(page))).toBeGreaterThan(50);
    await expect.poll(() => queryOf(page).get('marks')).toBe('stages');
    await page.getByText('Update collapsed').first().waitFor();
    await page.goto(`${site.url}/runs/restarted?marks=stages&steps=171-179`);
    await expect.poll(() => countPainted(marksOf(page))).toBeGreaterThan(200);
    await page.goto(`${site.url}/runs/restarted?marks=stages&steps=70-110`);
    await heatmapOf(page).waitFor();
    await expect
      .poll(async () => ((await marksOf(page).count()) === 0 ? 0 : countPainted(marksOf(page))))
      .toBe(0);
  });

  it('show who moved before the recorded spikes, in both layouts', async () => {
    const { page } = await openRun(B, '?marks=movers&steps=306-345');
    await expect.poll(() => countPainted(marksOf(page))).toBeGreaterThan(500);
    await page.getByText('first mover of a spike').waitFor();
    const paper = await openRun(B, '?marks=movers&steps=306-345&layout=paper');
    await expect.poll(() => countPainted(marksOf(paper.page))).toBeGreaterThan(500);
    await page.getByLabel('Marks on the cells').first().selectOption('No marks');
    await expect.poll(() => marksOf(page).count()).toBe(0);
  });
});
