'use client';

import { useEffect, useState, type SyntheticEvent } from 'react';
import type { ProjectPolicy } from '@/lib/contract/project-policy';
import type { RetentionReply } from '@/lib/contract/retention';
import { formatStep } from '@/lib/view/text/format-number';
import {
  describeRetention,
  formatBytes,
  parsePolicyTexts,
  POLICY_FIELDS,
  type PolicyTexts,
  toPolicyTexts,
} from '@/lib/view/runs/storage-words';
import { Button } from '@/app/_components/button';
import { Dialog } from '@/app/_components/dialog';
import { TextField } from '@/app/_components/text-field';
import form from '@/app/_components/form.module.css';
import {
  type Freeing,
  readPolicy,
  savePolicy,
  toFault,
  tryPolicy,
  useFreeing,
} from './use-storage';
import styles from './storage-dialog.module.css';

/** What was looked at, so that nothing is confirmed that was not seen. */
interface Preview {
  readonly texts: PolicyTexts;
  readonly reply: RetentionReply;
}

/** How long a project keeps its values: what would go is shown before it is saved. */
export function StorageDialog({
  project,
  onClose,
}: {
  readonly project: string;
  readonly onClose: () => void;
}) {
  const [texts, setTexts] = useState<PolicyTexts | null>(null);
  const [preview, setPreview] = useState<Preview | null>(null);
  const [started, setStarted] = useState<RetentionReply | null>(null);
  const [isSaved, setIsSaved] = useState(false);
  const [isBusy, setIsBusy] = useState(false);
  const [failure, setFailure] = useState<string | null>(null);
  const freeing = useFreeing(started);

  /** Says what went wrong instead of throwing. */
  const attempt = async (work: () => Promise<void>) => {
    setIsBusy(true);
    setFailure(null);
    try {
      await work();
    } catch (error) {
      setFailure(toFault(error));
    }
    setIsBusy(false);
  };
  const look = (policy: ProjectPolicy) =>
    attempt(async () => {
      setPreview({ texts: toPolicyTexts(policy), reply: await tryPolicy(project, policy) });
    });
  useEffect(() => {
    let isCurrent = true;
    readPolicy(project).then(
      (policy) => {
        if (isCurrent) setTexts(toPolicyTexts(policy));
      },
      (error: unknown) => {
        if (isCurrent) setFailure(toFault(error));
      },
    );
    return () => {
      isCurrent = false;
    };
  }, [project]);

  const parsed = texts === null ? null : parsePolicyTexts(texts);
  const policy = parsed?.kind === 'policy' ? parsed.policy : null;
  const seen =
    policy !== null && preview !== null && isSame(preview.texts, toPolicyTexts(policy))
      ? preview.reply
      : null;
  const freedBytes = seen?.freedBytes ?? 0;
  const submit = (event: SyntheticEvent) => {
    event.preventDefault();
    if (policy === null || isBusy) return;
    if (seen === null) void look(policy);
    else {
      void attempt(async () => {
        setStarted(await savePolicy(project, policy, freedBytes > 0));
        setIsSaved(true);
      });
    }
  };
  const fault = failure ?? (parsed?.kind === 'fault' ? parsed.message : null);
  return (
    <Dialog title={`Storage of ${project}`} onClose={onClose}>
      {(close) => (
        <form className={form['form']} onSubmit={submit} noValidate>
          {texts === null ? null : (
            <div className={styles['fields']}>
              {POLICY_FIELDS.map(({ name, label }) => (
                <label key={name} className={styles['field']}>
                  {label}
                  <span className={styles['days']}>
                    <TextField
                      label={`${label}, days`}
                      inputMode="numeric"
                      placeholder={name === 'roundAfterDays' ? 'never' : 'for ever'}
                      error={
                        parsed?.kind === 'fault' && parsed.field === name ? parsed.message : null
                      }
                      disabled={isSaved}
                      className={styles['input'] ?? ''}
                      value={texts[name]}
                      onChange={({ target }) => setTexts({ ...texts, [name]: target.value })}
                    />
                    {texts[name].trim() === '1' ? 'day' : 'days'}
                  </span>
                </label>
              ))}
            </div>
          )}
          <p className={styles['note']}>
            Minimum, maximum and mean of every 16 steps stay for ever, and so does every step within
            500 of an event.
          </p>
          {seen === null || isSaved ? null : <Words reply={seen} />}
          {isSaved ? <Progress freeing={freeing} isFreeing={started !== null} /> : null}
          {fault === null ? null : (
            <p className={form['fault']} role="alert">
              {fault}
            </p>
          )}
          <div className={form['buttons']}>
            {isSaved ? null : (
              <Button variant="primary" type="submit" disabled={policy === null || isBusy}>
                {labelOf(isBusy, seen)}
              </Button>
            )}
            <Button onClick={close}>{isSaved ? 'Close' : 'Cancel'}</Button>
          </div>
        </form>
      )}
    </Dialog>
  );
}

function isSame(a: PolicyTexts, b: PolicyTexts): boolean {
  return POLICY_FIELDS.every(({ name }) => a[name] === b[name]);
}

function labelOf(isBusy: boolean, seen: RetentionReply | null): string {
  if (isBusy) return seen === null ? 'Looking' : 'Saving';
  if (seen === null) return 'See what would go';
  return seen.freedBytes === 0 ? 'Save' : `Save and free ${formatBytes(seen.freedBytes)}`;
}

function Words({ reply }: { readonly reply: RetentionReply }) {
  const { headline, lines } = describeRetention(reply);
  return (
    <div className={styles['words']} role="status">
      <p>{headline}</p>
      {lines.length === 0 ? null : (
        <ul>
          {lines.map((line) => (
            <li key={line}>{line}</li>
          ))}
        </ul>
      )}
    </div>
  );
}

function Progress({
  freeing,
  isFreeing,
}: {
  readonly freeing: Freeing | null;
  readonly isFreeing: boolean;
}) {
  return (
    <div className={styles['words']} role="status">
      <p>{isFreeing ? progressText(freeing) : 'Saved.'}</p>
    </div>
  );
}

function progressText(freeing: Freeing | null): string {
  if (freeing === null) return 'Saved. Freeing begins.';
  const { doneSteps, totalSteps, freedBytes, end } = freeing;
  if (end === null) {
    return `Saved. ${formatStep(doneSteps)} of ${formatStep(totalSteps)} steps gone; it goes on when this is closed.`;
  }
  if (end.fault !== null) return `Saved, but not all was freed: ${end.fault}`;
  return `Saved, and ${formatBytes(freedBytes)} freed.`;
}
