/** Pages of runs: pinned first, then newest first. */
import { z } from 'zod';
import { AppError } from '../contract/app-error';
import type { RunsQuery } from '../contract/reads';
import type { Database } from './database';
import { DELETING } from './run-status';

/** Where a page ends: the order's columns of its last run. */
const cursorSchema = z.tuple([z.boolean(), z.string(), z.guid()]);
type Cursor = z.infer<typeof cursorSchema>;

/** A regular expression that takes longer than this over all names is refused. */
const SEARCH_TIMEOUT_MS = 2000;

interface PageRow {
  readonly run: string;
  readonly pinned: boolean;
  readonly created_at: string;
}

export interface RunPage {
  readonly runKeys: readonly string[];
  readonly total: number;
  readonly nextCursor: string | null;
}

function invalid(path: string, message: string, cause?: unknown): AppError {
  return new AppError('invalid_query', `${path}: ${message}`, {
    details: [{ path, message }],
    cause,
  });
}

function parseCursor(text: string): Cursor {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(text, 'base64url').toString('utf8'));
  } catch (cause) {
    throw invalid('cursor', 'expected the nextCursor of an earlier reply', cause);
  }
  const parsed = cursorSchema.safeParse(value);
  if (!parsed.success) throw invalid('cursor', 'expected the nextCursor of an earlier reply');
  return parsed.data;
}

function encodeCursor({ pinned, created_at: createdAt, run }: PageRow): string {
  return Buffer.from(JSON.stringify([pinned, createdAt, run])).toString('base64url');
}

/** SQL conditions with their parameters. */
class Conditions {
  readonly parameters: unknown[] = [];
  readonly #clauses: string[] = [];

  add(clause: (...placeholders: string[]) => string, ...values: readonly unknown[]): void {
    const placeholders = values.map((value) => `$${this.parameters.push(value)}`);
    this.#clauses.push(clause(...placeholders));
  }

  get sql(): string {
    return this.#clauses.map((clause) => `(${clause})`).join(' AND ');
  }
}

function filterOf({ project, status, q }: RunsQuery): Conditions {
  const conditions = new Conditions();
  conditions.add((deleting = '') => `status <> ${deleting}`, DELETING);
  if (project !== undefined) conditions.add((value = '') => `project = ${value}`, project);
  if (status !== undefined) conditions.add((value = '') => `status = ${value}`, status);
  const search = q?.trim() ?? '';
  if (search === '') return conditions;
  const expression = /^\/(.+)\/(i?)$/s.exec(search);
  if (expression === null) {
    const pattern = `%${search.replaceAll(/[\\%_]/g, (character) => `\\${character}`)}%`;
    conditions.add(
      (value = '') =>
        `id ILIKE ${value} OR name ILIKE ${value} OR EXISTS (SELECT 1 FROM unnest(tags) AS tag WHERE tag ILIKE ${value})`,
      pattern,
    );
    return conditions;
  }
  const operator = expression[2] === 'i' ? '~*' : '~';
  conditions.add(
    (value = '') =>
      `id ${operator} ${value} OR name ${operator} ${value} OR EXISTS (SELECT 1 FROM unnest(tags) AS tag WHERE tag ${operator} ${value})`,
    expression[1],
  );
  return conditions;
}

/**
 * Keys of one page and how many runs match in all. A cursor names the last run of its page,
 * so runs that are added or deleted meanwhile neither repeat nor hide others.
 *
 * Throws  AppError `invalid_query` for an unreadable cursor or regular expression
 */
export async function findRunPage(db: Database, query: RunsQuery): Promise<RunPage> {
  const filter = filterOf(query);
  const countSql = `SELECT count(*)::int AS total FROM run WHERE ${filter.sql}`;
  const countParameters = [...filter.parameters];
  if (query.cursor !== undefined) {
    filter.add(
      (pinned = '', createdAt = '', run = '') =>
        `(pinned, created_at, run) < (${pinned}::boolean, ${createdAt}::timestamptz, ${run}::uuid)`,
      ...parseCursor(query.cursor),
    );
  }
  const pageSql = `SELECT run::text, pinned, created_at::text FROM run WHERE ${filter.sql}
    ORDER BY pinned DESC, created_at DESC, run DESC LIMIT ${query.limit + 1}`;
  const client = await db.pool.connect();
  try {
    await client.query(`BEGIN READ ONLY`);
    await client.query(`SET LOCAL statement_timeout = ${SEARCH_TIMEOUT_MS}`);
    const count = await client.query<{ total: number }>(countSql, countParameters);
    const { rows } = await client.query<PageRow>(pageSql, filter.parameters);
    await client.query('COMMIT');
    const page = rows.slice(0, query.limit);
    const last = page.at(-1);
    return {
      runKeys: page.map(({ run }) => run),
      total: count.rows[0]?.total ?? 0,
      nextCursor: rows.length > query.limit && last !== undefined ? encodeCursor(last) : null,
    };
  } catch (error) {
    await client.query('ROLLBACK');
    throw explainSearchFailure(error);
  } finally {
    client.release();
  }
}

function explainSearchFailure(error: unknown): unknown {
  const code = error instanceof Error && 'code' in error ? error.code : null;
  if (code === '2201B') {
    const message = error instanceof Error ? error.message : '';
    return invalid('q', `expected a regular expression between slashes: ${message}`, error);
  }
  if (code === '22007' || code === '22008') {
    return invalid('cursor', 'expected the nextCursor of an earlier reply', error);
  }
  if (code === '57014') {
    return invalid('q', 'the search took too long; expected a simpler expression', error);
  }
  return error;
}
