'use client';

import { useEffect, useRef } from 'react';
import { Button } from '@/app/_components/button';
import styles from './run-screen.module.css';

const SHORTCUTS: readonly (readonly [string, string])[] = [
  ['← →', 'previous, next reported step (Shift: ten)'],
  ['↑ ↓', 'previous, next layer'],
  ['Home End', 'first, newest step'],
  ['Enter', 'open the layer at this step'],
  ['P', 'pin the crosshair, or let it go'],
  ['+ −', 'zoom in, out around the crosshair'],
  ['Esc', 'back to the whole run'],
  ['Ctrl Z', 'take the last zoom back'],
  ['L', 'change the layout'],
  ['T', 'change the theme'],
  ['Ctrl K', 'search runs, layers, steps'],
  ['?', 'this list'],
];

/** The keys of this page. */
export function Shortcuts({ onClose }: { readonly onClose: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  return (
    <dialog ref={dialog} className={styles['dialog']} onClose={onClose} aria-label="Shortcuts">
      <table>
        <tbody>
          {SHORTCUTS.map(([keys, does]) => (
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
      <p>Drag to zoom, double-click to reset, wheel zooms, Shift and wheel moves.</p>
      <Button onClick={() => dialog.current?.close()}>Close</Button>
    </dialog>
  );
}
