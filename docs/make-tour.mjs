/**
 * Takes the pictures of docs/tour.md and of the README from a running product:
 *
 *   npm start
 *   npm run import -- tests/fixtures/recorded/loss_spike_reset.jsonl.gz
 *   npm run import -- tests/fixtures/recorded/loss_spike_clip.jsonl.gz
 *   npm run import -- tests/fixtures/recorded/loss_spike_none.jsonl.gz
 *   node docs/make-tour.mjs http://127.0.0.1:3000
 *
 * The page's clock stands three and a half hours after the run was last heard of, so that a
 * second run of this script gives the same pictures.
 */
import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import { findChromium } from '../workers/launcher/find-chromium.mjs';

const IMAGES = join(dirname(fileURLToPath(import.meta.url)), 'images');
const RUN = 'loss_spike_none';
const AGE_MS = 3.5 * 3600 * 1000;
const WIDE = { width: 1440, height: 900 };
const PHONE = { width: 390, height: 844 };

const heatmap = (page) => page.getByRole('img', { name: / layers over steps / }).waitFor();
const image = (page) => page.getByRole('img').first().waitFor();

/** What is photographed: an address, what must be there, and what is done before. */
function scenes(spikeId) {
  const run = `/runs/${RUN}`;
  // Below ε a cell is blue. The loss leaves its level at 277 and peaks at 279; layer 2 is the first attention.
  const metric = 'metric=gradient_rms';
  const spike = `${metric}&steps=256-305&step=277&layer=2`;
  return [
    { file: 'run-dark.png', path: `${run}?${metric}`, isThere: heatmap },
    {
      file: 'tour-runs.png',
      path: '/',
      isThere: (page) =>
        page
          .getByRole('img', { name: /^Loss of/ })
          .nth(1)
          .waitFor(),
    },
    { file: 'tour-spike.png', path: `${run}?${spike}`, isThere: heatmap },
    {
      file: 'tour-paper.png',
      path: `${run}?layout=paper&${spike}`,
      isThere: heatmap,
      theme: 'light',
    },
    { file: 'tour-layer.png', path: `${run}/layers/2?step=278`, isThere: image },
    {
      file: 'tour-postmortem.png',
      path: `${run}/spikes/${spikeId}`,
      isThere: image,
      theme: 'light',
    },
    {
      file: 'tour-palette.png',
      path: `${run}?${metric}`,
      isThere: heatmap,
      then: async (page) => {
        await page.keyboard.press('Control+k');
        await page.getByRole('dialog', { name: 'Search' }).waitFor();
        await page.keyboard.type('h.3');
        await page.getByRole('option', { name: /^h\.3/ }).first().waitFor();
      },
    },
    {
      file: 'tour-alerts.png',
      path: '/alerts?part=rules&rule=new',
      isThere: (page) => page.getByRole('combobox', { name: 'Condition' }).waitFor(),
      then: async (page) => {
        await page.getByRole('combobox', { name: 'Condition' }).selectOption('stage');
        await page.getByText('1 layer at armed or worse').first().waitFor();
      },
    },
    {
      file: 'tour-across.png',
      path: '/spikes',
      isThere: (page) => page.getByRole('link', { name: 'loss_spike_none' }).waitFor(),
      theme: 'light',
    },
    { file: 'tour-phone.png', path: `${run}?${spike}`, isThere: heatmap, size: PHONE },
  ];
}

async function readJson(url) {
  const reply = await fetch(url);
  if (!reply.ok)
    throw new Error(`${url} answered ${reply.status}: are the recorded runs imported?`);
  return reply.json();
}

/** Two screenshots in a row that are the same. */
async function takeStill(page, path) {
  await page.evaluate(() => document.fonts.ready.then(() => undefined));
  for (let before = null, tries = 0; tries < 40; tries++) {
    const now = await page.screenshot({ path });
    if (before !== null && before.equals(now)) return;
    before = now;
    await page.waitForTimeout(400);
  }
  throw new Error(`${page.url()} does not come to rest`);
}

const url = process.argv[2] ?? 'http://127.0.0.1:3000';
const executablePath = findChromium();
if (executablePath === null)
  throw new Error('Install Chromium, or set CHROMIUM_PATH to a browser.');
const [{ lastFrameAt }, { items }] = await Promise.all([
  readJson(`${url}/api/v1/runs/${RUN}`),
  readJson(`${url}/api/v1/runs/${RUN}/spikes?kind=loss_spike`),
]);
mkdirSync(IMAGES, { recursive: true });
const browser = await chromium.launch({ executablePath, headless: true, args: ['--no-sandbox'] });
try {
  for (const { file, path, isThere, then, theme = 'dark', size = WIDE } of scenes(items[0].id)) {
    const context = await browser.newContext({
      viewport: size,
      colorScheme: theme,
      reducedMotion: 'reduce',
      timezoneId: 'UTC',
      deviceScaleFactor: size === PHONE ? 2 : 1,
    });
    const page = await context.newPage();
    await page.clock.setFixedTime(Date.parse(lastFrameAt) + AGE_MS);
    await page.goto(`${url}${path}`);
    await isThere(page);
    await page.waitForLoadState('networkidle');
    await then?.(page);
    await takeStill(page, join(IMAGES, file));
    process.stdout.write(`${file}\n`);
    await context.close();
  }
} finally {
  await browser.close();
}
