'use client';

import { useState, type SyntheticEvent } from 'react';
import type { AlertChannel } from '@/lib/contract/alert-channels';
import type { Faults } from '@/lib/view/alerts/alert-form';
import {
  CHANNEL_KINDS,
  type ChannelTexts,
  EMPTY_CHANNEL,
  parseChannel,
  parseChannelPatch,
  placeFaults,
} from '@/lib/view/alerts/channel-form';
import { Button } from '@/app/_components/button';
import { Dialog } from '@/app/_components/dialog';
import { SegmentedControl } from '@/app/_components/segmented-control';
import { TextField } from '@/app/_components/text-field';
import form from '@/app/_components/form.module.css';
import { ApiFailure } from '@/app/_hooks/api-client';
import { changeChannel, createChannel, type MadeChannel, toFault } from './alert-api';
import { FieldFault } from './field-fault';

const NO_FAULTS: Faults = new Map();
const FIELDS = ['name', 'target.url', 'target.to', 'secret'];

/** A channel, new or changed. What lies on the server is not shown whole, so it may be left empty. */
export function ChannelDialog({
  project,
  channel,
  canSendEmail,
  onSaved,
  onClose,
}: {
  readonly project: string;
  /** null for a new one. */
  readonly channel: AlertChannel | null;
  readonly canSendEmail: boolean;
  /** A new one with the secret that the server made, which nobody can read again. */
  readonly onSaved: (made: MadeChannel | null) => void;
  readonly onClose: () => void;
}) {
  const [texts, setTexts] = useState<ChannelTexts>(
    channel === null ? EMPTY_CHANNEL : { ...EMPTY_CHANNEL, name: channel.name, kind: channel.kind },
  );
  const [faults, setFaults] = useState<Faults>(NO_FAULTS);
  const [isSaving, setIsSaving] = useState(false);
  const change = (patch: Partial<ChannelTexts>) => {
    setTexts({ ...texts, ...patch });
    setFaults(NO_FAULTS);
  };
  const save = async (event: SyntheticEvent) => {
    event.preventDefault();
    if (isSaving) return;
    setIsSaving(true);
    try {
      if (channel === null) {
        const parsed = parseChannel(texts);
        if (parsed.kind === 'faults') setFaults(parsed.faults);
        else onSaved(await createChannel(project, parsed.value));
      } else {
        const parsed = parseChannelPatch(texts);
        if (parsed.kind === 'faults') setFaults(parsed.faults);
        else {
          await changeChannel(project, channel.id, parsed.value);
          onSaved(null);
        }
      }
    } catch (cause) {
      const details = cause instanceof ApiFailure ? cause.details : [];
      setFaults(placeFaults(details, FIELDS, toFault(cause)));
    }
    setIsSaving(false);
  };
  const { kind } = texts;
  const isNew = channel === null;
  const cannotSend = kind === 'email' && !canSendEmail;
  return (
    <Dialog title={isNew ? 'New channel' : `Edit ${channel.name}`} onClose={onClose}>
      {(close) => (
        <form className={form['form']} onSubmit={(event) => void save(event)} noValidate>
          {isNew ? (
            <div className={form['field']}>
              <span>Kind</span>
              <SegmentedControl
                label="Kind"
                options={CHANNEL_KINDS}
                value={kind}
                onChange={(next) => change({ kind: next })}
              />
              <p className={form['hint']}>
                {CHANNEL_KINDS.find(({ value }) => value === kind)?.sentence}
              </p>
            </div>
          ) : null}
          {cannotSend ? (
            <p className={form['warning']} role="status">
              No mail server is set up here: the operator names one with SPIKESCOPE_SMTP_URL and
              SPIKESCOPE_MAIL_FROM.
            </p>
          ) : null}
          <label className={form['field']}>
            Name
            <TextField
              label="Name"
              className={form['input'] ?? ''}
              error={faults.get('name') ?? null}
              value={texts.name}
              onChange={({ target }) => change({ name: target.value })}
            />
            <FieldFault faults={faults} path="name" />
          </label>
          {kind === 'email' ? (
            <label className={form['field']}>
              Recipients
              <TextField
                label="Recipients"
                inputMode="email"
                className={form['input'] ?? ''}
                placeholder={channel?.target ?? 'ada@example.org, on-call@example.org'}
                error={faults.get('target.to') ?? null}
                value={texts.to}
                onChange={({ target }) => change({ to: target.value })}
              />
              <FieldFault faults={faults} path="target.to" />
            </label>
          ) : (
            <label className={form['field']}>
              Address
              <TextField
                label="Address"
                inputMode="url"
                className={form['input'] ?? ''}
                placeholder={channel?.target ?? 'https://'}
                error={faults.get('target.url') ?? null}
                value={texts.url}
                onChange={({ target }) => change({ url: target.value })}
              />
              <FieldFault faults={faults} path="target.url" />
            </label>
          )}
          {kind === 'webhook' ? (
            <label className={form['field']}>
              Secret
              <TextField
                label="Secret"
                className={form['input'] ?? ''}
                placeholder={isNew ? 'made for you, and shown once' : 'stays as it is'}
                error={faults.get('secret') ?? null}
                value={texts.secret}
                onChange={({ target }) => change({ secret: target.value })}
              />
              <FieldFault faults={faults} path="secret" />
            </label>
          ) : null}
          {isNew ? null : <p className={form['hint']}>What is left empty stays as it is.</p>}
          <FieldFault faults={faults} path="" />
          <div className={form['buttons']}>
            <Button variant="primary" type="submit" disabled={isSaving || (isNew && cannotSend)}>
              {isSaving ? 'Saving' : isNew ? 'Make the channel' : 'Save'}
            </Button>
            <Button onClick={close}>Cancel</Button>
          </div>
        </form>
      )}
    </Dialog>
  );
}
