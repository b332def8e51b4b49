import type { ChartSubject, PictureBand } from './chart-subject';
import { loadSvgImage } from './inline-svg';
import { paintElement } from './paint-element';

/** Twice the pixels of the page: it is read in slides and on paper. */
const SCALE = 2;
const MARGIN = 16;
const HEADING_HEIGHT = 34;
const GAP = 6;
/** A heading has this much room, however narrow its chart. */
const LEAST_WIDTH = 320;

/** A band's place within the page. */
interface Placed {
  readonly root: HTMLElement;
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

function place({ root, left = 0, top = 0, width, height }: PictureBand): Placed {
  const box = root.getBoundingClientRect();
  return {
    root,
    left: box.left + left,
    top: box.top + top,
    width: Math.min(width ?? box.width, box.width - left),
    height: Math.min(height ?? box.height, box.height - top),
  };
}

/**
 * A chart as a PNG in the theme of the page: its heading, then its bands below each other.
 * It is the page itself that is painted, so the picture shows what its viewer sees.
 *
 * Throws  Error where the browser gives no canvas of that size
 */
export async function drawPicture({
  heading,
  bands,
}: Pick<ChartSubject, 'heading' | 'bands'>): Promise<Blob> {
  await document.fonts.ready;
  const placed = bands.map(place).filter(({ width, height }) => width > 0 && height > 0);
  const svgs = new Set(placed.flatMap(({ root }) => [...root.querySelectorAll('svg')]));
  const images = new Map(
    await Promise.all(Array.from(svgs, async (svg) => [svg, await loadSvgImage(svg)] as const)),
  );
  const width = 2 * MARGIN + Math.max(LEAST_WIDTH, ...placed.map((band) => band.width));
  const height =
    MARGIN + HEADING_HEIGHT + placed.reduce((sum, band) => sum + band.height + GAP, 0) + MARGIN;
  const canvas = document.createElement('canvas');
  canvas.width = Math.ceil(width * SCALE);
  canvas.height = Math.ceil(height * SCALE);
  const context = canvas.getContext('2d');
  if (context === null) throw new Error('This browser has no memory left for a picture.');
  context.scale(SCALE, SCALE);

  const page = getComputedStyle(document.documentElement);
  context.fillStyle = page.backgroundColor;
  context.fillRect(0, 0, width, height);
  context.fillStyle = page.color;
  context.font = `500 15px ${page.fontFamily}`;
  context.textBaseline = 'middle';
  context.fillText(heading, MARGIN, MARGIN + (HEADING_HEIGHT - GAP) / 2, width - 2 * MARGIN);

  let y = MARGIN + HEADING_HEIGHT;
  for (const band of placed) {
    context.save();
    context.beginPath();
    context.rect(MARGIN, y, band.width, band.height);
    context.clip();
    context.translate(MARGIN - band.left, y - band.top);
    paintElement(context, band.root, images);
    context.restore();
    y += band.height + GAP;
  }
  return new Promise((resolve, reject) => {
    canvas.toBlob((blob) => {
      if (blob === null) reject(new Error('The picture is too large for this browser.'));
      else resolve(blob);
    }, 'image/png');
  });
}
