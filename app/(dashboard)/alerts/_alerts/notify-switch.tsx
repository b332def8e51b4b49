'use client';

import {
  turnNotificationsOff,
  turnNotificationsOn,
  useNotifyState,
  type NotifyState,
} from '@/app/_hooks/notify-setting';
import styles from './alerts-page.module.css';

const WHY: Readonly<Record<Exclude<NotifyState, 'on' | 'off'>, string>> = {
  insecure: 'Browsers allow notifications over https only: open this page by https or localhost.',
  unsupported: 'This browser has no notifications.',
  denied:
    'Notifications are blocked for this address: allow them in the browser’s site settings, then reload.',
  refused:
    'This browser would not show a notification. Look at its settings and those of the device, then turn this on again; Slack, e-mail and webhooks are not touched by it.',
};

/** Notifications in this browser: asked for by a click, and what to do where they are refused. */
export function NotifySwitch() {
  const state = useNotifyState();
  const isOn = state === 'on';
  const why = state === 'on' || state === 'off' ? null : WHY[state];
  return (
    <span className={styles['notify']}>
      <label className={styles['switch']}>
        <input
          type="checkbox"
          role="switch"
          checked={isOn}
          disabled={why !== null && state !== 'refused'}
          onChange={() => {
            if (isOn) turnNotificationsOff();
            else void turnNotificationsOn();
          }}
        />
        <span className={styles['knob']} aria-hidden />
        Notify in this browser
      </label>
      {why === null ? null : <small role="status">{why}</small>}
    </span>
  );
}
