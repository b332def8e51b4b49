import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { runSchema } from '@/lib/contract/runs';
import { findDifference, shrinkPicture } from './harness/picture-difference';
import { ROOT } from './harness/product';
import { waitForQuiet } from './harness/quiet';
import { importRecordedRun, RECORDED_RUNS } from './harness/recorded-run';
import { waitForHeatmap } from './harness/run-page';
import { openSite } from './harness/site';
import { pathOfSpike } from './harness/spike-page';
import { postJson } from './harness/training-job';

/**
 * Every screen against a picture of it that somebody has looked at. To renew them, after a
 * change of looks: `npm test -- --update-pictures`, then look at what has changed before it is kept.
 */
const isUpdating = process.env['SPIKESCOPE_UPDATE_PICTURES'] === '1';
const PICTURES = join(ROOT, 'tests/e2e/pictures');
/** Where what differs is left to be looked at. */
const REJECTED = join(ROOT, '.build/pictures');

/** A share of pixels that letters of another rasteriser stay under, and no change of a chart does. */
const TOLERATED_SHARE = 0.004;
/** Ages are told in whole hours here: both runs are heard of within the same one. */
const AGE_MS = 3.5 * 3600 * 1000;

const SIZES = [
  { size: 'wide', width: 1440, height: 900, shrink: 3 },
  { size: 'phone', width: 390, height: 844, shrink: 2 },
] as const;
const LOOKS = SIZES.flatMap((size) =>
  (['dark', 'light'] as const).map((colorScheme) => ({ ...size, colorScheme })),
);

const firstLoss = (page: Page) =>
  page
    .getByRole('img', { name: /^Loss of/ })
    .first()
    .waitFor();
const firstImage = (page: Page) => page.getByRole('img').first().waitFor();

interface Screen {
  readonly name: string;
  /** Ids of spikes are known once the runs are there. */
  readonly path: string | (() => Promise<string>);
  readonly isThere: (page: Page) => Promise<unknown>;
}

/** Rules of a project whose runs have none: nothing of theirs opens, and no age is told. */
const RULES = [
  { name: 'Loss spikes', severity: 'page', condition: { kind: 'loss_spike' } },
  { name: 'Not finite', severity: 'page', condition: { kind: 'non_finite', closeAfter: 5 } },
  {
    name: 'Loss above its usual level',
    severity: 'warn',
    condition: { kind: 'z_score', metric: 'loss', z: 8, closeAfter: 5 },
  },
  { name: 'Silence', severity: 'note', condition: { kind: 'no_data', minutes: 30 } },
] as const;

const SCREENS: readonly Screen[] = [
  { name: 'runs', path: '/', isThere: firstLoss },
  {
    name: 'postmortem',
    path: () => pathOfSpike(site.url, 'B_spontaneous_spike', 318),
    isThere: (page) =>
      page
        .getByRole('region', { name: /^Step / })
        .getByRole('img')
        .last()
        .waitFor(),
  },
  {
    name: 'spikes',
    path: '/spikes',
    isThere: (page) => page.getByRole('link', { name: '318' }).first().waitFor(),
  },
  {
    name: 'alert-rules',
    path: '/alerts?part=rules&project=char-lm',
    isThere: (page) => page.getByRole('button', { name: 'Edit Silence' }).waitFor(),
  },
  ...RECORDED_RUNS.flatMap((run) => {
    const letter = run.charAt(0);
    const step = letter === 'B' ? 318 : 300;
    return [
      { name: `run-${letter}`, path: `/runs/${run}`, isThere: waitForHeatmap },
      { name: `run-${letter}-paper`, path: `/runs/${run}?layout=paper`, isThere: waitForHeatmap },
      { name: `layer-${letter}`, path: `/runs/${run}/layers/9?step=${step}`, isThere: firstImage },
    ];
  }),
];

const site = openSite();
let nowMs: number;

beforeAll(async () => {
  const heard = [];
  for (const run of RECORDED_RUNS) {
    await importRecordedRun(site.url, run);
    const reply = await fetch(`${site.url}/api/v1/runs/${run}`);
    heard.push(Date.parse(runSchema.parse(await reply.json()).lastFrameAt!));
  }
  nowMs = Math.max(...heard) + AGE_MS;
  const project = `${site.url}/api/v1/projects/char-lm`;
  const channel = await postJson(`${project}/alert-channels`, {
    name: 'on call',
    target: { kind: 'webhook', url: 'https://hooks.example.org/spikes' },
  });
  const { id } = channel as { id: string };
  for (const rule of RULES) {
    const channelIds = rule.severity === 'page' ? [id] : [];
    await postJson(`${project}/alert-rules`, { ...rule, channelIds });
  }
});

/** The page once nothing on it changes any more. */
async function takePicture(page: Page): Promise<Buffer> {
  await page.evaluate(() => document.fonts.ready.then(() => undefined));
  let before = await page.screenshot();
  let after = before;
  await expect
    .poll(
      async () => {
        before = after;
        after = await page.screenshot();
        return before.equals(after);
      },
      { timeout: 30_000, interval: 400 },
    )
    .toBe(true);
  return after;
}

describe.each(LOOKS)('$size, $colorScheme', ({ size, width, height, shrink, colorScheme }) => {
  // A phone has one layout of a run.
  const screens = SCREENS.filter(({ name }) => size === 'wide' || !name.endsWith('-paper'));
  it.each(screens)('$name looks as it did', async ({ name, path, isThere }) => {
    const { page } = await site.openPage({
      width,
      height,
      colorScheme,
      timezoneId: 'UTC',
    });
    await page.clock.setFixedTime(nowMs);
    await page.goto(`${site.url}${typeof path === 'string' ? path : await path()}`);
    await isThere(page);
    await waitForQuiet(page);
    const actual = await shrinkPicture(page, await takePicture(page), shrink);

    const file = `${name}-${size}-${colorScheme}.png`;
    if (isUpdating) {
      mkdirSync(PICTURES, { recursive: true });
      writeFileSync(join(PICTURES, file), actual);
      return;
    }
    const reference = join(PICTURES, file);
    expect(existsSync(reference), `${file}: run "npm test -- --update-pictures" once`).toBe(true);
    const { share, where } = await findDifference(page, readFileSync(reference), actual);
    if (share > TOLERATED_SHARE) {
      mkdirSync(REJECTED, { recursive: true });
      writeFileSync(join(REJECTED, file), actual);
    }
    expect(
      share,
      `${file} differs at ${where.join(' ')}; what was seen lies in ${REJECTED}`,
    ).toBeLessThanOrEqual(TOLERATED_SHARE);
  });
});

describe('the comparison', () => {
  const paint = (page: Page, draw: string) =>
    page.evaluate((body) => {
      const canvas = document.createElement('canvas');
      canvas.width = canvas.height = 120;
      const context = canvas.getContext('2d')!;
      context.fillStyle = '#0f1113';
      context.fillRect(0, 0, 120, 120);
      // eslint-disable-next-line @typescript-eslint/no-implied-eval
      (new Function('context', body) as (c: CanvasRenderingContext2D) => void)(context);
      return canvas.toDataURL('image/png').split(',')[1]!;
    }, draw);
  const compare = async (page: Page, one: string, other: string) =>
    findDifference(
      page,
      Buffer.from(await paint(page, one), 'base64'),
      Buffer.from(await paint(page, other), 'base64'),
    );
  const line = (y: number) => `context.fillStyle='#dde1e4';context.fillRect(0,${y},120,2)`;

  it('forgives a pixel to the side and sees a line that moved, went or changed its colour', async () => {
    const { page } = await site.openPage();
    expect((await compare(page, line(50), line(51))).share).toBe(0);
    expect((await compare(page, line(50), line(56))).share).toBeGreaterThan(TOLERATED_SHARE);
    expect((await compare(page, line(50), '')).share).toBeGreaterThan(TOLERATED_SHARE);
    const orange = line(50).replace('#dde1e4', '#ff6b4a');
    expect((await compare(page, line(50), orange)).share).toBeGreaterThan(TOLERATED_SHARE);
  });
});
