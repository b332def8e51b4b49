import Link from 'next/link';
import type { ButtonHTMLAttributes, ReactNode } from 'react';
import { classNames } from '../_design/class-names';
import styles from './button.module.css';

export type ButtonVariant = 'plain' | 'primary' | 'quiet' | 'link';

const classOf = (variant: ButtonVariant, className?: string) =>
  classNames(styles['button'], variant !== 'plain' && styles[variant], className);

export function Button({
  variant = 'plain',
  className,
  type = 'button',
  ...rest
}: { readonly variant?: ButtonVariant } & ButtonHTMLAttributes<HTMLButtonElement>) {
  return <button type={type} className={classOf(variant, className)} {...rest} />;
}

/** A link that looks like a button: it goes somewhere, so it stays a link. */
export function ButtonLink({
  href,
  variant = 'plain',
  children,
}: {
  readonly href: string;
  readonly variant?: ButtonVariant;
  readonly children: ReactNode;
}) {
  return (
    <Link href={href} className={classOf(variant)}>
      {children}
    </Link>
  );
}
