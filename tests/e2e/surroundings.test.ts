import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { waitForQuiet } from './harness/quiet';
import {
  gotoRun,
  heatmapOf,
  readOutOf,
  readPixels,
  readSettledPixels,
  surfaceOf,
  waitForHeatmap,
} from './harness/run-page';
import { openSite } from './harness/site';
import { quietFrames, startJob, type TrainingJob } from './harness/training-job';

const LAYERS = ['wte', 'h.0.attn', 'h.0.mlp', 'lm_head'];

/** A page of somebody else's that holds one of ours within a frame. */
let wiki: { readonly allowed: string; readonly foreign: string; readonly close: () => void };

async function startWiki(): Promise<typeof wiki> {
  const server = createServer((request, response) => {
    const src = new URL(request.url ?? '/', 'http://x').searchParams.get('src') ?? '';
    response.setHeader('Content-Type', 'text/html');
    response.end(
      `<!doctype html><title>wiki</title><iframe src="${src}" width="1000" height="700">`,
    );
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    allowed: `http://127.0.0.1:${port}`,
    foreign: `http://localhost:${port}`,
    close: () => server.close(),
  };
}

beforeAll(async () => {
  wiki = await startWiki();
});
// After the other page is there: the product is told where.
const site = openSite({ environment: () => ({ SPIKESCOPE_EMBED_ORIGINS: wiki.allowed }) });
let job: TrainingJob;
beforeAll(async () => {
  job = await startJob({ url: site.url, runId: 'framed', layers: LAYERS });
  await job.post(quietFrames(1, 60, LAYERS.length));
});
afterAll(() => wiki.close());

describe('a view within another page', () => {
  const embed = (page: Page, origin: string, query: string) =>
    page.goto(`${origin}/?src=${encodeURIComponent(`${site.url}/runs/framed${query}`)}`);

  it('is the view alone, and live', async () => {
    const { page, takeFaults } = await site.openPage();
    await embed(page, wiki.allowed, '?embed=1&theme=light');
    const frame = page.frameLocator('iframe');
    const heatmap = frame.getByRole('img', { name: / layers over steps / });
    await heatmap.waitFor();
    await expect.poll(() => frame.getByRole('banner').isVisible()).toBe(false);
    await expect.poll(() => frame.getByRole('complementary').isVisible()).toBe(false);
    await expect.poll(() => frame.locator('html').getAttribute('data-theme')).toBe('light');
    const { width: whole } = (await page.locator('iframe').boundingBox())!;
    const { width } = (await frame.locator('[data-plot]').boundingBox())!;
    expect(width).toBeGreaterThan(0.95 * whole);

    await expect.poll(() => heatmap.getAttribute('aria-label')).toContain('steps 1 to');
    const before = await readPixels(heatmap);
    await job.post([{ step: 61, loss: 3.9, layers: { gradient_norm: [9, 9, 9, 9] } }]);
    await expect.poll(() => readPixels(heatmap)).not.toBe(before);
    expect(takeFaults()).toEqual([]);
  });

  it.each([
    ['an origin that is not named', () => wiki.foreign, '?embed=1'],
    ['an address that does not ask for it', () => wiki.allowed, '?metric=rms'],
  ])('is refused to %s', async (_, originOf, query) => {
    const { page, takeFaults } = await site.openPage();
    await embed(page, originOf(), query);
    await expect.poll(() => takeFaults().join()).toContain('frame-ancestors');
    await expect.poll(() => page.frameLocator('iframe').locator('[data-plot]').count()).toBe(0);
  });
});

describe('on paper', () => {
  it('stands in its light theme, without bars, no wider than the paper', async () => {
    const { page, takeFaults } = await site.openPage({ colorScheme: 'dark' });
    await gotoRun(page, `${site.url}/runs/framed`);
    const dark = await readSettledPixels(heatmapOf(page));
    await page.emulateMedia({ media: 'print' });
    await expect.poll(() => page.locator('html').getAttribute('data-theme')).toBe('light');
    await expect.poll(() => readPixels(heatmapOf(page))).not.toBe(dark);
    // Words in the titles of plots and colours are menus too, and stay: they say what is drawn.
    const tools = page.getByRole('region', { name: 'View' });
    await page.getByText(/^end-to-end \/ .*, attempt 1$/).waitFor();
    for (const gone of [
      page.getByRole('banner'),
      page.getByRole('complementary'),
      tools.getByRole('combobox', { name: 'Metric' }),
      tools.getByRole('combobox', { name: 'Layer order' }),
      tools.getByRole('radiogroup'),
    ]) {
      await expect.poll(() => gone.filter({ visible: true }).count()).toBe(0);
    }
    const rightmost = () =>
      page.evaluate(() => {
        const boxes = [...document.querySelectorAll('[data-plot] *, [data-legend]')].map(
          (element) => (element.checkVisibility() ? element.getBoundingClientRect().right : 0),
        );
        return Math.max(...boxes);
      });
    // 277 mm of A4 across, at 96 px an inch; one pixel for rounding.
    await expect.poll(rightmost).toBeLessThanOrEqual(1047 + 1);

    await page.emulateMedia({ media: 'screen' });
    await expect.poll(() => page.locator('html').getAttribute('data-theme')).toBe('dark');
    await expect.poll(() => readPixels(heatmapOf(page))).toBe(dark);
    await expect.poll(() => new URL(page.url()).searchParams.get('theme')).toBeNull();
    expect(takeFaults()).toEqual([]);
  });

  it('fits on one page', async () => {
    const { page } = await site.openPage();
    await gotoRun(page, `${site.url}/runs/framed`);
    const pdf = await page.pdf({ preferCSSPageSize: true, printBackground: true });
    const pages = pdf.toString('latin1').match(/\/Type\s*\/Page[^s]/g);
    expect(pages).toHaveLength(1);
  });
});

describe('while a page is being read', () => {
  it.each(['/', '/runs/framed', '/runs/framed?layout=paper', '/runs/framed/layers/1?step=40'])(
    'nothing on %s moves what is there already',
    async (path) => {
      const { page } = await site.openPage();
      await page.addInitScript(() => {
        const shifts: { value: number; what: string[] }[] = [];
        Object.assign(window, { shifts });
        new PerformanceObserver((list) => {
          for (const entry of list.getEntries()) {
            const { value, sources } = entry as PerformanceEntry & {
              value: number;
              sources: { node: Node | null }[];
            };
            const what = sources.map(({ node }) => (node as Element | null)?.textContent ?? '');
            shifts.push({ value, what: what.map((text) => text.slice(0, 60)) });
          }
        }).observe({ type: 'layout-shift', buffered: true });
      });
      await page.goto(`${site.url}${path}`);
      await waitForQuiet(page);
      const shifts = await page.evaluate(
        () => (window as unknown as { shifts: { value: number; what: string[] }[] }).shifts,
      );
      const sum = shifts.reduce((total, { value }) => total + value, 0);
      // Up to 0.1 is called good; the side panel's own texts take a few hundredths.
      expect(sum, JSON.stringify(shifts)).toBeLessThan(0.05);
    },
  );
});

describe('a connection that is lost', () => {
  it('is told in a banner, and the page catches up once the worker is back', async () => {
    const lost = await startJob({ url: site.url, runId: 'lost', layers: LAYERS });
    await lost.post(quietFrames(1, 30, LAYERS.length));
    const { page } = await site.openPage();
    await gotoRun(page, `${site.url}/runs/lost`);
    await page.getByText(/^Live/).first().waitFor();
    // It may stand for a moment only: the worker is back within a second or two.
    await page.evaluate(() => {
      const said: string[] = [];
      Object.assign(window, { said });
      const note = () => said.push(document.querySelector('[data-connection]')?.textContent ?? '');
      new MutationObserver(note).observe(document.body, {
        childList: true,
        subtree: true,
        characterData: true,
      });
    });
    const from = site.product.output().length;
    process.kill(site.product.pidOf('ingest'), 'SIGKILL');
    const said = () =>
      page.evaluate(() => (window as unknown as { said: string[] }).said.join('\n'));
    await expect.poll(said).toContain('Connection lost at step 30.');
    await expect
      .poll(said)
      .toMatch(/Showing what was received; (next try in \d+ s|trying again)\./);

    await site.product.said('[ingest] started again', from);
    await expect
      .poll(() => lost.post(quietFrames(31, 40, LAYERS.length)).then(() => 'answered', String), {
        timeout: 60_000,
        interval: 200,
      })
      .toBe('answered');
    await expect.poll(() => page.locator('[data-connection]').count()).toBe(0);
    await surfaceOf(page).focus();
    await expect
      .poll(
        async () => {
          await page.keyboard.press('End');
          return readOutOf(page).textContent();
        },
        { timeout: 60_000, interval: 500 },
      )
      .toContain('step 70');
    await waitForHeatmap(page);
  });
});
