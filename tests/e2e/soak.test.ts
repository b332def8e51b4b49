import type { CDPSession, Page } from 'playwright-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { postSteps, startLongRun, type LongRun } from './harness/long-run';
import { gotoRun, heatmapOf, readPixels } from './harness/run-page';
import { openSite } from './harness/site';

/**
 * A page that is left open under a live run. Steps are what a run of a day has more of than
 * one of a minute: they come as fast as they are drawn. In the long form as many as a day
 * brings at ten a second.
 */
const isLong = process.env['SPIKESCOPE_LONG_TESTS'] === '1';
const STEPS = isLong ? 864_000 : 24_000;
/** Steps of one post; the worker tells viewers of so many in one message. */
const STEPS_A_POST = isLong ? 500 : 100;
/**
 * Of the steps, after which memory is compared: the columns of the whole run have been merged
 * by then, and tiles stay at one level until the end. Each doubling of a run brings a level,
 * until the cache is full.
 */
const WARM_SHARE = 0.7;
/**
 * What a heap of tens of megabytes may differ by from one collection to the next. Were the
 * cells of the steps between the two looks kept, it would be 12 MB.
 */
const NOISE_BYTES = 8e6;

const site = openSite();
let run: LongRun;

beforeAll(async () => {
  run = await startLongRun({
    url: site.url,
    id: 'soak',
    layerCount: 200,
    stepCount: 2000,
    extreme: { step: 777, layer: 50 },
  });
});

interface Kept {
  readonly heapBytes: number;
  readonly nodes: number;
  readonly listeners: number;
}

/** What the page holds once all that can go has gone. */
async function readKept(cdp: CDPSession): Promise<Kept> {
  await cdp.send('HeapProfiler.enable');
  for (let time = 0; time < 3; time++) await cdp.send('HeapProfiler.collectGarbage');
  const usage: { usedSize: number; backingStorageSize?: number } =
    await cdp.send('Runtime.getHeapUsage');
  const { nodes, jsEventListeners } = await cdp.send('Memory.getDOMCounters');
  return {
    heapBytes: usage.usedSize + (usage.backingStorageSize ?? 0),
    nodes,
    listeners: jsEventListeners,
  };
}

/** The newest step that the page says it has. */
function readNewestStep(page: Page): Promise<number> {
  return page.evaluate(() => {
    const [, digits] = /(?:^|\n)step\s+([\d\s]+)\n/u.exec(document.body.innerText) ?? [];
    return Number((digits ?? '').replace(/\s/gu, ''));
  });
}

/** Posts up to a step, no faster than the page follows. */
async function postAndFollow(page: Page, from: number, to: number): Promise<void> {
  for (let step = from; step < to; step += STEPS_A_POST) {
    const end = Math.min(to, step + STEPS_A_POST);
    await postSteps(run, step, end);
    // One post is on its way while the one before is drawn.
    await expect
      .poll(() => readNewestStep(page), { timeout: 60_000, interval: 20 })
      .toBeGreaterThanOrEqual(step - 1);
  }
}

describe('a page that is left open', () => {
  it(
    'neither grows nor falls behind, however many steps come',
    async () => {
      const { page, takeFaults } = await site.openPage();
      const cdp = await page.context().newCDPSession(page);
      await gotoRun(page, `${site.url}/runs/${run.id}`);
      const warmEnd = run.stepCount + Math.floor(STEPS * WARM_SHARE);
      const end = run.stepCount + STEPS;

      await postAndFollow(page, run.stepCount, warmEnd);
      await expect.poll(() => readNewestStep(page)).toBe(warmEnd - 1);
      const warm = await readKept(cdp);
      const picture = await readPixels(heatmapOf(page));

      await postAndFollow(page, warmEnd, end);
      await expect.poll(() => readNewestStep(page)).toBe(end - 1);
      // What is on its way to the page when it is looked at goes with a later collection.
      let late = await readKept(cdp);
      await expect
        .poll(async () => (late = await readKept(cdp)).heapBytes - warm.heapBytes, {
          timeout: 60_000,
        })
        .toBeLessThan(NOISE_BYTES);

      await expect.poll(() => readPixels(heatmapOf(page))).not.toBe(picture);
      expect(late.nodes).toBeLessThan(warm.nodes * 1.2);
      expect(late.listeners).toBeLessThan(warm.listeners * 1.2);

      // The next step is drawn as soon as the first ones were.
      const before = await readPixels(heatmapOf(page));
      await postSteps({ ...run, extreme: { step: end + 200, layer: 3 } }, end, end + 400);
      await expect.poll(() => readNewestStep(page)).toBe(end + 399);
      await expect.poll(() => readPixels(heatmapOf(page))).not.toBe(before);
      expect(takeFaults()).toEqual([]);
    },
    isLong ? 3_600_000 : 600_000,
  );
});
