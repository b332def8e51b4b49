import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll } from 'vitest';
import { openBrowser, openPage, type PageOptions, type WatchedPage } from './browser';
import { makeDataDir, startProduct, type Product } from './product';

/** The product and a browser for the tests of one file. */
export interface Site {
  readonly dataDir: string;
  readonly product: Product;
  /** Where it listens. */
  readonly url: string;
  readonly browser: Browser;
  readonly openPage: (options?: PageOptions) => Promise<WatchedPage>;
}

/**
 * Starts both before the tests of the file that calls it, closes all pages after each of
 * them and ends both after the last. Hooks that the file adds later find them there.
 */
export function openSite({
  environment = () => ({}),
}: {
  /** Settings of the product, read when it starts. */
  readonly environment?: () => Readonly<Record<string, string>>;
} = {}): Site {
  const { dataDir, remove } = makeDataDir();
  let opened: { readonly product: Product; readonly browser: Browser } | null = null;
  const get = () => {
    if (opened === null) throw new Error('the product starts in the first hook of the file');
    return opened;
  };

  beforeAll(async () => {
    const [product, browser] = await Promise.all([
      startProduct({ dataDir, environment: environment() }),
      openBrowser(),
    ]);
    opened = { product, browser };
  });
  afterEach(async () => {
    for (const context of get().browser.contexts()) await context.close();
  });
  afterAll(async () => {
    await opened?.browser.close();
    await opened?.product.stop();
    remove();
  });

  return {
    dataDir,
    get product() {
      return get().product;
    },
    get url() {
      return get().product.url;
    },
    get browser() {
      return get().browser;
    },
    openPage: (options) => openPage(get().browser, options),
  };
}
