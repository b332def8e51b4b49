import Link from 'next/link';
import styles from './top-bar.module.css';

export interface Crumb {
  readonly label: string;
  /** The last crumb is where one is and needs none. */
  readonly href?: string;
}

/** Stands where a name will that is not read yet: no word is written that another replaces. */
export const PENDING_CRUMB: Crumb = { label: '' };

/** Where one is, from the outside in. Who rests on a name that is cut sees it whole. */
export function Crumbs({ crumbs }: { readonly crumbs: readonly Crumb[] }) {
  return (
    <nav aria-label="Breadcrumb" className={styles['place']}>
      <ol className={styles['crumbs']}>
        {crumbs.map((crumb, index) => (
          <li key={`${index} ${crumb.label}`}>
            {index > 0 ? <span aria-hidden>/</span> : null}
            {crumb === PENDING_CRUMB ? (
              <i className={styles['pending']} data-pending aria-hidden />
            ) : crumb.href === undefined ? (
              <span aria-current="page" title={crumb.label}>
                {crumb.label}
              </span>
            ) : (
              <Link href={crumb.href} title={crumb.label}>
                {crumb.label}
              </Link>
            )}
          </li>
        ))}
      </ol>
    </nav>
  );
}
