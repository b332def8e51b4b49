'use client';

import Link from 'next/link';
import { usePathname } from 'next/navigation';
import type { ReactNode } from 'react';
import { Logo } from '../_design/icons';
import { useSearchOffer, type PageSearch } from '../_hooks/page-actions';
import { AlertsLink } from './alerts/alerts-link';
import { Crumbs, PENDING_CRUMB, type Crumb } from './crumbs';
import { SearchTrigger } from './search-trigger';
import { ThemeToggle } from './theme-toggle';
import styles from './top-bar.module.css';

/** First line of every page: where one is, how it stands, search, theme. Paper gets where it was. */
export function TopBar({
  crumbs,
  note,
  status,
  search,
}: {
  readonly crumbs: readonly Crumb[];
  /** Grey words after the last crumb, such as "attempt 2". */
  readonly note?: string | null;
  readonly status?: ReactNode;
  /** What can be searched here besides the runs. */
  readonly search?: PageSearch;
}) {
  const path = usePathname();
  useSearchOffer(search);
  return (
    <>
      <p className={styles['printed']}>
        {crumbs
          .filter((crumb) => crumb !== PENDING_CRUMB)
          .map(({ label }) => label)
          .join(' / ')}
        {note === undefined || note === null ? null : `, ${note}`}
      </p>
      <header className={styles['bar']} data-chrome>
        <Link href="/" className={styles['home']} aria-label="Spikescope, all runs">
          <Logo />
          <span className={styles['name']}>Spikescope</span>
        </Link>
        <Crumbs crumbs={crumbs} />
        {note === undefined || note === null ? null : (
          <span className={styles['note']}>{note}</span>
        )}
        <div className={styles['end']}>
          {status}
          <Link
            href="/spikes"
            prefetch={false}
            className={styles['page']}
            aria-current={path === '/spikes' ? 'page' : undefined}
          >
            Spikes
          </Link>
          <AlertsLink />
          <SearchTrigger
            text={search === undefined ? 'Search runs' : 'Search runs, layers, metrics'}
          />
          <span className={styles['theme']}>
            <ThemeToggle />
          </span>
        </div>
      </header>
    </>
  );
}
