import type { Page } from 'playwright-core';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { incidentsReplySchema } from '@/lib/contract/incidents';
import { spikesReplySchema } from '@/lib/contract/reads';
import { findAccessibilityFaults, type PageOptions } from './harness/browser';
import { waitForQuiet } from './harness/quiet';
import { importRecordedRun } from './harness/recorded-run';
import { surfaceOf, waitForHeatmap } from './harness/run-page';
import { RECORDED_RUN, SCREENS } from './harness/screens';
import { openSite } from './harness/site';
import { postJson, quietFrames, startJob, type Frame } from './harness/training-job';

const LAYERS = ['wte', 'h.0.attn', 'h.0.mlp', 'lm_head'];

const site = openSite();

/** Distributions of every layer: a hump in the middle, two counts outside. */
function withHistograms(frame: Frame): Frame {
  const edges = Array.from({ length: 33 }, (_, index) => (index - 16) / 8);
  const counts = LAYERS.map(() =>
    Array.from({ length: 32 }, (_, bin) => Math.round(1000 * Math.exp(-(((bin - 15.5) / 6) ** 2)))),
  );
  const outside = LAYERS.map(() => [1, 1, 0, 0]);
  const histogram = { edges, counts, outside };
  return { ...frame, histograms: { update: histogram, ratio: histogram } };
}

/** A rule that has found something and tells somebody. */
async function storeIncident(): Promise<void> {
  const project = `${site.url}/api/v1/projects/alarms`;
  const job = await startJob({
    url: site.url,
    runId: 'alarmed',
    project: 'alarms',
    layers: LAYERS,
  });
  await job.post(quietFrames(0, 40, LAYERS.length));
  const target = { kind: 'webhook', url: 'https://example.org/hook' };
  const channel = z
    .object({ id: z.string() })
    .parse(await postJson(`${project}/alert-channels`, { name: 'on call', target }));
  await postJson(`${project}/alert-rules`, {
    name: 'Loss too high',
    condition: { kind: 'threshold', metric: 'loss', limit: 6 },
    severity: 'page',
  });
  await postJson(`${project}/alert-rules`, {
    name: 'Silent',
    condition: { kind: 'no_data', minutes: 600 },
    channelIds: [channel.id],
    isEnabled: false,
  });
  await job.post(quietFrames(40, 1, LAYERS.length).map((frame) => ({ ...frame, loss: 9 })));
  await vi.waitFor(
    async () => {
      const reply = await fetch(`${site.url}/api/v1/incidents?runId=alarmed`);
      expect(incidentsReplySchema.parse(await reply.json()).total).toBe(1);
    },
    { timeout: 60_000, interval: 200 },
  );
}

/** Once for all looks, and only after the product was looked at empty. */
let stored: Promise<void> | null = null;
/** The first loss spike of the recorded run; its id stands for `{spike}` in an address. */
let spikeId = '';

async function storeRuns(): Promise<void> {
  const job = await startJob({ url: site.url, runId: 'seen', layers: LAYERS });
  await job.post(quietFrames(1, 60, LAYERS.length).map(withHistograms));
  await startJob({ url: site.url, runId: 'silent', layers: LAYERS });
  await importRecordedRun(site.url, RECORDED_RUN);
  const reply = await fetch(`${site.url}/api/v1/runs/${RECORDED_RUN}/spikes?kind=loss_spike`);
  spikeId = spikesReplySchema.parse(await reply.json()).items[0]!.id;
  await storeIncident();
}

const SIZES = { wide: [1440, 900], phone: [390, 844] } as const;
const LOOKS = (['dark', 'light'] as const).flatMap((colorScheme) =>
  (['wide', 'phone'] as const).map((size) => ({
    colorScheme,
    size,
    options: { colorScheme, width: SIZES[size][0], height: SIZES[size][1] } satisfies PageOptions,
  })),
);

// First, since it can be seen only before the first run.
describe('an empty product', () => {
  it.each(LOOKS)('greets in the $colorScheme theme, $size', async ({ options }) => {
    const { page, takeFaults } = await site.openPage(options);
    await page.goto(site.url);
    await page.getByText('/api/v1/runs').first().waitFor();
    expect(await findAccessibilityFaults(page)).toEqual([]);
    expect(takeFaults()).toEqual([]);
  });
});

describe.each(LOOKS)('in the $colorScheme theme, $size', ({ options }) => {
  beforeAll(() => (stored ??= storeRuns()));

  it.each(SCREENS)('shows $name without a fault', async ({ path, open, hasFailure }) => {
    const { page, takeFaults } = await site.openPage(options);
    await page.goto(`${site.url}${path.replace('{spike}', spikeId)}`);
    await open(page);
    expect(await findAccessibilityFaults(page)).toEqual([]);
    const faults = takeFaults();
    expect(
      hasFailure === true ? faults.filter((fault) => /^exception/.test(fault)) : faults,
    ).toEqual([]);
  });
});

describe('by keyboard', () => {
  beforeAll(() => (stored ??= storeRuns()));

  /** Whether the focused element, or the control it is part of, has a ring around it. */
  const readFocus = (page: Page) =>
    page.evaluate(() => {
      const element = document.activeElement;
      if (element === null || element === document.body) return null;
      let ring = 0;
      // The ring of a control is its frame's, that of a run's name its row's.
      for (let part: Element | null = element, up = 0; part !== null && up < 6; up++) {
        const { outlineStyle, outlineWidth } = getComputedStyle(part);
        if (outlineStyle !== 'none') ring = Math.max(ring, parseFloat(outlineWidth));
        part = part.parentElement;
      }
      const isNew = !element.hasAttribute('data-reached');
      element.setAttribute('data-reached', '');
      return { isNew, ring, what: element.outerHTML.slice(0, 120) };
    });

  it.each([
    ...['/', '/runs/seen', '/runs/seen/layers/2?step=40', '/spikes', '/api-reference', '/sign-in'],
    ...['/alerts', '/alerts?part=rules&project=alarms&rule=new', '/alerts?part=channels'],
  ])('every stop of %s shows that it has the focus', async (path) => {
    const { page } = await site.openPage();
    await page.goto(`${site.url}${path}`);
    await waitForQuiet(page);
    const unseen: string[] = [];
    let stops = 0;
    for (; ; stops += 1) {
      await page.keyboard.press('Tab');
      const focus = await readFocus(page);
      if (focus?.isNew !== true) break;
      if (focus.ring < 2) unseen.push(focus.what);
    }
    expect(unseen).toEqual([]);
    expect(stops).toBeGreaterThan(0);
  });

  it('reads out the cell that the arrows go to, with step, layer and value', async () => {
    const { page } = await site.openPage();
    await page.goto(`${site.url}/runs/seen`);
    await waitForHeatmap(page);
    await surfaceOf(page).focus();
    await page.keyboard.press('End');
    const said = () => page.getByRole('status').filter({ hasText: /^Step/ }).first().textContent();
    await expect.poll(said).toMatch(/^Step 60, layer wte, gradient norm 0\.0\d+/);
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('ArrowLeft');
    await expect.poll(said).toMatch(/^Step 59, layer h\.0\.attn, gradient norm/);
  });
});

describe('motion', () => {
  beforeAll(() => (stored ??= storeRuns()));

  const countMoving = (page: Page) =>
    page.evaluate(() => {
      const durations = [...document.querySelectorAll('*')].flatMap((element) => {
        const { transitionDuration, animationName } = getComputedStyle(element);
        const longest = Math.max(...transitionDuration.split(',').map(parseFloat));
        return animationName === 'none' ? [longest] : [Infinity];
      });
      return {
        moving: durations.filter((seconds) => seconds > 0).length,
        longest: Math.max(...durations),
      };
    });

  it('ends within 120 ms, and is none for those who asked for none', async () => {
    const { page } = await site.openPage();
    for (const path of ['/', '/runs/seen', '/runs/seen/layers/2?step=40']) {
      await page.goto(`${site.url}${path}`);
      await waitForQuiet(page);
      await page.emulateMedia({ reducedMotion: 'no-preference' });
      const usual = await countMoving(page);
      expect(usual.moving).toBeGreaterThan(0);
      expect(usual.longest).toBeLessThanOrEqual(0.12);
      await page.emulateMedia({ reducedMotion: 'reduce' });
      expect(await countMoving(page)).toEqual({ moving: 0, longest: 0 });
    }
  });
});
