import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { chromium, type Browser, type Page } from 'playwright-core';
import { findChromium } from '@/workers/launcher/find-chromium.mjs';
import { waitForQuiet, watchTraffic } from './quiet';

const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

export async function openBrowser(): Promise<Browser> {
  const executablePath = findChromium();
  if (executablePath === null) {
    throw new Error('these tests need Chromium: install it, or set CHROMIUM_PATH');
  }
  return chromium.launch({ executablePath, headless: true, args: FLAGS });
}

export interface WatchedPage {
  readonly page: Page;
  /** Console errors, uncaught exceptions and failed loads since the last call. */
  readonly takeFaults: () => string[];
}

export interface PageOptions {
  readonly colorScheme?: 'dark' | 'light';
  readonly width?: number;
  readonly height?: number;
  /** Pixels of the screen that make one of the page, along and across. */
  readonly deviceScaleFactor?: number;
  /** With a finger for a pointer. */
  readonly hasTouch?: boolean;
  /** Where the reader is; else where the test runs. */
  readonly timezoneId?: string;
}

/** A page in a browser context of its own: no cookies, no stored theme. */
export async function openPage(browser: Browser, options: PageOptions = {}): Promise<WatchedPage> {
  const context = await browser.newContext({
    viewport: { width: options.width ?? 1440, height: options.height ?? 900 },
    colorScheme: options.colorScheme ?? 'dark',
    deviceScaleFactor: options.deviceScaleFactor ?? 1,
    ...(options.hasTouch === true ? { hasTouch: true, isMobile: true } : {}),
    ...(options.timezoneId === undefined ? {} : { timezoneId: options.timezoneId }),
    reducedMotion: 'reduce',
  });
  const page = await context.newPage();
  page.setDefaultTimeout(60_000);
  watchTraffic(page);
  let faults: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error')
      faults.push(`console: ${message.text()} (${message.location().url})`);
  });
  page.on('pageerror', (error) => faults.push(`exception: ${error.message}`));
  return {
    page,
    takeFaults: () => {
      const taken = faults;
      faults = [];
      return taken;
    },
  };
}

const AXE_SOURCE = readFileSync(
  createRequire(import.meta.url).resolve('axe-core/axe.min.js'),
  'utf8',
);

interface AxeResult {
  readonly violations: {
    readonly id: string;
    readonly help: string;
    readonly nodes: { readonly target: string[]; readonly failureSummary?: string }[];
  }[];
}

/** What axe-core finds on the page as it is now, one line an element. */
export async function findAccessibilityFaults(page: Page): Promise<string[]> {
  await page.evaluate(AXE_SOURCE);
  const { violations } = await page.evaluate(() =>
    (globalThis as unknown as { axe: { run(): Promise<AxeResult> } }).axe.run(),
  );
  return violations.flatMap(({ id, help, nodes }) =>
    nodes.map(
      ({ target, failureSummary }) =>
        `${id}: ${help} — ${target.join(' ')} — ${failureSummary ?? ''}`,
    ),
  );
}

/** What the URL of a page holds now. */
export const queryOf = (page: Page): URLSearchParams => new URL(page.url()).searchParams;

/** A mark that a reload would remove. */
export const markPage = (page: Page): Promise<void> =>
  page.evaluate(() => document.body.setAttribute('data-mark', ''));
export const isSamePage = (page: Page): Promise<boolean> =>
  page.evaluate(() => document.body.hasAttribute('data-mark'));

/**
 * Presses Tab until nothing new gets the focus; what of the controls on the page never had it.
 * Once all is read: of what comes later, some stands before where one is.
 */
export async function findUnreached(page: Page): Promise<string[]> {
  await waitForQuiet(page);
  const markFocused = () =>
    page.evaluate(() => {
      const element = document.activeElement;
      const isNew =
        element !== null && element !== document.body && !element.hasAttribute('data-reached');
      if (isNew) element.setAttribute('data-reached', '');
      return isNew;
    });
  do await page.keyboard.press('Tab');
  while (await markFocused());
  return page.evaluate(() =>
    [...document.querySelectorAll<HTMLElement>('a[href], button, select, input, [tabindex]')]
      .filter((element) => element.checkVisibility({ visibilityProperty: true }))
      .filter((element) => !element.matches(':disabled, [data-reached], [tabindex="-1"]'))
      // One stop is enough for a group of radio buttons: arrows do the rest.
      .filter(
        (element) =>
          !(element instanceof HTMLInputElement && element.type === 'radio') ||
          document.querySelector(`[data-reached][name="${element.name}"]`) === null,
      )
      .map((element) => element.outerHTML.slice(0, 160)),
  );
}
