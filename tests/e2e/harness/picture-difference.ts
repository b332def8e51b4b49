import type { Page } from 'playwright-core';

/** A pixel whose nearest neighbour in the other picture is further than this has changed; RGB, 0 to 441. */
const COLOUR_TOLERANCE = 40;

export interface PictureDifference {
  /** The share of pixels that have no like within one pixel of their place; 1 where sizes differ. */
  readonly share: number;
  /** Where they are, as boxes of 24 pixels: "72,48". */
  readonly where: readonly string[];
}

/**
 * How far two PNGs are apart as people see them: letters drawn by another rasteriser, a
 * pixel to the side or with softer edges, are alike; a chart that moved, lost its line or
 * changed its colour is not. Decoded by the browser itself.
 */
export function findDifference(
  page: Page,
  expected: Buffer,
  actual: Buffer,
): Promise<PictureDifference> {
  const input = {
    pictures: [expected.toString('base64'), actual.toString('base64')],
    tolerance: COLOUR_TOLERANCE,
  };
  return page.evaluate(async ({ pictures, tolerance }) => {
    const decoded = await Promise.all(
      pictures.map(async (base64) => {
        const image = new Image();
        image.src = `data:image/png;base64,${base64}`;
        await image.decode();
        const context = new OffscreenCanvas(image.width, image.height).getContext('2d')!;
        context.drawImage(image, 0, 0);
        return context.getImageData(0, 0, image.width, image.height);
      }),
    );
    const [a, b] = decoded as [ImageData, ImageData];
    if (a.width !== b.width || a.height !== b.height) return { share: 1, where: ['size'] };
    const { width, height } = a;
    const isAlike = (one: ImageData, other: ImageData, x: number, y: number): boolean => {
      const at = 4 * (y * width + x);
      for (let ny = Math.max(0, y - 1); ny <= Math.min(height - 1, y + 1); ny++) {
        for (let nx = Math.max(0, x - 1); nx <= Math.min(width - 1, x + 1); nx++) {
          const to = 4 * (ny * width + nx);
          const distance = Math.hypot(
            one.data[at]! - other.data[to]!,
            one.data[at + 1]! - other.data[to + 1]!,
            one.data[at + 2]! - other.data[to + 2]!,
          );
          if (distance <= tolerance) return true;
        }
      }
      return false;
    };
    const where = new Set<string>();
    let count = 0;
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        // Both ways: what is gone has no like in the new picture, what is new none in the old.
        if (isAlike(a, b, x, y) && isAlike(b, a, x, y)) continue;
        count++;
        where.add(`${24 * Math.floor(x / 24)},${24 * Math.floor(y / 24)}`);
      }
    }
    return { share: count / (width * height), where: [...where].slice(0, 12) };
  }, input);
}

/** A picture at a share of its size, each pixel the mean of those it stands for: small to keep, blind to hinting. */
export async function shrinkPicture(page: Page, picture: Buffer, factor: number): Promise<Buffer> {
  const base64 = await page.evaluate(
    async (input) => {
      const image = new Image();
      image.src = `data:image/png;base64,${input.base64}`;
      await image.decode();
      const canvas = document.createElement('canvas');
      canvas.width = Math.floor(image.width / input.factor);
      canvas.height = Math.floor(image.height / input.factor);
      const context = canvas.getContext('2d')!;
      const whole = new OffscreenCanvas(image.width, image.height).getContext('2d')!;
      whole.drawImage(image, 0, 0);
      const from = whole.getImageData(0, 0, image.width, image.height);
      const to = context.createImageData(canvas.width, canvas.height);
      for (let y = 0; y < canvas.height; y++) {
        for (let x = 0; x < canvas.width; x++) {
          for (let channel = 0; channel < 4; channel++) {
            let sum = 0;
            for (let dy = 0; dy < input.factor; dy++) {
              for (let dx = 0; dx < input.factor; dx++) {
                const at = (y * input.factor + dy) * image.width + x * input.factor + dx;
                sum += from.data[4 * at + channel]!;
              }
            }
            // Steps of 8 are far below what counts as a difference, and pack into half the bytes.
            const mean = Math.round(sum / input.factor ** 2);
            to.data[4 * (y * canvas.width + x) + channel] = channel === 3 ? 255 : mean & 0xf8;
          }
        }
      }
      context.putImageData(to, 0, 0);
      return canvas.toDataURL('image/png').split(',')[1]!;
    },
    { base64: picture.toString('base64'), factor },
  );
  return Buffer.from(base64, 'base64');
}
