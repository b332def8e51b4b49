import type { IncomingHttpHeaders } from 'node:http';
import { SESSION_COOKIE } from '../../lib/contract/session';

/** A fortnight: long enough for a run, short enough that a forgotten browser forgets. */
const MAX_AGE_SECONDS = 14 * 24 * 3600;

/**
 * The cookie that carries a token for a browser: unreadable for scripts. Lax, so that a link
 * in a chat opens a run; what a foreign page could do with that the Origin check stops.
 */
export function sessionCookie(token: string, isSecure: boolean): string {
  const attributes = `Path=/; HttpOnly; SameSite=Lax; Max-Age=${MAX_AGE_SECONDS}`;
  return `${SESSION_COOKIE}=${encodeURIComponent(token)}; ${attributes}${isSecure ? '; Secure' : ''}`;
}

export function expiredSessionCookie(): string {
  return `${SESSION_COOKIE}=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0`;
}

/** The token that a request carries: `Authorization: Bearer`, else the cookie; null without. */
export function readToken(
  headers: Pick<IncomingHttpHeaders, 'authorization' | 'cookie'>,
): string | null {
  const bearer = /^Bearer\s+(\S+)$/i.exec(headers.authorization ?? '')?.[1];
  if (bearer !== undefined) return bearer;
  for (const part of (headers.cookie ?? '').split(';')) {
    const [name, value] = part.trim().split('=', 2);
    if (name === SESSION_COOKIE && value !== undefined && value !== '') return safeDecode(value);
  }
  return null;
}

function safeDecode(value: string): string | null {
  try {
    return decodeURIComponent(value);
  } catch {
    return null;
  }
}
