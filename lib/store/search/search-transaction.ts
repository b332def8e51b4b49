/** Reads over all runs: one moment, five seconds a statement, and faults that name their field. */
import type { PoolClient } from 'pg';
import { AppError } from '../../contract/app-error';
import type { Database } from '../database';
import { parseTextMatch } from '../text-match';

const STATEMENT_TIMEOUT_MS = 5000;

export function invalidQuery(path: string, message: string, cause?: unknown): AppError {
  return new AppError('invalid_query', `${path}: ${message}`, {
    details: [{ path, message }],
    cause,
  });
}

/**
 * Runs the reads of one question in one snapshot.
 *
 * Throws  AppError `invalid_query` where the question takes too long or holds what no
 *         database reads, such as a bad cursor
 */
export async function inSearch<T>(
  db: Database,
  read: (client: PoolClient) => Promise<T>,
): Promise<T> {
  const client = await db.pool.connect();
  let failure: Error | undefined;
  try {
    await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
    await client.query(
      // Compiling a plan takes longer than these take to run; their sorts fit into memory.
      `SET LOCAL statement_timeout = ${STATEMENT_TIMEOUT_MS}; SET LOCAL jit = off; SET LOCAL work_mem = '32MB'`,
    );
    const result = await read(client);
    await client.query('COMMIT');
    return result;
  } catch (error) {
    failure = error instanceof Error ? error : new Error(String(error));
    throw explain(error);
  } finally {
    // Closing the connection of a failed transaction ends it, whatever state it is in.
    client.release(failure);
  }
}

function codeOf(error: unknown): string | null {
  return error instanceof Error && 'code' in error && typeof error.code === 'string'
    ? error.code
    : null;
}

function explain(error: unknown): unknown {
  const code = codeOf(error);
  if (code === '57014') {
    const message = 'the search took too long; narrow it by project, run, kind or layer';
    return new AppError('invalid_query', message, { cause: error });
  }
  // A time, a number or a key of the cursor that is none.
  if (code === '22007' || code === '22008' || code === '22P02' || code === '22003') {
    return invalidQuery('cursor', 'expected the nextCursor of an earlier reply', error);
  }
  return error;
}

/**
 * Tries each regex on nothing, so that a bad one is a fault of its own field.
 *
 * Throws  AppError `invalid_query`
 */
export async function checkPatterns(
  client: PoolClient,
  fields: Readonly<Record<string, string | undefined>>,
): Promise<void> {
  for (const [path, text] of Object.entries(fields)) {
    if (text === undefined) continue;
    const { operator, pattern } = parseTextMatch(text.trim());
    if (operator === 'ILIKE') continue;
    try {
      await client.query('SELECT $1 ~ $2', ['', pattern]);
    } catch (error) {
      if (codeOf(error) !== '2201B') throw error;
      const reason = error instanceof Error ? error.message : '';
      throw invalidQuery(path, `expected a regular expression between slashes: ${reason}`, error);
    }
  }
}

export function encodeCursor(values: readonly unknown[]): string {
  return Buffer.from(JSON.stringify(values)).toString('base64url');
}

/** Throws AppError `invalid_query` for what is no cursor. */
export function decodeCursor(text: string): unknown {
  try {
    const value: unknown = JSON.parse(Buffer.from(text, 'base64url').toString('utf8'));
    return value;
  } catch (cause) {
    throw invalidQuery('cursor', 'expected the nextCursor of an earlier reply', cause);
  }
}
