'use client';

import Link from 'next/link';
import type { ReactNode } from 'react';
import { Logo } from '../_design/icons';
import { useSearchOffer, type PageSearch } from '../_hooks/page-actions';
import { AlertsLink } from './alerts/alerts-link';
import { SearchTrigger } from './search-trigger';
import { ThemeToggle } from './theme-toggle';
import styles from './top-bar.module.css';

export interface Crumb {
  readonly label: string;
  /** The last crumb is where one is and needs none. */
  readonly href?: string;
}

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
  useSearchOffer(search);
  return (
    <>
      <p className={styles['printed']}>
        {crumbs.map(({ label }) => label).join(' / ')}
        {note === undefined || note === null ? null : `, ${note}`}
      </p>
      <header className={styles['bar']} data-chrome>
        <Link href="/" className={styles['home']} aria-label="Spikescope, all runs">
          <Logo />
          <span className={styles['name']}>Spikescope</span>
        </Link>
        <nav aria-label="Breadcrumb" style={{ minWidth: 0 }}>
          <ol className={styles['crumbs']}>
            {crumbs.map((crumb, index) => (
              <li key={`${index} ${crumb.label}`}>
                {index > 0 ? <span aria-hidden>/</span> : null}
                {crumb.href === undefined ? (
                  <span aria-current="page">{crumb.label}</span>
                ) : (
                  <Link href={crumb.href}>{crumb.label}</Link>
                )}
              </li>
            ))}
          </ol>
        </nav>
        {note === undefined || note === null ? null : (
          <span className={styles['note']}>{note}</span>
        )}
        <div className={styles['end']}>
          {status}
          <Link href="/spikes" prefetch={false} className={styles['page']}>
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
