'use client';

import { useEffect, useId, useRef, useState, type KeyboardEvent } from 'react';
import { writeCsv } from '@/lib/view/text/chart-table';
import { writeCurlCommand } from '@/lib/view/text/curl-command';
import { Icon } from '@/app/_design/icons';
import { usePageActions } from '@/app/_hooks/page-actions';
import type { ChartSubject } from './chart-subject';
import { ChartDialog, type ChartDialogContent } from './chart-dialog';
import { drawPicture } from './draw-picture';
import { saveFile } from './save-file';
import styles from './chart-menu.module.css';

/** How long "Copied" stands. */
const CONFIRMATION_MS = 2000;
/** Charts come last among what can be done: each of many has the same four. */
const AFTER_EVERYTHING = 2;
const GAP_PX = 2;

/**
 * What every chart offers: its picture, its numbers, the reads behind it, and a table in its
 * place. `subject` is asked for when somebody chooses, never before.
 */
export function ChartMenu({
  name,
  subject,
}: {
  /** "Loss"; names the menu and its actions in the palette. */
  readonly name: string;
  /** null: there is nothing to take along yet. */
  readonly subject: (button: HTMLElement) => Promise<ChartSubject> | ChartSubject | null;
}) {
  const id = useId();
  const button = useRef<HTMLButtonElement>(null);
  const menu = useRef<HTMLDivElement>(null);
  const [isOpen, setIsOpen] = useState(false);
  const [said, setSaid] = useState('');
  const [dialog, setDialog] = useState<ChartDialogContent | null>(null);
  useEffect(() => {
    if (said === '') return;
    const timer = setTimeout(() => setSaid(''), CONFIRMATION_MS);
    return () => clearTimeout(timer);
  }, [said]);

  const take = (action: ChartAction) => {
    menu.current?.hidePopover();
    const found = button.current === null ? null : subject(button.current);
    if (found === null) {
      setSaid('Nothing is shown yet');
      return;
    }
    Promise.resolve(found)
      .then((ready) => ACTIONS[action].act(ready, setDialog))
      .then(setSaid, (cause: unknown) => {
        setDialog({
          kind: 'words',
          title: `${name} could not be taken along.`,
          text: cause instanceof Error ? cause.message : 'Reload the page and try again.',
        });
      });
  };
  usePageActions(
    'Charts',
    CHART_ACTIONS.map((action) => ({
      label: `${name}: ${lowerFirst(ACTIONS[action].label)}`,
      run: () => take(action),
    })),
    AFTER_EVERYTHING,
  );

  const place = () => {
    const box = button.current?.getBoundingClientRect();
    const size = menu.current?.getBoundingClientRect();
    if (box === undefined || size === undefined || menu.current === null) return;
    const left = Math.min(box.left, window.innerWidth - size.width - GAP_PX);
    const isBelow = box.bottom + GAP_PX + size.height <= window.innerHeight;
    menu.current.style.left = `${Math.max(GAP_PX, left)}px`;
    menu.current.style.top = `${isBelow ? box.bottom + GAP_PX : box.top - GAP_PX - size.height}px`;
  };
  return (
    <span className={styles['wrap']} data-no-picture data-open={isOpen || undefined}>
      <button
        ref={button}
        type="button"
        className={styles['button']}
        aria-label={`${name}: picture, numbers, table`}
        title="Picture, numbers, table"
        aria-haspopup="menu"
        aria-expanded={isOpen}
        aria-controls={id}
        popoverTarget={id}
      >
        <Icon name={said === '' ? 'more' : 'check'} size={14} />
      </button>
      <div
        ref={menu}
        id={id}
        popover="auto"
        role="menu"
        aria-label={name}
        className={styles['menu']}
        // The plots around take pointers and keys for themselves.
        onPointerDown={(event) => event.stopPropagation()}
        onDoubleClick={(event) => event.stopPropagation()}
        onKeyDown={moveFocus}
        onToggle={(event) => {
          const opens = event.newState === 'open';
          setIsOpen(opens);
          if (!opens) return;
          place();
          menu.current?.querySelector('button')?.focus();
        }}
      >
        {CHART_ACTIONS.map((action) => (
          <button
            key={action}
            type="button"
            role="menuitem"
            tabIndex={-1}
            onClick={() => take(action)}
          >
            {ACTIONS[action].label}
          </button>
        ))}
      </div>
      <span role="status" className="visually-hidden">
        {said}
      </span>
      {dialog === null ? null : <ChartDialog content={dialog} onClose={() => setDialog(null)} />}
    </span>
  );
}

const lowerFirst = (text: string): string => text.charAt(0).toLowerCase() + text.slice(1);

/** Arrows, Home and End go through the items; Tab leaves the menu. */
function moveFocus(event: KeyboardEvent<HTMLElement>): void {
  const items = [...event.currentTarget.querySelectorAll('button')];
  const at = items.findIndex((item) => item === document.activeElement);
  const next: Readonly<Record<string, number>> = {
    ArrowDown: (at + 1) % items.length,
    ArrowUp: (at - 1 + items.length) % items.length,
    Home: 0,
    End: items.length - 1,
  };
  if (event.key === 'Tab') event.currentTarget.hidePopover();
  const target = next[event.key];
  if (target === undefined) return;
  event.preventDefault();
  event.stopPropagation();
  items[target]?.focus();
}

type Show = (content: ChartDialogContent) => void;

async function savePicture(subject: ChartSubject): Promise<string> {
  saveFile(`${subject.fileName}.png`, await drawPicture(subject));
  return 'Picture saved';
}

function saveNumbers({ fileName, table }: ChartSubject): Promise<string> {
  const type = 'text/csv;charset=utf-8';
  saveFile(`${fileName}.csv`, new Blob([...writeCsv(table)], { type }));
  return Promise.resolve('Numbers saved');
}

async function copyCall({ paths }: ChartSubject, show: Show): Promise<string> {
  const code = writeCurlCommand(window.location.origin, paths);
  // The clipboard is refused on plain http away from loopback: there the text can be selected.
  const isCopied =
    window.isSecureContext &&
    (await navigator.clipboard.writeText(code).then(
      () => true,
      () => false,
    ));
  if (!isCopied) show({ kind: 'code', title: 'The reads behind this chart', code });
  return isCopied ? 'Copied' : '';
}

function showTable({ heading, table }: ChartSubject, show: Show): Promise<string> {
  show({ kind: 'table', title: heading, table });
  return Promise.resolve('');
}

const CHART_ACTIONS = ['picture', 'numbers', 'call', 'table'] as const;
type ChartAction = (typeof CHART_ACTIONS)[number];

/** Each resolves with what is to be said when it is done. */
const ACTIONS: Readonly<
  Record<
    ChartAction,
    {
      readonly label: string;
      readonly act: (subject: ChartSubject, show: Show) => Promise<string>;
    }
  >
> = {
  picture: { label: 'Save as picture (PNG)', act: savePicture },
  numbers: { label: 'Save numbers (CSV)', act: saveNumbers },
  call: { label: 'Copy as API call', act: copyCall },
  table: { label: 'Show as table', act: showTable },
};
