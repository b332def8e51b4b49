import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { incidentsReplySchema } from '@/lib/contract/incidents';
import { spikesReplySchema } from '@/lib/contract/reads';
import {
  findAccessibilityFaults,
  openBrowser,
  openPage,
  type PageOptions,
} from './harness/browser';
import { makeDataDir, startProduct, type Product } from './harness/product';
import { importRecordedRun } from './harness/recorded-run';
import { surfaceOf, waitForHeatmap } from './harness/run-page';
import { postJson, quietFrames, startJob, type Frame } from './harness/training-job';

const LAYERS = ['wte', 'h.0.attn', 'h.0.mlp', 'lm_head'];
const B = 'B_spontaneous_spike';

const { dataDir, remove } = makeDataDir();
let product: Product;
let browser: Browser;

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

beforeAll(async () => {
  [product, browser] = await Promise.all([startProduct({ dataDir }), openBrowser()]);
});
afterEach(async () => {
  for (const context of browser.contexts()) await context.close();
});
afterAll(async () => {
  await browser.close();
  await product.stop();
  remove();
});

/** A rule that has found something and tells somebody. */
async function storeIncident(): Promise<void> {
  const project = `${product.url}/api/v1/projects/alarms`;
  const job = await startJob({
    url: product.url,
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
      const reply = await fetch(`${product.url}/api/v1/incidents?runId=alarmed`);
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
  const job = await startJob({ url: product.url, runId: 'seen', layers: LAYERS });
  await job.post(quietFrames(1, 60, LAYERS.length).map(withHistograms));
  await startJob({ url: product.url, runId: 'silent', layers: LAYERS });
  await importRecordedRun(product.url, B);
  const reply = await fetch(`${product.url}/api/v1/runs/${B}/spikes?kind=loss_spike`);
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

interface Screen {
  readonly name: string;
  readonly path: string;
  /** Resolves once what the page asked for is there, and what is looked at is open. */
  readonly open: (page: Page) => Promise<unknown>;
  /** A reply that is no success is part of what is looked at. */
  readonly hasFailure?: boolean;
}

const dialog = (page: Page, name: string | RegExp) => page.getByRole('dialog', { name }).waitFor();
const seen = (page: Page, text: string | RegExp) => page.getByText(text).first().waitFor();
const firstImage = (page: Page) => page.getByRole('img').first().waitFor();

const SCREENS: readonly Screen[] = [
  {
    name: 'the runs list',
    path: '/',
    open: (page) =>
      page
        .getByRole('img', { name: /^Loss of/ })
        .first()
        .waitFor(),
  },
  {
    name: 'the runs list without a match',
    path: '/?q=nothing-is-called-that',
    open: (page) => seen(page, 'No run matches.'),
  },
  {
    name: 'runs compared',
    path: `/?runs=seen,${B}&losses=over&settings=all`,
    open: (page) => page.getByRole('figure', { name: 'Losses of the chosen runs' }).waitFor(),
  },
  { name: 'a run', path: `/runs/${B}`, open: waitForHeatmap },
  {
    name: 'a run in the layout of the paper',
    path: `/runs/${B}?layout=paper`,
    open: waitForHeatmap,
  },
  {
    name: 'a run with its crosshair pinned and its stages shown',
    path: '/runs/seen?step=40&layer=2&loss=linear&order=type',
    open: waitForHeatmap,
  },
  { name: 'a run within another page', path: `/runs/${B}?embed=1`, open: waitForHeatmap },
  {
    name: 'a run without frames',
    path: '/runs/silent',
    open: (page) => seen(page, /^No frames yet/),
  },
  {
    name: 'a run that is none',
    path: '/runs/nowhere',
    open: (page) => seen(page, 'There is no such run.'),
    hasFailure: true,
  },
  { name: 'a layer', path: '/runs/seen/layers/2?step=40', open: firstImage },
  {
    name: 'a layer without distributions',
    path: '/runs/silent/layers/0',
    open: (page) => seen(page, /posts no distributions/),
    hasFailure: true,
  },
  {
    name: 'a layer that is none',
    path: '/runs/seen/layers/99',
    open: (page) => seen(page, /has no layer 99/),
  },
  {
    name: 'a postmortem',
    path: `/runs/${B}/spikes/{spike}`,
    open: firstImage,
  },
  {
    name: 'a postmortem of a spike that is none',
    path: `/runs/${B}/spikes/nothing`,
    open: (page) => page.getByRole('alert').first().waitFor(),
    hasFailure: true,
  },
  {
    name: 'spikes of all runs in groups',
    path: '/spikes?groupBy=mover_layer',
    open: (page) => page.getByRole('table', { name: /^Spikes by/ }).waitFor(),
  },
  {
    name: 'spikes of all runs where none matches',
    path: '/spikes?layer=nowhere',
    open: (page) => seen(page, 'No spike matches.'),
  },
  {
    name: 'a question that is none',
    path: '/spikes?layer=/(/',
    open: (page) =>
      page
        .getByRole('alert')
        .filter({ hasText: /^Layer: / })
        .waitFor(),
    hasFailure: true,
  },
  {
    name: 'stages of all runs',
    path: '/spikes?view=stages&stages.stage=recovering',
    open: (page) => seen(page, /^(No layer reached|Showing)/),
  },
  {
    name: 'batches of all runs',
    path: '/spikes?view=recurring',
    open: (page) => seen(page, /^No two runs say/),
  },
  {
    name: 'two courses compared',
    path: `/compare?left=${B}~1~318&right=${B}~1~552`,
    open: (page) => page.getByRole('img', { name: /^Loss and gradient norm of/ }).waitFor(),
  },
  {
    name: 'what a course can be compared with',
    path: `/compare?left=${B}~1~318`,
    open: (page) => page.getByRole('heading', { name: 'Spikes of other runs' }).waitFor(),
  },
  {
    name: 'a run with an open incident',
    path: '/runs/alarmed',
    open: (page) => page.getByRole('link', { name: 'Open in alerts' }).waitFor(),
  },
  {
    name: 'the incidents',
    path: '/alerts',
    open: (page) => page.getByRole('button', { name: /^Acknowledge/ }).waitFor(),
  },
  {
    name: 'the incidents of a project without any',
    path: '/alerts?project=char-lm',
    open: (page) => seen(page, 'No incidents.'),
  },
  {
    name: 'the name that an acknowledgement asks for',
    path: '/alerts',
    open: async (page) => {
      await page.getByRole('button', { name: /^Acknowledge/ }).click();
      await dialog(page, /^Acknowledge/);
    },
  },
  {
    name: 'the rules of a project',
    path: '/alerts?part=rules&project=alarms',
    open: (page) => page.getByRole('button', { name: 'Edit Silent' }).waitFor(),
  },
  {
    name: 'a project without rules',
    path: '/alerts?part=rules&project=char-lm',
    open: (page) => seen(page, 'Nothing watches char-lm yet.'),
  },
  {
    name: 'a new rule that is being tried',
    path: '/alerts?part=rules&project=char-lm&rule=new',
    open: (page) => page.getByRole('heading', { name: /^Twice/ }).waitFor(),
  },
  {
    name: 'a rule with faults',
    path: '/alerts?part=rules&project=char-lm&rule=new',
    open: async (page) => {
      await page.getByLabel('Condition', { exact: true }).selectOption('z_score');
      await page.getByLabel(/^Distance/).fill('0.5');
      await seen(page, /^Distance: expected/);
    },
  },
  {
    name: 'the channels of a project',
    path: '/alerts?part=channels&project=alarms',
    open: (page) => page.getByRole('button', { name: 'Test on call' }).waitFor(),
  },
  {
    name: 'the dialog of a new channel',
    path: '/alerts?part=channels&project=alarms',
    open: async (page) => {
      await page.getByRole('button', { name: 'New channel' }).click();
      await dialog(page, 'New channel');
      await page.getByRole('button', { name: 'Make the channel' }).click();
      await seen(page, /^Address: expected/);
    },
  },
  {
    name: 'an address without a page',
    path: '/elsewhere',
    open: (page) => seen(page, /There is no page/),
    hasFailure: true,
  },
  {
    name: 'the API reference',
    path: '/api-reference',
    open: (page) => seen(page, '/api/v1/runs/{id}/frames'),
  },
  {
    name: 'the sign-in page',
    path: '/sign-in',
    open: (page) => page.getByLabel(/token/i).waitFor(),
  },
  {
    name: 'the sign-in page after a token that is not known',
    path: '/sign-in?error=invalid_token',
    open: (page) => seen(page, /not known or was revoked/),
  },
  {
    name: 'the palette',
    path: `/runs/${B}`,
    open: async (page) => {
      await waitForHeatmap(page);
      await page.keyboard.press('Control+k');
      await dialog(page, 'Search');
      await page.keyboard.type('h.3');
      await page.getByRole('option', { name: /^h\.3/ }).first().waitFor();
    },
  },
  {
    name: 'the drawer of shortcuts',
    path: `/runs/${B}`,
    open: async (page) => {
      await waitForHeatmap(page);
      await page.keyboard.press('?');
      await dialog(page, 'Shortcuts');
    },
  },
  {
    name: 'the menu of a chart',
    path: `/runs/${B}`,
    open: async (page) => {
      await waitForHeatmap(page);
      await page.getByRole('button', { name: 'Loss: picture, numbers, table' }).click();
      await page.getByRole('menu', { name: 'Loss' }).waitFor();
    },
  },
  {
    name: 'the table of a chart',
    path: `/runs/${B}`,
    open: async (page) => {
      await waitForHeatmap(page);
      await page.getByRole('button', { name: 'Loss: picture, numbers, table' }).click();
      await page.getByRole('menuitem', { name: 'Show as table' }).click();
      await dialog(page, /^Loss of/);
    },
  },
  {
    name: 'the dialog that edits a run',
    path: '/',
    open: async (page) => {
      await page.getByRole('link', { name: B, exact: true }).focus();
      await page.keyboard.press('e');
      await dialog(page, `Edit ${B}`);
    },
  },
];

// First, since it can be seen only before the first run.
describe('an empty product', () => {
  it.each(LOOKS)('greets in the $colorScheme theme, $size', async ({ options }) => {
    const { page, takeFaults } = await openPage(browser, options);
    await page.goto(product.url);
    await page.getByText('/api/v1/runs').first().waitFor();
    expect(await findAccessibilityFaults(page)).toEqual([]);
    expect(takeFaults()).toEqual([]);
  });
});

describe.each(LOOKS)('in the $colorScheme theme, $size', ({ options }) => {
  beforeAll(() => (stored ??= storeRuns()));

  it.each(SCREENS)('shows $name without a fault', async ({ path, open, hasFailure }) => {
    const { page, takeFaults } = await openPage(browser, options);
    await page.goto(`${product.url}${path.replace('{spike}', spikeId)}`);
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
    const { page } = await openPage(browser);
    await page.goto(`${product.url}${path}`);
    await page.waitForLoadState('networkidle');
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
    const { page } = await openPage(browser);
    await page.goto(`${product.url}/runs/seen`);
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
    const { page } = await openPage(browser);
    for (const path of ['/', '/runs/seen', '/runs/seen/layers/2?step=40']) {
      await page.goto(`${product.url}${path}`);
      await page.waitForLoadState('networkidle');
      await page.emulateMedia({ reducedMotion: 'no-preference' });
      const usual = await countMoving(page);
      expect(usual.moving).toBeGreaterThan(0);
      expect(usual.longest).toBeLessThanOrEqual(0.12);
      await page.emulateMedia({ reducedMotion: 'reduce' });
      expect(await countMoving(page)).toEqual({ moving: 0, longest: 0 });
    }
  });
});
