import type { IncomingMessage } from 'node:http';
import type { AppError } from '../../lib/contract/app-error';
import { verifyToken } from '../../lib/store/tokens';
import type { AccessRules } from '../access/principal';
import { expiredSessionCookie, sessionCookie } from '../access/session-cookie';
import { type BodyBudget, withBody } from '../http/read-body';
import { type Reply, redirect } from '../http/reply';

const MAX_FORM_BYTES = 16 * 1024;

/**
 * 303 to `next` with the cookie set; 303 back to the form when the token is unknown or may
 * not read.
 */
export async function signIn(
  request: IncomingMessage,
  { db }: AccessRules,
  budget: BodyBudget,
): Promise<Reply> {
  return withBody(request, { budget, maxBytes: MAX_FORM_BYTES }, async (body) => {
    const form = new URLSearchParams(new TextDecoder().decode(body));
    const plaintext = form.get('token')?.trim() ?? '';
    const next = safePath(form.get('next'));
    const token = plaintext === '' ? null : await verifyToken(db, plaintext);
    if (token === null || token.scope === 'ingest') {
      const reason = token === null ? 'invalid_token' : 'scope_too_small';
      return redirect(`/sign-in?error=${reason}&next=${encodeURIComponent(next)}`);
    }
    const isSecure = request.headers['x-forwarded-proto'] === 'https';
    return redirect(next, { 'Set-Cookie': sessionCookie(plaintext, isSecure) });
  });
}

export function signOut(): Reply {
  return redirect('/sign-in', { 'Set-Cookie': expiredSessionCookie() });
}

/** A path of ours; anything that could lead a browser elsewhere becomes the start page. */
function safePath(next: string | null): string {
  if (next === null || !/^\/(?![/\\])[^\\\s]*$/.test(next)) return '/';
  return next;
}

/** The sign-in page, which leads back to where the browser wanted to go. */
export function toSignIn(request: IncomingMessage, error: AppError): Reply {
  const next = encodeURIComponent(safePath(request.url ?? '/'));
  const reason = error.code === 'forbidden' ? '&error=scope_too_small' : '';
  return redirect(`/sign-in?next=${next}${reason}`);
}
