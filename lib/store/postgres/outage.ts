/** Failures of the database itself, told apart from faults of what was asked of it. */
import { AppError } from '../../contract/app-error';

/** What PostgreSQL says (SQLSTATE), in words for whoever is called at night; the rest cannot be reached. */
const WORDS: readonly (readonly [pattern: RegExp, words: string])[] = [
  [/^53100$/, 'the database has no space left on its disk'],
  [/^53200$/, 'the database has no memory left'],
  [/^53300$/, 'the database takes no more connections'],
  [/^58...$/, 'the database cannot use its files'],
  [/^25006$/, 'the database can only be read'],
  [/^57P0[13]$/, 'the database is being restarted'],
  [/^28...$|^3D000$/, 'the database refuses our user or has no such database'],
];
const CANNOT_BE_REACHED = 'the database cannot be reached';

/** A job that waits a second loses little; what is not over by then is told again. */
const RETRY_AFTER_SECONDS = 1;

/** Prisma's own codes: cannot be reached, timed out, closed, no connection free, too many. */
const PRISMA_OUTAGES = new Set(['P1001', 'P1002', 'P1008', 'P1017', 'P2024', 'P2037']);

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string'
    ? error.code
    : '';
}

/**
 * The server cannot be reached, turns us away, or cannot write: connection failures (08),
 * a server that starts or stops (57P), is full (53), has lost its files (58), takes only
 * reads (25006) or does not know us (28, 3D), or a socket that broke. The same request may
 * succeed later.
 */
export function isOutage(error: unknown): boolean {
  const code = codeOf(error);
  if (/^(?:08...|57P0.|53...|58...|25006|28...|3D000)$/.test(code)) return true;
  // Node's own codes: ECONNREFUSED, ECONNRESET, EPIPE, ETIMEDOUT, ENOTFOUND.
  if (/^E[A-Z]+$/.test(code)) return true;
  return code === '' && error instanceof Error && /connection|not queryable/i.test(error.message);
}

/** Why, in a few words without SQL, hosts or passwords. */
export function describeOutage(error: unknown): string {
  const code = codeOf(error);
  return WORDS.find(([pattern]) => pattern.test(code))?.[1] ?? CANNOT_BE_REACHED;
}

export function unavailable(words: string, cause?: unknown): AppError {
  return new AppError('unavailable', words, { retryAfterSeconds: RETRY_AFTER_SECONDS, cause });
}

/** An outage behind whatever Prisma or pg has wrapped it in, as the reply for it; else the error itself. */
export function toUnavailable(error: unknown): unknown {
  for (let inner = error; inner instanceof Error; inner = inner.cause) {
    if (inner instanceof AppError) return error;
    if (PRISMA_OUTAGES.has(codeOf(inner)) || isOutage(inner)) {
      return unavailable(describeOutage(inner), error);
    }
  }
  return error;
}
