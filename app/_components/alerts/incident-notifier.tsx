'use client';

import { useRouter } from 'next/navigation';
import { useEffect, useState } from 'react';
import { incidentsReplySchema } from '@/lib/contract/incidents';
import { prepareNotice } from '@/lib/view/alerts/incidents-list';
import { apiPath, readJson } from '@/app/_hooks/api-client';
import { useIncidents } from '@/app/_hooks/incident-feed';
import { readNotifyState, reportRefusal, useNotifyState } from '@/app/_hooks/notify-setting';
import { openNoticeBoard } from './notice-board';
import { ShownNotices } from './shown-notices';

const SHOWN_KEY = 'spikescope.notified';
/** So many are remembered: far more than are shown before the last tab has heard of the first. */
const REMEMBERED = 200;
/** A tab in the background may hear of an incident so much later than the first. */
const CLAIMED_MS = 120_000;
/** More that wait are not told apart; whoever has so many has other troubles. */
const MOST_WAITING = 500;

/** Notifications of incidents that open while a tab is there, on every page. */
export function IncidentNotifier() {
  const router = useRouter();
  const [notices] = useState(() => new LateNotices((href) => router.push(href)));
  const isOn = useNotifyState() === 'on';
  // The worker starts before the first incident needs it, and what an earlier page left is seen to.
  useEffect(() => {
    if (isOn) notices.act((shown) => shown.catchUp(readWaiting));
  }, [isOn, notices]);
  useIncidents((message) => {
    if (readNotifyState() !== 'on') return;
    if (message === null) {
      notices.act((shown) => shown.catchUp(readWaiting));
    } else if (message.change !== 'opened') {
      notices.act((shown) => shown.follow(message));
    } else if (message.notify) {
      notices.act((shown) => shown.open(prepareNotice(message.incident)));
    }
  });
  return null;
}

/** The notifications, once somebody wants them: who does not is given no service worker. */
class LateNotices {
  private shown: Promise<ShownNotices> | null = null;

  constructor(private readonly push: (href: string) => void) {}

  act(what: (shown: ShownNotices) => Promise<void>): void {
    this.shown ??= openNoticeBoard((href) => {
      window.focus();
      this.push(href);
    }).then((board) => new ShownNotices(board, claim));
    // Where people have turned them on, a refusal is said beside the switch.
    this.shown.then(what).catch(reportRefusal);
  }
}

/** The incidents that wait for somebody; null where that is not known. */
async function readWaiting(): Promise<ReadonlySet<string> | null> {
  const query = { state: 'open', acknowledged: 'false', limit: MOST_WAITING };
  try {
    const reply = await readJson(apiPath('/incidents', query), incidentsReplySchema);
    return reply.total > reply.items.length ? null : new Set(reply.items.map(({ id }) => id));
  } catch {
    // What stands on the screen stays: the page's own reads say that the server is away.
    return null;
  }
}

/**
 * True in one tab alone. Every tab hears of an incident. The first to come holds the lock of
 * what is done for so long that the others have asked meanwhile; those opened later find it in
 * the list, which other processes of the browser may see a moment after it was written.
 */
async function claim(what: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    navigator.locks
      .request(`${SHOWN_KEY} ${what}`, { ifAvailable: true }, async (lock) => {
        const isFirst =
          lock !== null && (await navigator.locks.request(SHOWN_KEY, () => note(what)));
        resolve(isFirst);
        if (isFirst) await new Promise((release) => setTimeout(release, CLAIMED_MS));
      })
      .catch(reject);
  });
}

/** Puts it on the list; false where it stands there. */
function note(what: string): boolean {
  const shown = readShown();
  if (shown.includes(what)) return false;
  window.localStorage.setItem(SHOWN_KEY, [...shown, what].slice(-REMEMBERED).join(' '));
  return true;
}

const readShown = (): readonly string[] =>
  (window.localStorage.getItem(SHOWN_KEY) ?? '').split(' ').filter((tag) => tag !== '');
