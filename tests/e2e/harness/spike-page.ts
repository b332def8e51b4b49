import type { Browser } from 'playwright-core';
import { openPage, type PageOptions, type WatchedPage } from './browser';

/** The path of the postmortem of a run's spike that opened within three steps of `near`. */
export async function pathOfSpike(url: string, run: string, near: number): Promise<string> {
  const reply = await fetch(`${url}/api/v1/runs/${run}/spikes`);
  const { items } = (await reply.json()) as {
    items: { id: string; kind: string; onsetStep: number }[];
  };
  const found = items.find(
    ({ kind, onsetStep }) => kind !== 'rms_spike' && Math.abs(onsetStep - near) <= 3,
  );
  if (found === undefined) throw new Error(`no spike near ${near}`);
  return `/runs/${run}/spikes/${found.id}`;
}

/** Opens a postmortem, and returns once it says what happened. */
export async function openSpike(
  browser: Browser,
  url: string,
  options: PageOptions = {},
): Promise<WatchedPage> {
  const opened = await openPage(browser, options);
  await opened.page.goto(url);
  await opened.page.getByRole('heading', { name: 'What happened' }).waitFor();
  return opened;
}
