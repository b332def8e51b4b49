/**
 * The run page in a real browser, against the built pages and the bundled workers: first
 * paint, frames under every gesture while a training job posts ten steps a second, memory,
 * the time from a post to its pixel with fifty viewers, and the opening of a run of very
 * many layers and metrics. The browser draws without a graphics card.
 *
 * Run: npm run bench -- ui [--layers 1000] [--steps 100000] [--seconds 6] [--posts 200]
 *      [--only paint,frames,latency,broad] [--ratio 1] [--profile DIRECTORY]
 * In a minute: npm run bench -- ui --steps 20000 --seconds 2 --posts 50
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Browser, CDPSession, Page } from 'playwright-core';
import { encodeFrames } from '../lib/contract/encode-frames';
import { openDatabase } from '../lib/store/database';
import { openBrowser } from '../tests/e2e/harness/browser';
import {
  buildPages,
  buildWorkers,
  startBenchProduct,
  startBenchServer,
  type BenchProduct,
} from './ingest/bench-product';
import { machineLine } from './shared/machine-line';
import { toQuantiles } from './shared/quantiles';
import { seededRandom } from '../tests/seeded-random';
import { loadLongRun } from './reads/load-run';
import { GESTURES, zoomToATenth } from './ui/gestures';
import {
  installProbe,
  readHeapBytes,
  readProcessorSeconds,
  readSteps,
  takeDraws,
  timeFrames,
  waitForFirstPaint,
} from './ui/page-probe';
import { startTraining } from './ui/training-order';

const { values: options } = parseArgs({
  options: {
    layers: { type: 'string', default: '1000' },
    steps: { type: 'string', default: '100000' },
    seconds: { type: 'string', default: '6' },
    posts: { type: 'string', default: '200' },
    only: { type: 'string', default: 'paint,frames,latency,broad' },
    gestures: { type: 'string', default: Object.keys(GESTURES).join(',') },
    ratio: { type: 'string', default: '1' },
    /** Where the processor profiles of the page's gestures go. */
    profile: { type: 'string' },
  },
});
const layers = Number(options.layers);
const steps = Number(options.steps);
const seconds = Number(options.seconds);
const parts = new Set(options.only.split(','));

const LIVE_PER_SECOND = 10;
const VIEWERS = 49;
const OPENINGS = 3;
const BROAD = { layers: 5000, metrics: 300, steps: 16 };
/** Steps of one post of the broad run: 6 MB each, and a post holds 32. */
const BROAD_STEPS_A_POST = 4;

/** "h.12.attn.c_proj": names that fall into groups as a transformer's do. */
const LAYERS_A_BLOCK = [
  'ln_1',
  'attn.q',
  'attn.k',
  'attn.v',
  'attn.o',
  'ln_2',
  'mlp.in',
  'mlp.out',
];
const layerName = (index: number): string =>
  `h.${Math.floor(index / LAYERS_A_BLOCK.length)}.${LAYERS_A_BLOCK[index % LAYERS_A_BLOCK.length]!}`;

const runUrl = (product: BenchProduct, id: string): string => `${product.url}/runs/${id}`;

async function openPage(browser: Browser): Promise<{ page: Page; cdp: CDPSession }> {
  const context = await browser.newContext({
    viewport: { width: 1440, height: 900 },
    deviceScaleFactor: Number(options.ratio),
    colorScheme: 'dark',
  });
  const page = await context.newPage();
  page.on('pageerror', (error) => console.error(`exception in the page: ${error.message}`));
  page.on('console', (message) => {
    if (message.type() === 'error') console.error(`the page says: ${message.text()}`);
  });
  await installProbe(page);
  return { page, cdp: await context.newCDPSession(page) };
}

async function closePage(page: Page): Promise<void> {
  await page.context().close();
}

async function postJson(url: string, body: unknown): Promise<void> {
  const reply = await fetch(url, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(body),
  });
  if (!reply.ok) throw new Error(`${url}: ${reply.status} ${await reply.text()}`);
}

async function createRun(product: BenchProduct, id: string, layerCount: number): Promise<void> {
  await postJson(`${product.url}/api/v1/runs`, {
    project: 'bench',
    id,
    optimizer: { name: 'adamw', beta1: 0.9, beta2: 0.95, epsilon: 1e-8 },
    layers: Array.from({ length: layerCount }, (_, index) => ({
      name: layerName(index),
      parameterCount: 1000,
    })),
  });
}

const report = (name: string, text: string, bar: string): void =>
  console.log(`${name.padEnd(38)} ${text}${bar === '' ? '' : `   bar ${bar}`}`);
const milliseconds = (values: readonly number[]): string => {
  const { p50, p95, highest } = toQuantiles(values);
  return `p50 ${p50.toFixed(0)} ms, p95 ${p95.toFixed(0)} ms, highest ${highest.toFixed(0)} ms`;
};
const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(0)} MB`;

async function measureFirstPaint(browser: Browser, product: BenchProduct): Promise<void> {
  for (const kind of ['no cache', 'code in the cache'] as const) {
    const times: number[] = [];
    const heaps: number[] = [];
    const { page: kept } = await openPage(browser);
    for (let opening = 0; opening < OPENINGS + 1; opening++) {
      const { page, cdp } =
        kind === 'no cache' ? await openPage(browser) : { page: kept, cdp: null };
      if (opening > 0 && cdp === null) await page.goto('about:blank');
      await page.goto(runUrl(product, 'large'), { waitUntil: 'commit' });
      const paintMs = await waitForFirstPaint(page);
      // The first opening warms the server; it is no person's.
      if (opening > 0) times.push(paintMs);
      if (cdp !== null) {
        await page.waitForLoadState('networkidle');
        heaps.push(await readHeapBytes(cdp, true));
        await closePage(page);
      }
    }
    await closePage(kept);
    report(`first paint, ${kind}`, milliseconds(times), '1500 ms');
    if (heaps.length > 0) report('heap once all is read', megabytes(Math.max(...heaps)), '300 MB');
  }
}

async function profileOf(cdp: CDPSession, name: string, act: () => Promise<void>): Promise<void> {
  if (options.profile === undefined) return act();
  await cdp.send('Profiler.enable');
  await cdp.send('Profiler.setSamplingInterval', { interval: 500 });
  await cdp.send('Profiler.start');
  await act();
  const { profile } = await cdp.send('Profiler.stop');
  mkdirSync(options.profile, { recursive: true });
  writeFileSync(join(options.profile, `${name}.cpuprofile`), JSON.stringify(profile));
}

async function measureFrames(browser: Browser, product: BenchProduct): Promise<void> {
  const { page, cdp } = await openPage(browser);
  await page.goto(runUrl(product, 'large'), { waitUntil: 'commit' });
  await waitForFirstPaint(page);
  await page.waitForLoadState('networkidle');
  const training = await startTraining({
    url: product.url,
    runId: 'large',
    layers,
    firstStep: steps,
    posts: Number.MAX_SAFE_INTEGER,
    postsPerSecond: LIVE_PER_SECOND,
    viewers: 0,
  });
  let highestHeap = 0;
  for (const name of options.gestures.split(',')) {
    const gesture = GESTURES[name];
    if (gesture === undefined) throw new Error(`there is no gesture named "${name}"`);
    if (name === 'pan') await zoomToATenth(page, cdp);
    const sampling = setInterval(() => {
      readHeapBytes(cdp, false).then(
        (bytes) => (highestHeap = Math.max(highestHeap, bytes)),
        () => undefined,
      );
    }, 500);
    await profileOf(cdp, name, async () => {
      const before = await readProcessorSeconds(browser);
      const startMs = performance.now();
      const times = await timeFrames(page, () => gesture(page, cdp, seconds));
      const took = (performance.now() - startMs) / 1000;
      const after = await readProcessorSeconds(browser);
      const share = (from: number, to: number) => `${(((to - from) / took) * 100).toFixed(0)} %`;
      report(
        `frames, ${name}`,
        `${times.framesPerSecond.toFixed(1)} a second, intervals p50 ${times.p50.toFixed(1)}, p95 ${times.p95.toFixed(1)}, longest ${times.longest.toFixed(0)} ms; heatmap drawn ${times.drawsPerSecond.toFixed(1)} times a second; of a core, page ${share(before.pages, after.pages)}, browser ${share(before.all, after.all)}`,
        name === 'watch' || name === 'crosshair' ? '' : '55',
      );
    });
    clearInterval(sampling);
    await page.keyboard.press('Escape');
  }
  training.stop();
  const { sent } = await training.done;
  const kept = await readHeapBytes(cdp, true);
  report('heap, highest before collection', megabytes(highestHeap), '300 MB');
  report('heap after all of it', `${megabytes(kept)}, ${sent.length} steps came live`, '300 MB');
  await closePage(page);
}

async function measureLatency(browser: Browser, product: BenchProduct): Promise<void> {
  const first = 400;
  await createRun(product, 'live', layers);
  const before = await startTraining({
    ...{ url: product.url, runId: 'live', layers, viewers: 0 },
    ...{ firstStep: 0, posts: first, postsPerSecond: 200 },
  });
  await before.done;
  const { page } = await openPage(browser);
  await page.goto(runUrl(product, 'live'), { waitUntil: 'commit' });
  await waitForFirstPaint(page);
  await page.waitForLoadState('networkidle');
  await readSteps(page);
  const training = await startTraining({
    ...{ url: product.url, runId: 'live', layers, viewers: VIEWERS },
    ...{ firstStep: first, posts: Number(options.posts), postsPerSecond: LIVE_PER_SECOND },
  });
  const { sent, acknowledgedMs, viewerMessages } = await training.done;
  const lastStep = sent.at(-1)?.[0] ?? 0;
  await page.waitForFunction(
    (step) => window.spikescopeProbe.draws.some(({ newestStep }) => (newestStep ?? -1) >= step),
    lastStep,
    { timeout: 10_000, polling: 20 },
  );
  const draws = await takeDraws(page);
  const delays = sent.map(([step, atMs]) => {
    const draw = draws.find(({ newestStep }) => newestStep !== null && newestStep >= step);
    return draw === undefined ? Infinity : draw.shownAtMs - atMs;
  });
  report('POST to acknowledgement', milliseconds(acknowledgedMs), '');
  report(`POST to pixel, ${VIEWERS + 1} viewers`, milliseconds(delays), 'p95 250 ms');
  report(
    '  messages that the sockets got',
    `${viewerMessages} of ${VIEWERS * sent.length} steps`,
    '',
  );
  await closePage(page);
}

async function measureBroadRun(browser: Browser, product: BenchProduct): Promise<void> {
  await createRun(product, 'broad', BROAD.layers);
  const random = seededRandom(3);
  const names = [
    'gradient_norm',
    ...Array.from({ length: BROAD.metrics }, (_, index) => `custom_${index}`),
  ];
  const columns = new Map(
    names.map((name) => [name, Float32Array.from({ length: BROAD.layers }, random)]),
  );
  for (let first = 0; first < BROAD.steps; first += BROAD_STEPS_A_POST) {
    const frames = Array.from({ length: BROAD_STEPS_A_POST }, (_, index) => ({
      step: first + index,
      wallTime: 1.7e9 + first + index,
      scalars: new Map([['loss', 3 + random()]]),
      layerCount: BROAD.layers,
      layerMetrics: columns,
      histograms: new Map(),
      samples: null,
    }));
    const reply = await fetch(`${product.url}/api/v1/runs/broad/frames`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/vnd.safetensors' },
      body: encodeFrames(frames),
    });
    if (!reply.ok) throw new Error(`step ${first}: ${reply.status} ${await reply.text()}`);
  }
  const times: number[] = [];
  for (let opening = 0; opening < OPENINGS + 1; opening++) {
    const { page } = await openPage(browser);
    await page.goto(runUrl(product, 'broad'), { waitUntil: 'commit' });
    const paintMs = await waitForFirstPaint(page);
    if (opening > 0) times.push(paintMs);
    await closePage(page);
  }
  const name = `opening, ${BROAD.layers} layers × ${BROAD.metrics} metrics`;
  report(name, milliseconds(times), '3000 ms');
}

await buildWorkers();
await buildPages();
const server = await startBenchServer();
const browser = await openBrowser();
try {
  console.log(machineLine(`Chromium ${browser.version()}`));
  const product = await startBenchProduct(server, 'ui', null, { hasPages: true });
  if (parts.has('paint') || parts.has('frames')) {
    const db = openDatabase({ url: product.databaseUrl, maxConnections: 4 });
    const startMs = performance.now();
    await loadLongRun(db, product.databaseUrl, {
      id: 'large',
      layerCount: layers,
      stepCount: steps,
      hasAllBlocks: true,
      extreme: { step: Math.floor(steps * 0.6180339), layer: Math.floor(layers / 3), value: 1e6 },
      layerName,
    });
    await db.pool.query('VACUUM ANALYZE');
    await db.pool.query('CHECKPOINT');
    await db.close();
    const took = ((performance.now() - startMs) / 1000).toFixed(0);
    console.log(`${layers} layers × ${steps} steps loaded in ${took} s`);
  }
  if (parts.has('paint')) await measureFirstPaint(browser, product);
  if (parts.has('frames')) await measureFrames(browser, product);
  if (parts.has('latency')) await measureLatency(browser, product);
  if (parts.has('broad')) await measureBroadRun(browser, product);
  await product.stop();
} finally {
  await browser.close();
  await server.stop();
}
