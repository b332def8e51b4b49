import type { Locator, Page } from 'playwright-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { CANVAS_COLOURS } from '@/app/_design/canvas-colours';
import type { PageOptions } from './harness/browser';
import { postSteps, startLongRun, type LongRun } from './harness/long-run';
import { waitForQuiet } from './harness/quiet';
import {
  gotoRun,
  heatmapOf,
  readOutOf,
  readPixels,
  readSettledPixels,
  surfaceOf,
} from './harness/run-page';
import { openSite } from './harness/site';

/** The end of the dark ramp: a cell beyond the scale has its colour, and no other here. */
const HOTTEST = { red: 0xfe, green: 0xf6, blue: 0xcc };
/** Reads of columns that a view draws; those of the panel beside it ask for fewer. */
const LEAST_DRAWN_COLUMNS = 256;

const site = openSite();
let run: LongRun;

beforeAll(async () => {
  run = await startLongRun({
    url: site.url,
    id: 'long',
    layerCount: 60,
    stepCount: 20_000,
    extreme: { step: 12_345, layer: 17 },
  });
});

interface Opened {
  readonly page: Page;
  /** Reads of drawn columns that were asked for since the last call. */
  readonly takeReads: () => string[];
}

async function openRun(query = '', options: PageOptions = {}): Promise<Opened> {
  const { page } = await site.openPage(options);
  let reads: string[] = [];
  page.on('request', (request) => {
    const url = new URL(request.url());
    if (!url.pathname.endsWith('/heatmap')) return;
    if (Number(url.searchParams.get('columns')) >= LEAST_DRAWN_COLUMNS) reads.push(url.search);
  });
  await gotoRun(page, `${run.url}/runs/${run.id}${query}`);
  await waitForQuiet(page);
  return {
    page,
    takeReads: () => {
      const taken = reads;
      reads = [];
      return taken;
    },
  };
}

/** The steps at either end of the heatmap, as its name says them. */
async function shownSteps(heatmap: Locator): Promise<readonly [number, number]> {
  const label = (await heatmap.getAttribute('aria-label')) ?? '';
  const [, from, to] = /over steps ([\d\s]+) to ([\d\s]+)$/u.exec(label) ?? [];
  return [from, to].map((text) => Number((text ?? '').replace(/\s/gu, ''))) as [number, number];
}

/** The pixels along the steps where some layer has the hottest colour. */
function hotPixels(heatmap: Locator): Promise<number[]> {
  return heatmap.evaluate((element, { red, green, blue }) => {
    const { width, height } = element as HTMLCanvasElement;
    const { data } = (element as HTMLCanvasElement)
      .getContext('2d')!
      .getImageData(0, 0, width, height);
    const found = new Set<number>();
    for (let at = 0; at < data.length; at += 4) {
      if (data[at] === red && data[at + 1] === green && data[at + 2] === blue) {
        found.add((at / 4) % width);
      }
    }
    return [...found].sort((a, b) => a - b);
  }, HOTTEST);
}

/** Where a step's pixel begins and ends, of a canvas so wide. */
function pixelsOf(step: number, [from, to]: readonly [number, number], width: number) {
  const perStep = width / (to - from + 1);
  return [Math.floor((step - from) * perStep), Math.ceil((step - from + 1) * perStep)] as const;
}

const widthOf = (heatmap: Locator): Promise<number> =>
  heatmap.evaluate((element) => (element as HTMLCanvasElement).width);

describe('a run that is longer than a screen is wide', () => {
  it('shows a one-step extreme of one layer at twenty zooms, where it was', async () => {
    const { page, takeReads } = await openRun();
    const heatmap = heatmapOf(page);
    const width = await widthOf(heatmap);
    const box = (await heatmap.boundingBox())!;
    const seen: string[] = [];
    for (let zoom = 0; zoom < 20; zoom++) {
      await readSettledPixels(heatmapOf(page));
      const shown = await shownSteps(heatmap);
      const [first, last] = pixelsOf(run.extreme.step, shown, width);
      const label = `zoom ${zoom}, steps ${shown.join(' to ')}, pixels ${first} to ${last}`;
      // A bucket begins at most a pixel before its step.
      const hot = async () => {
        const found = await hotPixels(heatmap);
        return found.length > 0 && found[0]! >= first - 2 && found.at(-1)! <= last + 2
          ? 'there'
          : found;
      };
      await expect.poll(hot, { message: label }).toBe('there');
      seen.push(shown.join('-'));
      const before = await heatmap.getAttribute('aria-label');
      await page.mouse.move(box.x + (first + last) / 2, box.y + box.height / 2);
      await page.mouse.wheel(0, -180);
      await expect.poll(() => heatmap.getAttribute('aria-label')).not.toBe(before);
    }
    expect(new Set(seen).size).toBe(20);
    expect(takeReads().length).toBeGreaterThan(1);
  });

  it('reads values step by step where it is zoomed into, across tiles too', async () => {
    const { page } = await openRun('?steps=12250-12449&step=12345&layer=17');
    await readSettledPixels(heatmapOf(page));
    await surfaceOf(page).focus();
    await page.keyboard.press('ArrowRight');
    await expect.poll(() => readOutOf(page).textContent()).toMatch(/12\s346/);
    await page.keyboard.press('ArrowLeft');
    await expect.poll(() => readOutOf(page).textContent()).toMatch(/12\s345[\s\S]*10\s000/);
    // The tiles of this level meet at step 12,288.
    for (let press = 0; press < 6; press++) await page.keyboard.press('Shift+ArrowLeft');
    await expect.poll(() => readOutOf(page).textContent()).toMatch(/12\s285/);
  });

  it('goes step by step for arrows that are pressed before its tiles have come', async () => {
    const { page } = await site.openPage();
    let letCome: () => void = () => undefined;
    const mayCome = new Promise<void>((resolve) => (letCome = resolve));
    await page.route('**/heatmap?**', async (route) => {
      const query = new URL(route.request().url()).searchParams;
      // A tile asks for some steps, all else for the whole run or fewer columns.
      const isTile = query.has('fromStep') && Number(query.get('columns')) >= LEAST_DRAWN_COLUMNS;
      if (isTile) await mayCome;
      await route.continue();
    });
    await gotoRun(page, `${run.url}/runs/${run.id}?steps=12250-12449&step=12345&layer=17`);
    await expect.poll(() => readOutOf(page).textContent()).toMatch(/12\s345/);
    await expect.poll(() => heatmapOf(page).getAttribute('aria-busy')).toBe('true');
    await surfaceOf(page).focus();
    for (let press = 0; press < 4; press++) await page.keyboard.press('ArrowRight');
    await page.keyboard.press('ArrowLeft');
    await expect.poll(() => readOutOf(page).textContent()).toMatch(/12\s345/);
    letCome();
    await expect.poll(() => readOutOf(page).textContent()).toMatch(/12\s348/);
    // From either end of the run.
    await page.keyboard.press('Home');
    await expect.poll(() => new URL(page.url()).searchParams.get('step')).toBe('0');
  });

  it('never goes blank while finer tiles are on their way, and gives up reads for a view that is left', async () => {
    const { page, takeReads } = await openRun();
    // None of them arrives: what is drawn is what was there, and what is given up is on its way.
    await page.route('**/heatmap?**', (route) => {
      const columns = Number(new URL(route.request().url()).searchParams.get('columns'));
      return columns >= LEAST_DRAWN_COLUMNS ? undefined : route.continue();
    });
    takeReads();
    const failed: string[] = [];
    page.on('requestfailed', (request) => failed.push(request.url()));
    const heatmap = heatmapOf(page);
    const box = (await heatmap.boundingBox())!;
    await page.mouse.move(box.x + box.width * 0.62, box.y + box.height / 2);
    await page.mouse.wheel(0, -1400);
    await expect.poll(() => takeReads().length).toBeGreaterThan(0);
    const background = CANVAS_COLOURS.dark.bg;
    const blankShare = await heatmap.evaluate((element, bg) => {
      const { width, height } = element as HTMLCanvasElement;
      const context = (element as HTMLCanvasElement).getContext('2d')!;
      const { data } = context.getImageData(0, 0, width, height);
      const hex = (at: number) =>
        `#${[0, 1, 2].map((channel) => data[at + channel]!.toString(16).padStart(2, '0')).join('')}`;
      let blank = 0;
      for (let at = 0; at < data.length; at += 4) if (hex(at) === bg.toLowerCase()) blank++;
      return blank / (width * height);
    }, background);
    // Nothing but the gaps between groups of layers.
    expect(blankShare).toBeLessThan(0.1);
    await page.keyboard.press('Escape');
    await expect.poll(() => failed.some((url) => url.includes('/heatmap'))).toBe(true);
  });

  it('draws live steps at the right edge, without reading anything again', async () => {
    const { page, takeReads } = await openRun('?layout=paper');
    await readSettledPixels(heatmapOf(page));
    takeReads();
    let newest = run.stepCount;
    for (let post = 0; post < 5; post++) {
      const before = await readPixels(heatmapOf(page));
      await postSteps(run, newest, newest + 3);
      newest += 3;
      await expect.poll(() => readPixels(heatmapOf(page))).not.toBe(before);
    }
    await expect.poll(async () => (await shownSteps(heatmapOf(page)))[1]).toBe(newest - 1);
    expect(takeReads()).toEqual([]);
    run = { ...run, stepCount: newest };
  });

  it('has a pixel of its own for each of the screen, where two make one of the page', async () => {
    const { page } = await openRun('?steps=12250-12349', { deviceScaleFactor: 2 });
    await readSettledPixels(heatmapOf(page));
    const heatmap = heatmapOf(page);
    const measure = () =>
      heatmap.evaluate((element) => {
        const { left, top, width, height } = element.getBoundingClientRect();
        const canvas = element as HTMLCanvasElement;
        const row = canvas.getContext('2d')!.getImageData(0, 4, canvas.width, 1).data;
        const edges: number[] = [];
        for (let x = 1; x < canvas.width; x++) {
          if (row[4 * x] !== row[4 * x - 4] || row[4 * x + 1] !== row[4 * x - 3]) edges.push(x);
        }
        return {
          ...{ left, top, width, height, pixels: [canvas.width, canvas.height], edges },
          colours: new Set(new Uint32Array(row.buffer)).size,
        };
      });
    const measured = await measure();
    expect(measured.pixels).toEqual([measured.width * 2, measured.height * 2]);
    for (const side of [measured.left, measured.top]) expect((side * 2) % 1).toBeCloseTo(0, 6);
    // Neighbouring steps differ: an edge between each two, and no mixture of both colours.
    expect(measured.colours).toBe(2);
    expect(measured.edges).toHaveLength(99);
    const perStep = measured.pixels[0]! / 100;
    measured.edges.forEach((x, index) => expect(x).toBe(Math.floor((index + 1) * perStep + 1e-6)));
  });

  it('is zoomed and moved by two fingers on a phone, and read by one', async () => {
    const { page } = await openRun('', {
      ...{ deviceScaleFactor: 3, hasTouch: true, width: 390, height: 844 },
    });
    const cdp = await page.context().newCDPSession(page);
    const heatmap = heatmapOf(page);
    await heatmap.scrollIntoViewIfNeeded();
    const box = (await heatmap.boundingBox())!;
    const y = box.y + box.height / 2;
    const at = (share: number, id: number) => ({ x: box.x + box.width * share, y, id });
    const touch = (type: 'touchStart' | 'touchMove' | 'touchEnd', shares: readonly number[]) =>
      cdp.send('Input.dispatchTouchEvent', { type, touchPoints: shares.map(at) });
    const whole = await shownSteps(heatmap);

    await touch('touchStart', [0.4]);
    await touch('touchStart', [0.4, 0.6]);
    for (let move = 1; move <= 10; move++)
      await touch('touchMove', [0.4 - 0.02 * move, 0.6 + 0.02 * move]);
    await touch('touchEnd', []);
    await expect.poll(() => new URL(page.url()).searchParams.get('steps')).not.toBeNull();
    await readSettledPixels(heatmapOf(page));
    const zoomed = await shownSteps(heatmap);
    const lengthOf = ([from, to]: readonly [number, number]) => to - from + 1;
    expect(lengthOf(zoomed) / lengthOf(whole)).toBeCloseTo(1 / 3, 1);

    await touch('touchStart', [0.3]);
    await touch('touchStart', [0.3, 0.5]);
    for (let move = 1; move <= 10; move++)
      await touch('touchMove', [0.3 + 0.02 * move, 0.5 + 0.02 * move]);
    await touch('touchEnd', []);
    await expect.poll(async () => (await shownSteps(heatmap))[0]).toBeLessThan(zoomed[0]);
    const moved = await shownSteps(heatmap);
    expect(lengthOf(moved)).toBe(lengthOf(zoomed));
    expect((zoomed[0] - moved[0]) / lengthOf(zoomed)).toBeCloseTo(0.2, 1);

    await touch('touchStart', [0.5]);
    await touch('touchMove', [0.52]);
    await touch('touchEnd', []);
    const middle = Math.round(moved[0] + lengthOf(moved) * 0.52);
    await expect
      .poll(() => Number(new URL(page.url()).searchParams.get('step')))
      .toBeGreaterThan(middle - lengthOf(moved) / 20);
    await expect.poll(() => shownSteps(heatmap)).toEqual(moved);
  });
});
