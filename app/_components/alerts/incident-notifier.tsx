'use client';

import { useRouter } from 'next/navigation';
import { prepareNotice, type IncidentNotice } from '@/lib/view/alerts/incidents-list';
import { useIncidents } from '@/app/_hooks/incident-feed';
import { readNotifyState } from '@/app/_hooks/notify-setting';

const SHOWN_KEY = 'spikescope.notified';
/** So many are remembered: far more than are shown before the last tab has heard of the first. */
const REMEMBERED = 200;

/** Notifications of incidents that open while a tab is there, on every page. */
export function IncidentNotifier() {
  const router = useRouter();
  useIncidents((message) => {
    if (message === null || message.change !== 'opened' || !message.notify) return;
    if (readNotifyState() !== 'on') return;
    const notice = prepareNotice(message.incident);
    void claim(notice.tag).then((isMine) => {
      if (isMine) show(notice, (href) => router.push(href));
    });
  });
  return null;
}

/**
 * True in one tab alone. Every tab hears of an incident; the lock makes reading and writing
 * the list of those already shown one act.
 */
async function claim(tag: string): Promise<boolean> {
  return navigator.locks.request(SHOWN_KEY, () => {
    const shown = readShown();
    if (shown.includes(tag)) return false;
    window.localStorage.setItem(SHOWN_KEY, [...shown, tag].slice(-REMEMBERED).join(' '));
    return true;
  });
}

const readShown = (): readonly string[] =>
  (window.localStorage.getItem(SHOWN_KEY) ?? '').split(' ').filter((tag) => tag !== '');

function show(
  { title, body, tag, href, isSticky }: IncidentNotice,
  go: (href: string) => void,
): void {
  const notification = new Notification(title, { body, tag, requireInteraction: isSticky });
  notification.onclick = () => {
    window.focus();
    notification.close();
    go(href);
  };
}
