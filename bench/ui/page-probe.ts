import type { Browser, CDPSession, Page } from 'playwright-core';

/** A draw of the heatmap: when it was on its way to the screen, and the newest step in it. */
export interface Draw {
  /** Milliseconds since 1970. */
  readonly shownAtMs: number;
  readonly newestStep: number | null;
  /** Of putting the pixels on the canvas and what led to it since the frame began. */
  readonly frameMs: number;
}

interface Probe {
  readonly draws: Draw[];
  firstPaintMs: number | null;
  readsSteps: boolean;
  frames: number[] | null;
}

declare global {
  interface Window {
    spikescopeProbe: Probe;
  }
}

/** Runs in the page before its own code: watches what is put on the heatmap's canvas. */
function watchHeatmap(): void {
  const probe: Probe = { draws: [], firstPaintMs: null, readsSteps: false, frames: null };
  window.spikescopeProbe = probe;
  let frameStart = 0;
  const onFrame = (): void => {
    frameStart = performance.now();
    probe.frames?.push(frameStart);
    requestAnimationFrame(onFrame);
  };
  requestAnimationFrame(onFrame);
  const colourCount = (pixels: Uint32Array): number => {
    const seen = new Set<number>();
    for (let at = 0; at < pixels.length && seen.size < 8; at += 97) seen.add(pixels[at]!);
    return seen.size;
  };
  const newestStepOf = (label: string, image: ImageData, pixels: Uint32Array): number | null => {
    const [, from, to] = /over steps ([\d\s]+) to ([\d\s]+)$/u.exec(label) ?? [];
    if (from === undefined || to === undefined) return null;
    const low = Number(from.replace(/\s/gu, '')) - 0.5;
    const high = Number(to.replace(/\s/gu, '')) + 0.5;
    // A growing run leaves room at the right: its last pixel is background.
    const background = pixels[image.width - 1];
    let x = image.width - 1;
    while (x >= 0 && pixels[x] === background) x--;
    return x < 0 ? null : Math.floor(low + ((x + 0.5) / image.width) * (high - low) + 0.5);
  };
  // eslint-disable-next-line @typescript-eslint/unbound-method -- applied to its canvas below
  const put = CanvasRenderingContext2D.prototype.putImageData;
  CanvasRenderingContext2D.prototype.putImageData = function (
    this: CanvasRenderingContext2D,
    image: ImageData,
    ...place: unknown[]
  ) {
    Reflect.apply(put, this, [image, ...place]);
    const label = this.canvas.getAttribute('aria-label') ?? '';
    if (!label.includes(' layers over steps ')) return;
    const pixels = new Uint32Array(image.data.buffer);
    if (probe.firstPaintMs === null && colourCount(pixels) > 3) {
      requestAnimationFrame(() => (probe.firstPaintMs ??= performance.now()));
    }
    const newestStep = probe.readsSteps ? newestStepOf(label, image, pixels) : null;
    const frameMs = performance.now() - frameStart;
    // What is drawn now is on the screen when the next frame begins.
    requestAnimationFrame(() =>
      probe.draws.push({
        shownAtMs: performance.timeOrigin + performance.now(),
        newestStep,
        frameMs,
      }),
    );
  };
}

export async function installProbe(page: Page): Promise<void> {
  // The loader of TypeScript names functions by a helper of its own, which the page lacks.
  await page.addInitScript('globalThis.__name = (named) => named;');
  await page.addInitScript(watchHeatmap);
}

/** Milliseconds from the navigation's start to the frame that shows the heatmap. */
export async function waitForFirstPaint(page: Page): Promise<number> {
  const isPainted = page.waitForFunction(() => window.spikescopeProbe.firstPaintMs !== null, null, {
    timeout: 60_000,
    polling: 50,
  });
  await isPainted.catch(async (error: unknown) => {
    const text = await page.evaluate(() => document.body.innerText.slice(0, 1000));
    throw new Error(`no heatmap was drawn; the page says:\n${text}`, { cause: error });
  });
  return page.evaluate(() => window.spikescopeProbe.firstPaintMs ?? NaN);
}

export async function readSteps(page: Page): Promise<void> {
  await page.evaluate(() => (window.spikescopeProbe.readsSteps = true));
}

export async function takeDraws(page: Page): Promise<Draw[]> {
  return page.evaluate(() => window.spikescopeProbe.draws.splice(0));
}

export interface FrameTimes {
  readonly framesPerSecond: number;
  readonly p50: number;
  readonly p95: number;
  readonly longest: number;
  /** How many of the frames drew the heatmap anew. */
  readonly drawsPerSecond: number;
}

/** The intervals between frames while `act` goes on. */
export async function timeFrames(page: Page, act: () => Promise<void>): Promise<FrameTimes> {
  await takeDraws(page);
  await page.evaluate(() => (window.spikescopeProbe.frames = []));
  await act();
  const { frames, draws } = await page.evaluate(() => {
    const { frames, draws } = window.spikescopeProbe;
    window.spikescopeProbe.frames = null;
    return { frames: frames ?? [], draws: draws.length };
  });
  const intervals = frames.slice(1).map((at, index) => at - frames[index]!);
  const sorted = intervals.toSorted((a, b) => a - b);
  const at = (q: number): number =>
    sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? NaN;
  const seconds = ((frames.at(-1) ?? 0) - (frames[0] ?? 0)) / 1000;
  return {
    framesPerSecond: intervals.length / seconds,
    p50: at(0.5),
    p95: at(0.95),
    longest: at(1),
    drawsPerSecond: draws / seconds,
  };
}

interface HeapUsage {
  readonly usedSize: number;
  readonly embedderHeapUsedSize?: number;
  readonly backingStorageSize?: number;
}

/** Bytes of the page's heap: objects, what the browser holds for them, and array buffers. */
export async function readHeapBytes(cdp: CDPSession, collects: boolean): Promise<number> {
  if (collects) await cdp.send('HeapProfiler.collectGarbage');
  const usage: HeapUsage = await cdp.send('Runtime.getHeapUsage');
  return usage.usedSize + (usage.embedderHeapUsedSize ?? 0) + (usage.backingStorageSize ?? 0);
}

/** Processor seconds of the browser's processes so far, all of them together and the pages' alone. */
export async function readProcessorSeconds(
  browser: Browser,
): Promise<{ readonly all: number; readonly pages: number }> {
  const cdp = await browser.newBrowserCDPSession();
  const { processInfo } = await cdp.send('SystemInfo.getProcessInfo');
  await cdp.detach();
  const sum = (isCounted: (type: string) => boolean): number =>
    processInfo.reduce((total, { type, cpuTime }) => total + (isCounted(type) ? cpuTime : 0), 0);
  return { all: sum(() => true), pages: sum((type) => type === 'renderer') };
}
