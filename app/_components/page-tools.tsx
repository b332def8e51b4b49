'use client';

import { usePathname, useRouter } from 'next/navigation';
import { useEffect, useRef, useState, type ReactNode } from 'react';
import { openTool, useOpenTool } from '../_hooks/open-tool';
import { usePageActions } from '../_hooks/page-actions';
import { useKeyboard } from '../_hooks/use-keyboard';
import { usePrintTheme } from '../_hooks/use-print-theme';
import { setTheme, useTheme } from '../_hooks/use-theme';
import { IncidentNotifier } from './alerts/incident-notifier';
import { ChartDialog } from './chart-menu/chart-dialog';
import { SearchPalette } from './search-palette';
import paletteStyles from './search-palette.module.css';
import { ShortcutDrawer } from './shortcut-drawer';
import drawerStyles from './shortcut-drawer.module.css';

/** Nothing can be searched, and no key means anything, before somebody has signed in. */
const WITHOUT_TOOLS = '/sign-in';

/** The order of what is the same everywhere among groups of actions. */
const AFTER_THE_PAGE = 1;

const close = () => openTool(null);

/** What every page has: the palette (Ctrl K), the drawer of shortcuts (?) and the keys of both. */
export function PageTools() {
  const path = usePathname();
  usePrintTheme();
  return path === WITHOUT_TOOLS ? null : (
    <>
      <Tools />
      <IncidentNotifier />
    </>
  );
}

function Tools() {
  const router = useRouter();
  const tool = useOpenTool();
  const [embedded, setEmbedded] = useState<string | null>(null);
  const other = useTheme() === 'dark' ? 'light' : 'dark';
  const changeTheme = () => setTheme(other);
  useKeyboard({
    'Ctrl+k': (event) => {
      event.preventDefault();
      openTool(tool === 'palette' ? null : 'palette');
    },
    '?': () => openTool('shortcuts'),
    t: changeTheme,
  });
  usePageActions(
    'Everywhere',
    [
      { label: `Use the ${other} theme`, keys: ['T'], run: changeTheme },
      { label: 'Search', keys: ['Ctrl', 'K'] },
      { label: 'Show the shortcuts', keys: ['?'], run: () => openTool('shortcuts') },
      { label: 'Embed this view in another page', run: () => setEmbedded(embedCode()) },
      { label: 'Print this view', run: () => window.print() },
      { label: 'Go to all runs', run: () => router.push('/') },
      { label: 'Go to the spikes of all runs', run: () => router.push('/spikes') },
      { label: 'Go to the alerts', run: () => router.push('/alerts') },
      { label: 'Go to the API reference', run: () => router.push('/api-reference') },
      { label: 'Sign in with another token, or sign out', run: goToSignIn },
    ],
    AFTER_THE_PAGE,
  );
  if (embedded !== null) {
    return (
      <ChartDialog
        content={{ kind: 'code', title: 'This view within another page', code: embedded }}
        onClose={() => setEmbedded(null)}
      />
    );
  }
  return tool === null ? null : tool === 'palette' ? (
    <ModalDialog key={tool} className={paletteStyles['dialog']} label="Search">
      <SearchPalette onClose={close} />
    </ModalDialog>
  ) : (
    <ModalDialog key={tool} className={drawerStyles['drawer']} label="Shortcuts">
      <ShortcutDrawer onClose={close} />
    </ModalDialog>
  );
}

/** Whether this server asks for tokens only the form can tell; it leads back here. */
function goToSignIn(): void {
  const here = window.location.pathname + window.location.search;
  window.location.assign(`/sign-in?next=${encodeURIComponent(here)}`);
}

/** The view as it stands, as another page holds it; docs/embed.md says which may. */
function embedCode(): string {
  const address = new URL(window.location.href);
  address.searchParams.set('embed', '1');
  const src = address.href.replaceAll('&', '&amp;');
  return `<iframe src="${src}" title="${document.title}" width="1100" height="720"></iframe>`;
}

/** Over the page from its first moment; Esc and the backdrop close it. */
function ModalDialog({
  label,
  className,
  children,
}: {
  readonly label: string;
  readonly className: string | undefined;
  readonly children: ReactNode;
}) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  return (
    <dialog
      ref={dialog}
      className={className}
      aria-label={label}
      onClose={close}
      onClick={(event) => {
        // The backdrop belongs to the dialog's own box.
        if (event.target === dialog.current) close();
      }}
    >
      {children}
    </dialog>
  );
}
