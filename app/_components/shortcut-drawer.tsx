'use client';

import { useState } from 'react';
import { Icon } from '../_design/icons';
import { readPageActions } from '../_hooks/page-actions';
import { Button } from './button';
import styles from './shortcut-drawer.module.css';

/** Every key of the page that is open, as its parts have registered them. */
export function ShortcutDrawer({ onClose }: { readonly onClose: () => void }) {
  const [groups] = useState(() =>
    readPageActions()
      .map(({ title, actions }) => ({
        title,
        actions: actions.filter(({ keys }) => keys !== undefined),
      }))
      .filter(({ actions }) => actions.length > 0),
  );
  return (
    <div className={styles['content']}>
      <div className={styles['head']}>
        <h2>Shortcuts</h2>
        <Button variant="quiet" aria-label="Close" title="Close (Esc)" onClick={onClose}>
          <Icon name="close" />
        </Button>
      </div>
      {groups.map(({ title, actions }) => (
        <table key={title} className={styles['keys']}>
          <caption>{title}</caption>
          <tbody>
            {actions.map(({ label, keys }) => (
              <tr key={label}>
                <th scope="row">
                  {keys?.map((key) => (
                    <kbd key={key}>{key}</kbd>
                  ))}
                </th>
                <td>{label}</td>
              </tr>
            ))}
          </tbody>
        </table>
      ))}
    </div>
  );
}
