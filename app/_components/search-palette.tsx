'use client';

import { useRouter } from 'next/navigation';
import { useId, useRef, useState } from 'react';
import { runsReplySchema } from '@/lib/contract/reads';
import { apiPath } from '../_hooks/api-client';
import { useApi } from '../_hooks/use-api';
import { useKeyboard } from '../_hooks/use-keyboard';
import { useThrottled } from '../_hooks/use-throttled';
import styles from './search-palette.module.css';

/** A place one can go to from here. */
export interface SearchItem {
  readonly href: string;
  readonly label: string;
  /** What it is, in grey: "layer 4", "run of char-lm". */
  readonly detail: string;
}

/** What a page adds to the runs, which are searched everywhere. */
export interface PageSearch {
  readonly items: readonly SearchItem[];
  /** Where a typed number leads; null where steps mean nothing. */
  readonly hrefOfStep: ((step: number) => string) | null;
}

const SHOWN_RUNS = 8;
const SHOWN_ITEMS = 12;
const TYPING_MS = 150;

/** The field in the top bar, and Ctrl K: runs by name, layers of this run, a step by its number. */
export function SearchPalette({ page }: { readonly page?: PageSearch | undefined }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const [isOpen, setIsOpen] = useState(false);
  const open = () => {
    dialog.current?.showModal();
    setIsOpen(true);
  };
  useKeyboard({
    'Ctrl+k': (event) => {
      event.preventDefault();
      open();
    },
  });
  const what = page === undefined ? 'Search runs' : 'Search runs, layers, steps';
  return (
    <>
      <button type="button" className={styles['trigger']} onClick={open} aria-haspopup="dialog">
        {what} <kbd>Ctrl K</kbd>
      </button>
      <dialog
        ref={dialog}
        className={styles['dialog']}
        aria-label={what}
        onClose={() => setIsOpen(false)}
        onClick={(event) => {
          // The backdrop belongs to the dialog's own box.
          if (event.target === dialog.current) dialog.current.close();
        }}
      >
        {isOpen ? (
          <Palette page={page} what={what} onClose={() => dialog.current?.close()} />
        ) : null}
      </dialog>
    </>
  );
}

function Palette({
  page,
  what,
  onClose,
}: {
  readonly page: PageSearch | undefined;
  readonly what: string;
  readonly onClose: () => void;
}) {
  const router = useRouter();
  const listId = useId();
  const [text, setText] = useState('');
  const [chosen, setChosen] = useState(0);
  const asked = useThrottled(text.trim(), TYPING_MS);
  const runs = useApi(
    apiPath('/runs', { q: asked.length === 0 ? null : asked, limit: SHOWN_RUNS }),
    runsReplySchema,
    { keepPrevious: true },
  );
  const wanted = text.trim().toLowerCase();
  const step = /^\d{1,15}$/.test(wanted) ? Number(wanted) : null;
  const items: SearchItem[] = [
    ...(step !== null && page?.hrefOfStep
      ? [{ href: page.hrefOfStep(step), label: `Step ${step}`, detail: 'of this run' }]
      : []),
    ...(wanted.length === 0
      ? []
      : (page?.items ?? [])
          .filter(({ label }) => label.toLowerCase().includes(wanted))
          .slice(0, SHOWN_ITEMS)),
    ...(runs.data?.items ?? []).map(({ id, name, project }) => ({
      href: `/runs/${encodeURIComponent(id)}`,
      label: name,
      detail: `run of ${project}`,
    })),
  ];
  const at = Math.min(chosen, items.length - 1);
  const go = (item: SearchItem | undefined) => {
    if (item === undefined) return;
    onClose();
    router.push(item.href);
  };
  return (
    <>
      <input
        className={styles['input']}
        // The dialog is open before its content is there, so the content takes the focus itself.
        autoFocus
        role="combobox"
        aria-label={what}
        aria-expanded="true"
        aria-controls={listId}
        aria-activedescendant={items.length === 0 ? undefined : `${listId}-${at}`}
        placeholder={what}
        autoComplete="off"
        spellCheck={false}
        value={text}
        onChange={(event) => {
          setText(event.target.value);
          setChosen(0);
        }}
        onKeyDown={(event) => {
          if (event.key === 'Enter') go(items[at]);
          else if (event.key === 'ArrowDown') setChosen(Math.min(items.length - 1, at + 1));
          else if (event.key === 'ArrowUp') setChosen(Math.max(0, at - 1));
          else return;
          event.preventDefault();
        }}
      />
      <ul id={listId} role="listbox" aria-label="Found" className={styles['list']}>
        {items.map((item, index) => (
          <li
            key={`${item.href} ${item.label}`}
            id={`${listId}-${index}`}
            role="option"
            aria-selected={index === at}
            className={styles['option']}
            onPointerMove={() => setChosen(index)}
            onClick={() => go(item)}
          >
            <span>{item.label}</span>
            <span className={styles['detail']}>{item.detail}</span>
          </li>
        ))}
      </ul>
      {items.length > 0 ? null : (
        <p className={styles['empty']} role="status">
          {runs.error !== null
            ? runs.error.message
            : runs.isLoading
              ? 'Searching.'
              : 'Nothing is called that.'}
        </p>
      )}
    </>
  );
}
