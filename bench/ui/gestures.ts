/**
 * What a person does at the heatmap, as the browser gets it from its devices: one event a
 * frame, each sent once the page has taken the one before.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { CDPSession, Page } from 'playwright-core';

const EVENT_MS = 16;
/** One zoom in or out. */
const STROKE_MS = 1200;
const FLIP_MS = 500;

interface Place {
  readonly x: number;
  readonly y: number;
}

async function placeOf(page: Page): Promise<Place & { readonly width: number }> {
  const box = await page.getByRole('img', { name: / layers over steps / }).boundingBox();
  if (box === null) throw new Error('no heatmap to point at');
  return { x: box.x + box.width / 2, y: box.y + box.height / 2, width: box.width };
}

async function repeat(seconds: number, event: (atMs: number) => Promise<unknown>): Promise<void> {
  const startMs = performance.now();
  for (;;) {
    const atMs = performance.now() - startMs;
    if (atMs > seconds * 1000) return;
    await Promise.all([event(atMs), delay(EVENT_MS)]);
  }
}

const wheel = (cdp: CDPSession, { x, y }: Place, deltaX: number, deltaY: number) =>
  cdp.send('Input.dispatchMouseEvent', { type: 'mouseWheel', x, y, deltaX, deltaY });

export type Gesture = (page: Page, cdp: CDPSession, seconds: number) => Promise<void>;

/** In, out, and in again elsewhere. */
const zoom: Gesture = async (page, cdp, seconds) => {
  const place = await placeOf(page);
  await repeat(seconds, (atMs) => {
    const stroke = Math.floor(atMs / STROKE_MS);
    const share = 0.15 + 0.7 * (((stroke >> 1) * 0.37) % 1);
    const x = place.x + (share - 0.5) * place.width;
    return wheel(cdp, { x, y: place.y }, 0, stroke % 2 === 0 ? -36 : 36);
  });
};

/** Back and forth through a tenth of the run. */
const pan: Gesture = async (page, cdp, seconds) => {
  const place = await placeOf(page);
  await repeat(seconds, (atMs) =>
    wheel(cdp, place, Math.floor(atMs / 2000) % 2 === 0 ? 24 : -24, 0),
  );
};

/** Rows and columns changed over. */
const flip: Gesture = async (page, _, seconds) => {
  const count = Math.floor((seconds * 1000) / FLIP_MS / 2) * 2;
  for (let index = 0; index < count; index++) {
    await Promise.all([page.keyboard.press('l'), delay(FLIP_MS)]);
  }
};

/** The upper end of the colours, back and forth. */
const colours: Gesture = async (page, cdp, seconds) => {
  const box = await page.getByRole('slider', { name: 'Upper end of the colours' }).boundingBox();
  if (box === null) throw new Error('no end of the colours to drag');
  const place = { x: box.x + box.width / 2, y: box.y + box.height / 2 };
  const mouse = (type: 'mousePressed' | 'mouseMoved' | 'mouseReleased', x: number) =>
    cdp.send('Input.dispatchMouseEvent', {
      ...{ type, x, y: place.y, button: 'left', buttons: type === 'mouseReleased' ? 0 : 1 },
      clickCount: type === 'mouseMoved' ? 0 : 1,
    });
  await mouse('mouseMoved', place.x);
  await mouse('mousePressed', place.x);
  await repeat(seconds, (atMs) => mouse('mouseMoved', place.x - 40 + 39 * Math.sin(atMs / 300)));
  await mouse('mouseReleased', place.x);
};

const crosshair: Gesture = async (page, cdp, seconds) => {
  const place = await placeOf(page);
  await repeat(seconds, (atMs) =>
    cdp.send('Input.dispatchMouseEvent', {
      type: 'mouseMoved',
      x: place.x + 0.4 * place.width * Math.sin(atMs / 500),
      y: place.y + 100 * Math.cos(atMs / 370),
    }),
  );
};

const watch: Gesture = (_, __, seconds) => delay(seconds * 1000);

export const GESTURES: Readonly<Record<string, Gesture>> = {
  watch,
  zoom,
  pan,
  flip,
  colours,
  crosshair,
};

/** A tenth of the run around its middle, as zooming leaves it. */
export async function zoomToATenth(page: Page, cdp: CDPSession): Promise<void> {
  const place = await placeOf(page);
  for (let notch = 0; notch < 12; notch++) await wheel(cdp, place, 0, -96);
}
