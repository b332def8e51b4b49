import type { Locator, Page } from 'playwright-core';

export const sectionOf = (page: Page, name: string): Locator => page.getByRole('region', { name });
/** The heatmap by the metric that it shows, held against something or not. */
export const timelineOf = (page: Page, name: string): Locator =>
  page.getByRole('img', { name: `${name} over steps` });
export const marksOf = (page: Page): Locator =>
  page.getByRole('img', { name: 'Marks on the cells' });

/** Packed colours of a canvas in the middle of so many equal parts along and across it. */
export function sampleColours(canvas: Locator, along: number, across: number): Promise<number[]> {
  return canvas.evaluate(
    (element, parts) => {
      const { width, height } = element as HTMLCanvasElement;
      const context = (element as HTMLCanvasElement).getContext('2d')!;
      const { buffer } = context.getImageData(0, 0, width, height).data;
      const pixels = new Uint32Array(buffer);
      const found: number[] = [];
      for (let y = 0; y < parts.across; y++) {
        for (let x = 0; x < parts.along; x++) {
          const row = Math.floor(((y + 0.5) / parts.across) * height);
          found.push(pixels[row * width + Math.floor(((x + 0.5) / parts.along) * width)]!);
        }
      }
      return found;
    },
    { along, across },
  );
}

/** How many pixels of the heatmap have the hue of what is below its level: blue among warm ones. */
export function countBlue(canvas: Locator): Promise<number> {
  return canvas.evaluate((element) => {
    const { width, height } = element as HTMLCanvasElement;
    const context = (element as HTMLCanvasElement).getContext('2d')!;
    const { data } = context.getImageData(0, 0, width, height);
    let count = 0;
    for (let at = 0; at < data.length; at += 4) if (data[at + 2]! > data[at]! + 15) count++;
    return count;
  });
}

/** How many pixels of a canvas are not transparent. */
export function countPainted(canvas: Locator): Promise<number> {
  return canvas.evaluate((element) => {
    const { width, height } = element as HTMLCanvasElement;
    const context = (element as HTMLCanvasElement).getContext('2d')!;
    const { buffer } = context.getImageData(0, 0, width, height).data;
    return new Uint32Array(buffer).reduce((count, pixel) => count + (pixel === 0 ? 0 : 1), 0);
  });
}
