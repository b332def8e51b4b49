import { beforeAll, describe, expect, it } from 'vitest';
import { findAccessibilityFaults, queryOf } from './harness/browser';
import { importRecordedRun, RECORDED_RUNS } from './harness/recorded-run';
import {
  gotoRun,
  heatmapOf,
  readOutOf,
  readPixels,
  readSettledPixels,
  waitForHeatmap,
} from './harness/run-page';
import { countBlue, sampleColours, sectionOf } from './harness/run-view';
import { openSite } from './harness/site';
import { startJob } from './harness/training-job';

const site = openSite();
const B = 'B_spontaneous_spike';

beforeAll(async () => {
  for (const run of RECORDED_RUNS) await importRecordedRun(site.url, run);
});

async function openRun(query = '', run = B, options = {}) {
  const watched = await site.openPage(options);
  await gotoRun(watched.page, `${site.url}/runs/${run}${query}`);
  return watched;
}

describe('the heatmap', () => {
  it('orders layers by who moved first and by type, and closes groups into a row', async () => {
    const { page } = await openRun();
    const canvas = heatmapOf(page);
    const inModelOrder = await readSettledPixels(canvas);
    const order = page.getByLabel('Layer order');
    await order.selectOption('first_mover');
    await expect.poll(() => readPixels(canvas)).not.toBe(inModelOrder);
    await order.selectOption('type');
    await page.getByRole('button', { name: 'attention, 16 layers' }).waitFor();
    await order.selectOption('model');
    const group = page.getByRole('button', { name: /^h\.3, \d+ layers$/ });
    await group.click();
    await expect.poll(() => group.getAttribute('aria-expanded')).toBe('false');
    await expect.poll(() => queryOf(page).get('closed')).toBe('h.3');
    await group.click();
    await expect.poll(() => readPixels(canvas)).toBe(inModelOrder);
  });

  it('takes its colour range by drag and by key, and fits it again by a double click', async () => {
    const { page } = await openRun();
    const canvas = heatmapOf(page);
    const fitted = await readSettledPixels(canvas);
    const end = page.getByRole('slider', { name: 'Upper end of the colours' });
    const box = (await end.boundingBox())!;
    const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
    await page.mouse.move(x, y);
    await page.mouse.down();
    await page.mouse.move(x - 80, y);
    await page.mouse.up();
    await expect.poll(() => readPixels(canvas)).not.toBe(fitted);
    await expect.poll(() => queryOf(page).get('range')).toMatch(/^\S+\.\.\S+$/);
    const dragged = queryOf(page).get('range');
    await end.focus();
    await page.keyboard.press('ArrowLeft');
    await expect.poll(() => queryOf(page).get('range')).not.toBe(dragged);
    await end.dblclick();
    await expect.poll(() => readPixels(canvas)).toBe(fitted);
    await expect.poll(() => queryOf(page).has('range')).toBe(false);
  });

  it.each(['steps-right', 'paper'] as const)(
    'shows while a colour is dragged what it shows once it is let go: %s',
    async (layout) => {
      // Values on both sides of ε, and cells large enough for signs.
      const query = `?layout=${layout}&metric=gradient_norm_per_root_n&steps=300-330&filter=h.1`;
      const { page } = await openRun(query);
      const canvas = heatmapOf(page);
      const fitted = await readSettledPixels(canvas);
      const end = page.getByRole('slider', { name: 'Lower end of the colours' });
      const box = (await end.boundingBox())!;
      const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
      await page.mouse.move(x, y);
      await page.mouse.down();
      await page.mouse.move(x + 90, y, { steps: 3 });
      await page.getByText('set by hand').waitFor();
      await expect.poll(() => readPixels(canvas)).not.toBe(fitted);
      const inMotion = await readSettledPixels(canvas);
      const valueInMotion = await end.getAttribute('aria-valuenow');
      expect(queryOf(page).has('range')).toBe(false);
      await page.mouse.up();
      await expect.poll(() => queryOf(page).has('range')).toBe(true);
      await expect.poll(() => readPixels(canvas)).toBe(inMotion);
      await expect.poll(() => end.getAttribute('aria-valuenow')).toBe(valueInMotion);
      // The same again by somebody who was sent the link.
      await page.reload();
      await waitForHeatmap(page);
      await expect.poll(() => readPixels(canvas)).toBe(inMotion);
    },
  );

  it.each(['dark', 'light'] as const)(
    'tells values below ε at a glance in %s: blue among warm ones',
    async (colorScheme) => {
      // Recorded run B has gradients below ε in h.1 before its first spike.
      const query = '?metric=gradient_norm_per_root_n&steps=300-330&filter=h.1';
      const { page } = await openRun(query, B, { colorScheme });
      const colours = await sampleColours(heatmapOf(page), 31, 8);
      const isBlue = (packed: number) => ((packed >>> 16) & 255) > (packed & 255) + 15;
      const isWarm = (packed: number) => (packed & 255) > ((packed >>> 16) & 255) + 5;
      const column = (x: number) => colours.filter((_, i) => i % 31 === x);
      expect(column(5).some(isBlue)).toBe(true);
      expect(column(20).every(isWarm)).toBe(true);
      await page.getByText('below ε is blue').waitFor();
    },
  );
});

describe('a column of several steps', () => {
  const STEPS = 9000;
  const DIP = 4500;

  beforeAll(async () => {
    const { url } = site;
    const job = await startJob({ url, runId: 'one-step-dip', layers: ['a', 'b', 'c'] });
    for (let from = 0; from < STEPS; from += 1000) {
      const frames = Array.from({ length: 1000 }, (_, i) => ({
        step: from + i,
        loss: 2,
        layers: { gradient_norm: [3e-7, from + i === DIP ? 1e-11 : 2e-7, 1e-7] },
      }));
      await job.post(frames);
    }
  });

  it('shows the highest of them, and by one word the lowest: a dip of one step is seen', async () => {
    const { page } = await openRun('', 'one-step-dip');
    const canvas = heatmapOf(page);
    await page.getByText('below ε in every step is blue').waitFor();
    expect(await countBlue(canvas)).toBe(0);
    const choice = page.getByLabel('What a column of several steps shows');
    await choice.selectOption('lowest');
    await page.getByText('below ε in any step is blue').waitFor();
    await expect.poll(() => countBlue(canvas)).toBeGreaterThan(0);
    await expect.poll(() => queryOf(page).get('column')).toBe('lowest');

    // The column that holds the step says whose value it is; so does who was sent the link.
    await gotoRun(page, `${site.url}/runs/one-step-dip?column=lowest&step=${DIP}&layer=1`);
    await expect.poll(() => readOutOf(page).textContent()).toContain('lowest gradient norm 1e−11');
    await expect.poll(() => countBlue(canvas)).toBeGreaterThan(0);

    await page.keyboard.press('v');
    await expect.poll(() => countBlue(canvas)).toBe(0);
    await expect.poll(() => readOutOf(page).textContent()).toContain('highest gradient norm 2e−7');
    await expect.poll(() => queryOf(page).has('column')).toBe(false);
  });
});

describe('what is said beside the heatmap', () => {
  it('tells values that are kept at three digits from those that are as they were posted', async () => {
    const { page } = await site.openPage();
    const old = new Date(Date.now() - 3 * 86_400_000).toISOString();
    // A run of three days ago, whose first 400 steps its project has rounded since.
    await page.route(`**/api/v1/runs/${B}`, async (route) => {
      const reply = await route.fetch();
      await route.fulfill({ response: reply, json: { ...(await reply.json()), createdAt: old } });
    });
    await page.route(`**/api/v1/runs/${B}/size`, async (route) => {
      const reply = await route.fetch();
      const precision = { exactBytes: 1, roundedBytes: 1, roundedBefore: 400 };
      await route.fulfill({ response: reply, json: { ...(await reply.json()), precision } });
    });
    await gotoRun(page, `${site.url}/runs/${B}?step=399&layer=1`);
    const note = readOutOf(page).getByText('rounded to three digits');
    await note.waitFor();
    await expect.poll(() => note.getAttribute('title')).toContain('before step 400');
    const measured = page.waitForResponse(/\/size$/);
    await gotoRun(page, `${site.url}/runs/${B}?step=400&layer=1`);
    await (await measured).finished();
    await expect.poll(() => readOutOf(page).textContent()).toContain('step 400');
    await expect.poll(() => note.count()).toBe(0);
  });

  it('opens at the step that a link names, also without a layer', async () => {
    const { page } = await site.openPage();
    await gotoRun(page, `${site.url}/runs/${B}?step=317`);
    await expect.poll(() => readOutOf(page).textContent()).toContain('step 317');
    await expect.poll(() => readOutOf(page).textContent()).toContain('pinned');
  });

  it('offers a lower β2 to the run whose v is stale', async () => {
    const { page } = await openRun('', 'C_stale_v');
    await expect
      .poll(() => sectionOf(page, 'What can be done').textContent())
      .toMatch(/Lower β2:.*0\.999 to 0\.95 caps RMS at 4\.47 instead of 31\.6/);
  });
});

describe('the choices over the plot', () => {
  it.each([1100, 1200, 1300])(
    'stand in one row at %i pixels, whatever is chosen',
    async (width) => {
      const query = '?against=run:C_stale_v&steps=100-600&filter=h.1&reach=0.5&step=300&layer=9';
      const { page } = await openRun(query, B, { width });
      const toolbar = page.getByRole('region', { name: 'View' });
      await page.getByText('set by hand').waitFor();
      expect((await toolbar.boundingBox())!.height).toBeLessThan(60);
      // At the foot nothing is seen in part.
      const isCut = await readOutOf(page).evaluate((readOut) => {
        const box = readOut.getBoundingClientRect();
        return Array.from(readOut.querySelectorAll(':scope > span:not(:empty)'), (item) => {
          const { left, right, top } = item.getBoundingClientRect();
          return top < box.bottom && (left < box.left || right > box.right);
        });
      });
      expect(isCut.length).toBeGreaterThan(4);
      expect(isCut).not.toContain(true);
    },
  );
});

describe('the run page with all of it', () => {
  it.each([
    ['dark', 1440, 900],
    ['light', 1440, 900],
    ['dark', 390, 844],
    ['light', 390, 844],
  ] as const)('has no fault in %s at %i × %i', async (colorScheme, width, height) => {
    const query = '?against=run:C_stale_v&marks=movers&axis=time';
    const { page } = await openRun(query, B, { colorScheme, width, height });
    expect(await findAccessibilityFaults(page)).toEqual([]);
  });
});
