import type { Metadata } from 'next';
import { cookies } from 'next/headers';
import { SESSION_COOKIE } from '@/lib/contract/session';
import { Logo } from '../_design/icons';
import { Button } from '../_components/button';
import { TextField } from '../_components/text-field';
import styles from './sign-in.module.css';

export const metadata: Metadata = { title: 'Sign in' };

/** What the front door says in `error`, and what to do about it. */
const FAULTS: Readonly<Record<string, string>> = {
  invalid_token: 'This token is not known or was revoked. Paste it whole, or ask for another one.',
  scope_too_small: 'This token may post but not read. Use one with scope read or admin.',
};

const first = (value: string | string[] | undefined): string | null =>
  (Array.isArray(value) ? value[0] : value) ?? null;

/**
 * Exchanges a token for a session cookie. A plain form: it works without scripts, and
 * the front door alone sees the token and decides where `next` may lead.
 */
export default async function Page({
  searchParams,
}: {
  readonly searchParams: Promise<Readonly<Record<string, string | string[] | undefined>>>;
}) {
  const query = await searchParams;
  const code = first(query['error']);
  const hasSession = (await cookies()).has(SESSION_COOKIE);
  const fault = code === null ? null : (FAULTS[code] ?? 'Signing in failed. Try again.');
  return (
    <main className={styles['page']}>
      <form method="post" action="/sign-in" className={styles['form']}>
        <p className={styles['brand']}>
          <Logo /> Spikescope
        </p>
        <h1 className={styles['title']}>Sign in with an access token</h1>
        <label className={styles['field']} htmlFor="token">
          Token
          <TextField
            id="token"
            label="Token"
            name="token"
            type="password"
            required
            autoFocus
            autoComplete="current-password"
            aria-describedby={fault === null ? 'help' : 'fault help'}
            error={fault}
          />
        </label>
        {fault === null ? null : (
          <p id="fault" role="alert" className={styles['fault']}>
            {fault}
          </p>
        )}
        <input type="hidden" name="next" value={first(query['next']) ?? '/'} />
        <Button type="submit" variant="primary">
          Sign in
        </Button>
        <p id="help" className={styles['help']}>
          Whoever runs this server makes one with{' '}
          <code>npm run token -- create --project P --scope read</code>. It is kept in a cookie that
          scripts cannot read.
        </p>
      </form>
      {hasSession ? (
        <form method="post" action="/sign-out" className={styles['session']}>
          <p>This browser keeps a token already.</p>
          <Button type="submit">Sign out</Button>
        </form>
      ) : null}
    </main>
  );
}
