import type { Locator, Page } from 'playwright-core';

/** The run page's parts by what assistive technology calls them, so that a change of looks breaks no test. */
export const surfaceOf = (page: Page): Locator => page.getByRole('application');
export const heatmapOf = (page: Page): Locator => page.getByRole('img', { name: /heatmap/i });
export const readOutOf = (page: Page): Locator =>
  page.getByRole('region', { name: 'Values under the crosshair' });

/** A canvas' pixels as text: equal exactly when every pixel is. */
export function readPixels(canvas: Locator): Promise<string> {
  return canvas.evaluate((element) => (element as HTMLCanvasElement).toDataURL());
}
