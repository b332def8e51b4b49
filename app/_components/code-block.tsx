'use client';

import { useEffect, useState } from 'react';
import { Icon } from '../_design/icons';
import { Button } from './button';
import styles from './code-block.module.css';

/** How long "Copied" stands before the button offers to copy again. */
const CONFIRMATION_MS = 2000;

/** Code to take along, and the button that does it. */
export function CodeBlock({ code, label }: { readonly code: string; readonly label: string }) {
  const [state, setState] = useState<'idle' | 'copied' | 'refused'>('idle');
  useEffect(() => {
    if (state === 'idle') return;
    const timer = setTimeout(() => setState('idle'), CONFIRMATION_MS);
    return () => clearTimeout(timer);
  }, [state]);

  const copy = () => {
    // The clipboard is refused on plain http away from loopback: the text can be selected.
    if (!window.isSecureContext) {
      setState('refused');
      return;
    }
    navigator.clipboard.writeText(code).then(
      () => setState('copied'),
      () => setState('refused'),
    );
  };

  return (
    <figure className={styles['block']} aria-label={label}>
      {/* Scrolls sideways, so the keyboard must reach it. */}
      <pre className={styles['code']} tabIndex={0}>
        <code>{code}</code>
      </pre>
      <span className={styles['copy']}>
        <Button onClick={copy} aria-live="polite">
          <Icon name={state === 'copied' ? 'check' : 'copy'} />
          {state === 'copied' ? 'Copied' : state === 'refused' ? 'Select to copy' : 'Copy'}
        </Button>
      </span>
    </figure>
  );
}
