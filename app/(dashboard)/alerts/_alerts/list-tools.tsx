'use client';

import { useEffect, useState } from 'react';
import { writeCurlCommand } from '@/lib/view/text/curl-command';
import { Button } from '@/app/_components/button';
import { ChartDialog } from '@/app/_components/chart-menu/chart-dialog';
import { usePageActions } from '@/app/_hooks/page-actions';
import { toFault } from './alert-api';
import styles from './alerts-page.module.css';

/** How long "Copied" stands. */
const CONFIRMATION_MS = 2000;
const AFTER_EVERYTHING = 2;

/** What a list offers beside itself: the read behind it, and where it makes sense its rows as a file. */
export function ListTools({
  name,
  paths,
  onSave,
}: {
  /** "Incidents" */
  readonly name: string;
  readonly paths: readonly string[];
  readonly onSave?: (path: string) => Promise<void>;
}) {
  const [said, setSaid] = useState('');
  const [code, setCode] = useState<string | null>(null);
  useEffect(() => {
    if (said === '') return;
    const timer = setTimeout(() => setSaid(''), CONFIRMATION_MS);
    return () => clearTimeout(timer);
  }, [said]);
  const copy = () => {
    const call = writeCurlCommand(window.location.origin, paths);
    // The clipboard is refused on plain http away from loopback: there the text can be selected.
    if (!window.isSecureContext) {
      setCode(call);
      return;
    }
    navigator.clipboard.writeText(call).then(
      () => setSaid('Copied'),
      () => setCode(call),
    );
  };
  const [first = ''] = paths;
  const save =
    onSave === undefined
      ? null
      : () => {
          onSave(first).then(
            () => setSaid('Saved'),
            (cause: unknown) => setSaid(toFault(cause)),
          );
        };
  usePageActions(
    'Lists',
    [
      { label: `${name}: copy as API call`, run: copy },
      ...(save === null ? [] : [{ label: `${name}: save as CSV`, run: save }]),
    ],
    AFTER_EVERYTHING,
  );
  return (
    <span className={styles['list_tools']} data-no-picture>
      <span role="status" className={styles['quiet']}>
        {said}
      </span>
      {save === null ? null : (
        <Button variant="quiet" onClick={save}>
          CSV
        </Button>
      )}
      <Button variant="quiet" onClick={copy}>
        Copy as API call
      </Button>
      {code === null ? null : (
        <ChartDialog
          content={{ kind: 'code', title: `The read behind: ${name}`, code }}
          onClose={() => setCode(null)}
        />
      )}
    </span>
  );
}
