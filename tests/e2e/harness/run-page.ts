import type { Locator, Page } from 'playwright-core';
import { expect } from 'vitest';
import { waitForQuiet } from './quiet';

/** The run page's parts by what assistive technology calls them, so that a change of looks breaks no test. */
export const surfaceOf = (page: Page): Locator => page.getByRole('application');
export const heatmapOf = (page: Page): Locator =>
  page.getByRole('img', { name: / layers? over steps / });
export const readOutOf = (page: Page): Locator =>
  page.getByRole('region', { name: 'Values under the crosshair' });

/** A canvas' pixels as text: equal exactly when every pixel is. */
export function readPixels(canvas: Locator): Promise<string> {
  return canvas.evaluate((element) => (element as HTMLCanvasElement).toDataURL());
}

/**
 * The same once nothing is drawn any more: when the page has read what it reads, what is finer
 * is there, and three looks in a row, two frames apart, saw the same.
 */
export async function readSettledPixels(canvas: Locator): Promise<string> {
  await waitForQuiet(canvas.page());
  return canvas.evaluate(async (element) => {
    const nextFrame = () => new Promise((drawn) => requestAnimationFrame(drawn));
    let seen = '';
    for (let looks = 0; looks < 3;) {
      await nextFrame();
      await nextFrame();
      const now = (element as HTMLCanvasElement).toDataURL();
      const isAsBefore = element.ariaBusy !== 'true' && now === seen;
      looks = isAsBefore ? looks + 1 : 1;
      seen = now;
    }
    return seen;
  });
}

/** How many colours a canvas shows: one while it is empty. */
function countColours(canvas: Locator): Promise<number> {
  return canvas.evaluate((element) => {
    const { width, height } = element as HTMLCanvasElement;
    const context = (element as HTMLCanvasElement).getContext('2d');
    const { buffer } = context!.getImageData(0, 0, width, height).data;
    return new Set(new Uint32Array(buffer)).size;
  });
}

export async function waitForHeatmap(page: Page): Promise<void> {
  await heatmapOf(page).waitFor();
  await expect.poll(() => countColours(heatmapOf(page))).toBeGreaterThan(2);
}

/** Opens a run's page and returns once its heatmap is drawn. */
export async function gotoRun(page: Page, url: string): Promise<void> {
  await page.goto(url);
  await waitForHeatmap(page);
}
