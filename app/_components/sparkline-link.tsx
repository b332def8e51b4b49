import Link from 'next/link';
import type { ReactNode } from 'react';

/**
 * A sparkline has no menu of its own: it leads to the chart that has one. For the mouse and
 * for those who read by ear; the name in the same row takes the keyboard there.
 */
export function SparklineLink({
  href,
  children,
}: {
  readonly href: string;
  readonly children: ReactNode;
}) {
  return (
    <Link
      href={href}
      prefetch={false}
      tabIndex={-1}
      title="Open its chart, with numbers and picture"
      style={{ display: 'block' }}
    >
      {children}
    </Link>
  );
}
