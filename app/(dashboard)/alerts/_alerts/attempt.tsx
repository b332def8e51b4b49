'use client';

import { useState } from 'react';
import { toFault } from './alert-api';
import styles from './alerts-page.module.css';

/** A change that may fail: the words of the last failure, and how to try. `after` runs either way. */
export function useAttempt(
  after: () => void,
): readonly [string | null, (work: () => Promise<unknown>) => void] {
  const [fault, setFault] = useState<string | null>(null);
  const attempt = (work: () => Promise<unknown>) => {
    setFault(null);
    work()
      .catch((cause: unknown) => setFault(toFault(cause)))
      .finally(after);
  };
  return [fault, attempt];
}

/** Said aloud where a change failed; nothing where none did. */
export function Fault({ text }: { readonly text: string | null }) {
  return text === null ? null : (
    <p className={styles['fault']} role="alert">
      {text}
    </p>
  );
}
