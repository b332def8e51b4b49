import type { Page, Request } from 'playwright-core';
import { expect } from 'vitest';

/** Longer than a page waits by itself before it reads: while somebody types, 300 ms. */
const QUIET_MS = 350;

interface Traffic {
  readonly underWay: Set<Request>;
  begun: number;
}
const trafficOf = new WeakMap<Page, Traffic>();

/** Follows what the page asks for; to be called before it goes anywhere. */
export function watchTraffic(page: Page): void {
  const traffic: Traffic = { underWay: new Set(), begun: 0 };
  trafficOf.set(page, traffic);
  const end = (request: Request) => traffic.underWay.delete(request);
  page.on('request', (request) => {
    // What the document before asked for is of no use any more, whether it says so or not.
    const isNewDocument = request.isNavigationRequest() && request.frame() === page.mainFrame();
    if (isNewDocument) traffic.underWay.clear();
    traffic.underWay.add(request);
    traffic.begun++;
  });
  page.on('requestfinished', end);
  page.on('requestfailed', end);
}

/**
 * Resolves once the page has all it asked for, has drawn it, and asks for nothing more by
 * itself. Not the load state `networkidle`: a page reaches that once, so that nothing waits
 * for it after a second read, and it says nothing of a machine that is slow to draw.
 */
export async function waitForQuiet(page: Page): Promise<void> {
  const traffic = trafficOf.get(page);
  if (traffic === undefined) throw new Error('nobody watches the traffic of this page');
  const isQuiet = async () => {
    const { begun } = traffic;
    const isReading = await page.evaluate(async (quietMs) => {
      await new Promise((passed) => setTimeout(passed, quietMs));
      await new Promise((isIdle) => requestIdleCallback(isIdle));
      return document.querySelector('[data-skeleton], [aria-busy="true"]') !== null;
    }, QUIET_MS);
    return !isReading && traffic.underWay.size === 0 && traffic.begun === begun;
  };
  await expect.poll(isQuiet).toBe(true);
}
