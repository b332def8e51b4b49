import type { IncomingHttpHeaders } from 'node:http';
import { AppError } from '../../lib/contract/app-error';
import type { Database } from '../../lib/store/database';
import { type TokenScope, verifyToken } from '../../lib/store/tokens';
import { readToken } from './session-cookie';

/** Whoever asks: anybody, where tokens are not required, or the holder of a token. */
export type Principal =
  | { readonly kind: 'open' }
  | {
      readonly kind: 'token';
      readonly tokenId: string;
      readonly project: string;
      readonly scope: TokenScope;
    };

export interface AccessRules {
  readonly db: Database;
  readonly requireTokens: boolean;
}

/**
 * Who sends these headers. The token is looked up at every request, so that a revoked one
 * stops at once; it costs one keyed read.
 *
 * Throws  AppError `unauthorized`
 */
export async function authenticate(
  headers: Pick<IncomingHttpHeaders, 'authorization' | 'cookie'>,
  { db, requireTokens }: AccessRules,
): Promise<Principal> {
  if (!requireTokens) return { kind: 'open' };
  const plaintext = readToken(headers);
  if (plaintext === null) {
    throw new AppError(
      'unauthorized',
      'expected "Authorization: Bearer <token>"; create one with "npm run token -- create"',
    );
  }
  const token = await verifyToken(db, plaintext);
  if (token === null) throw new AppError('unauthorized', 'the token is unknown or was revoked');
  return { kind: 'token', tokenId: token.id, project: token.project, scope: token.scope };
}

/** Throws AppError `forbidden` unless the scope is one of these. `admin` is enough for everything. */
export function permitScope(principal: Principal, ...needed: readonly TokenScope[]): void {
  if (principal.kind === 'open' || principal.scope === 'admin') return;
  if (needed.includes(principal.scope)) return;
  throw new AppError(
    'forbidden',
    `this needs a token with scope ${needed.join(' or ')}; yours has ${principal.scope}`,
  );
}

/** Throws AppError `forbidden` unless the principal may touch this project. */
export function permitProject(principal: Principal, project: string): void {
  if (principal.kind === 'open' || principal.project === project) return;
  throw new AppError('forbidden', `your token is for project ${principal.project} alone`);
}

/** The project that a list must be narrowed to; null where all may be seen. */
export function visibleProject(principal: Principal): string | null {
  return principal.kind === 'open' ? null : principal.project;
}
