'use client';

import { useState } from 'react';
import { toLocalInput } from '@/lib/view/alerts/alert-words';
import { Button } from '@/app/_components/button';
import { Dialog } from '@/app/_components/dialog';
import { TextField } from '@/app/_components/text-field';
import form from '@/app/_components/form.module.css';

const HOUR_MS = 3_600_000;
const SPANS = [
  { hours: 1, label: 'For 1 hour' },
  { hours: 8, label: 'For 8 hours' },
] as const;

/** For how long a rule tells nobody; it goes on looking. */
export function MuteDialog({
  name,
  onMute,
  onClose,
}: {
  readonly name: string;
  /** An ISO time. */
  readonly onMute: (until: string) => void;
  readonly onClose: () => void;
}) {
  const [now] = useState(() => Date.now());
  const [until, setUntil] = useState(() => toLocalInput(now + 24 * HOUR_MS));
  const untilMs = Date.parse(until);
  const isFuture = untilMs > now;
  return (
    <Dialog title={`Mute ${name}`} onClose={onClose}>
      {(close) => {
        const mute = (ms: number) => {
          onMute(new Date(ms).toISOString());
          close();
        };
        return (
          <form
            className={form['form']}
            onSubmit={(event) => {
              event.preventDefault();
              if (isFuture) mute(untilMs);
            }}
          >
            <p className={form['hint']}>
              Incidents still open and stand in the list, but nobody is told of them.
            </p>
            <div className={form['buttons']}>
              {SPANS.map(({ hours, label }) => (
                <Button key={hours} onClick={() => mute(Date.now() + hours * HOUR_MS)}>
                  {label}
                </Button>
              ))}
            </div>
            <label className={form['field']}>
              Until
              <TextField
                label="Until"
                type="datetime-local"
                className={form['input'] ?? ''}
                error={isFuture ? null : 'Expected a time that is still to come.'}
                value={until}
                onChange={({ target }) => setUntil(target.value)}
              />
            </label>
            <div className={form['buttons']}>
              <Button variant="primary" type="submit" disabled={!isFuture}>
                Mute until then
              </Button>
              <Button onClick={close}>Cancel</Button>
            </div>
          </form>
        );
      }}
    </Dialog>
  );
}
