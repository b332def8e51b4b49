'use client';

import { useEffect, useRef } from 'react';
import { Button } from '@/app/_components/button';
import styles from './edit-dialog.module.css';

const KEYS: readonly (readonly [string, string])[] = [
  ['/', 'search'],
  ['↑ ↓', 'previous, next run'],
  ['Enter', 'open the run'],
  ['X', 'choose the run, or no longer'],
  ['P', 'pin the run, or let it go'],
  ['E', 'edit name, tags and notes'],
  ['Esc', 'choose none'],
  ['T', 'change the theme'],
  ['Ctrl K', 'search everywhere'],
  ['?', 'this list'],
];

/** The keys of this page. */
export function RunsKeys({ onClose }: { readonly onClose: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  return (
    <dialog ref={dialog} className={styles['dialog']} onClose={onClose} aria-label="Shortcuts">
      <div className={styles['form']}>
        <table className={styles['keys']}>
          <tbody>
            {KEYS.map(([keys, does]) => (
              <tr key={keys}>
                <th scope="row">
                  {keys.split(' ').map((key) => (
                    <kbd key={key}>{key}</kbd>
                  ))}
                </th>
                <td>{does}</td>
              </tr>
            ))}
          </tbody>
        </table>
        <div>
          <Button onClick={() => dialog.current?.close()}>Close</Button>
        </div>
      </div>
    </dialog>
  );
}
