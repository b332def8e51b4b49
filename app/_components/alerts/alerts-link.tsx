'use client';

import Link from 'next/link';
import { usePathname } from 'next/navigation';
import { formatCount } from '@/lib/view/text/format-number';
import { Icon } from '../../_design/icons';
import { useOpenIncidentCount } from '../../_hooks/incident-feed';
import styles from './alerts-link.module.css';

/** The way to the alerts from every page, with how many incidents wait for somebody. */
export function AlertsLink() {
  const count = useOpenIncidentCount() ?? 0;
  const isHere = usePathname() === '/alerts';
  return (
    <Link
      href="/alerts"
      prefetch={false}
      className={styles['link']}
      title="Alerts"
      aria-current={isHere ? 'page' : undefined}
      data-open={count > 0 || undefined}
    >
      <Icon name="bell" size={14} />
      <span className={styles['word']}>Alerts</span>
      {count === 0 ? null : (
        <>
          <span className={styles['count']}>{formatCount(count)}</span>
          <span className="visually-hidden">open {count === 1 ? 'incident' : 'incidents'}</span>
        </>
      )}
    </Link>
  );
}
