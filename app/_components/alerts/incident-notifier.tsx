'use client';

import { useRouter } from 'next/navigation';
import { useState } from 'react';
import { prepareNotice } from '@/lib/view/alerts/incidents-list';
import { useIncidents } from '@/app/_hooks/incident-feed';
import { readNotifyState } from '@/app/_hooks/notify-setting';
import { ShownNotices } from './shown-notices';

const SHOWN_KEY = 'spikescope.notified';
/** So many are remembered: far more than are shown before the last tab has heard of the first. */
const REMEMBERED = 200;

/** Notifications of incidents that open while a tab is there, on every page. */
export function IncidentNotifier() {
  const router = useRouter();
  const [notices] = useState(
    () =>
      new ShownNotices(
        (title, options, onClick) => {
          const notification = new Notification(title, options);
          notification.onclick = onClick;
          return notification;
        },
        (href) => {
          window.focus();
          router.push(href);
        },
      ),
  );
  useIncidents((message) => {
    if (message === null) return;
    notices.follow(message);
    if (message.change !== 'opened' || !message.notify) return;
    if (readNotifyState() !== 'on') return;
    const notice = prepareNotice(message.incident);
    void claim(notice.tag).then((isMine) => {
      if (isMine) notices.show(notice);
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
