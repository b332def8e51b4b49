/** Pages of runs: pinned first, then in the order that was asked for. */
import { z } from 'zod';
import { AppError } from '../../contract/app-error';
import { runSortSchema, type RunSort, type RunsQuery } from '../../contract/reads';
import type { RunStatus } from '../../contract/runs';
import type { Database } from '../database';
import { filterOf, type Conditions } from './run-filter';
import { joinsOf, orderOf, type RunOrder } from './run-order';
import { toRunStatus } from './run-status';

/** Where a page ends: its order and the order's columns of its last run. */
const cursorSchema = z.tuple([runSortSchema, z.boolean(), z.string(), z.string(), z.guid()]);

/** A regular expression or an order that takes longer than this over all runs is refused. */
const SEARCH_TIMEOUT_MS = 2000;

interface PageRow {
  readonly run: string;
  readonly pinned: boolean;
  readonly place: string;
  readonly created_at: string;
}

interface CountRow {
  readonly project: string;
  readonly status: string;
  readonly runs: number;
  readonly newest: Date;
}

export interface RunCounts {
  readonly total: number;
  /** The project with the newest run first. */
  readonly projects: readonly { readonly name: string; readonly runCount: number }[];
  readonly statuses: Readonly<Partial<Record<RunStatus, number>>>;
}

export interface RunPage extends RunCounts {
  readonly runKeys: readonly string[];
  readonly nextCursor: string | null;
}

function invalid(path: string, message: string, cause?: unknown): AppError {
  return new AppError('invalid_query', `${path}: ${message}`, {
    details: [{ path, message }],
    cause,
  });
}

function parseCursor(text: string, sort: RunSort): readonly [boolean, string, string, string] {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(text, 'base64url').toString('utf8'));
  } catch (cause) {
    throw invalid('cursor', 'expected the nextCursor of an earlier reply', cause);
  }
  const parsed = cursorSchema.safeParse(value);
  if (!parsed.success) throw invalid('cursor', 'expected the nextCursor of an earlier reply');
  const [cursorSort, ...columns] = parsed.data;
  if (cursorSort !== sort) {
    throw invalid('cursor', `expected a cursor of sort ${sort}; this one is of ${cursorSort}`);
  }
  return columns;
}

function encodeCursor(sort: RunSort, row: PageRow): string {
  const { pinned, place, created_at: createdAt, run } = row;
  return Buffer.from(JSON.stringify([sort, pinned, place, createdAt, run])).toString('base64url');
}

/** Those behind the cursor's run. */
function addCursor(filter: Conditions, order: RunOrder, cursor: string, sort: RunSort): void {
  const behind = order.isDescending ? '<' : '>';
  filter.add(
    (pinned = '', place = '', createdAt = '', run = '') =>
      `pinned < ${pinned}::boolean OR (pinned = ${pinned}::boolean AND (
        ${order.sql} ${behind} ${place}::${order.type} OR (${order.sql} = ${place}::${order.type}
          AND (created_at, run) < (${createdAt}::timestamptz, ${run}::uuid))))`,
    ...parseCursor(cursor, sort),
  );
}

/**
 * Keys of one page and how many runs match. A cursor names the last run of its page, so
 * runs that are added or deleted meanwhile neither repeat nor hide others; in an order by
 * what changes while runs go on, one that moved past the cursor may.
 *
 * Throws  AppError `invalid_query` for an unreadable cursor or regular expression
 * Cost    the default order reads runs alone; `loss`, `speed` and `state` read up to 64
 *         steps of every run that matches
 */
export async function findRunPage(db: Database, query: RunsQuery): Promise<RunPage> {
  const { sort = '-created', limit, cursor, excludeProjects = [] } = query;
  const filter = filterOf(query);
  const countSql = `SELECT project, status, count(*)::int AS runs, max(created_at) AS newest
    FROM run ${joinsOf(filter.sql)} WHERE ${filter.sql} GROUP BY project, status`;
  const countParameters = [...filter.parameters];
  const order = orderOf(sort);
  if (excludeProjects.length > 0) {
    filter.add((value = '') => `project <> ALL(${value}::text[])`, excludeProjects);
  }
  if (cursor !== undefined) addCursor(filter, order, cursor, sort);
  const pageSql = `SELECT run.run::text, pinned, (${order.sql})::text AS place, created_at::text
    FROM run ${joinsOf(filter.sql, order.sql)} WHERE ${filter.sql}
    ORDER BY pinned DESC, ${order.sql} ${order.isDescending ? 'DESC' : 'ASC'}, created_at DESC, run.run DESC
    LIMIT ${limit + 1}`;
  const client = await db.pool.connect();
  try {
    await client.query(`BEGIN READ ONLY`);
    await client.query(`SET LOCAL statement_timeout = ${SEARCH_TIMEOUT_MS}`);
    const counts = await client.query<CountRow>(countSql, countParameters);
    const { rows } = await client.query<PageRow>(pageSql, filter.parameters);
    await client.query('COMMIT');
    const page = rows.slice(0, limit);
    const last = page.at(-1);
    return {
      ...toCounts(counts.rows),
      runKeys: page.map(({ run }) => run),
      nextCursor: rows.length > limit && last !== undefined ? encodeCursor(sort, last) : null,
    };
  } catch (error) {
    await client.query('ROLLBACK');
    throw explainSearchFailure(error);
  } finally {
    client.release();
  }
}

function toCounts(rows: readonly CountRow[]): RunCounts {
  const byProject = new Map<string, { runCount: number; newestMs: number }>();
  const statuses: Partial<Record<RunStatus, number>> = {};
  for (const { project, status, runs, newest } of rows) {
    const known = byProject.get(project) ?? { runCount: 0, newestMs: 0 };
    byProject.set(project, {
      runCount: known.runCount + runs,
      newestMs: Math.max(known.newestMs, newest.getTime()),
    });
    const of = toRunStatus(status);
    statuses[of] = (statuses[of] ?? 0) + runs;
  }
  return {
    total: rows.reduce((sum, { runs }) => sum + runs, 0),
    projects: [...byProject]
      .sort(([a, { newestMs }], [b, other]) => other.newestMs - newestMs || (a < b ? -1 : 1))
      .map(([name, { runCount }]) => ({ name, runCount })),
    statuses,
  };
}

function explainSearchFailure(error: unknown): unknown {
  const code = error instanceof Error && 'code' in error ? error.code : null;
  if (code === '2201B') {
    const message = error instanceof Error ? error.message : '';
    return invalid('q', `expected a regular expression between slashes: ${message}`, error);
  }
  // A time, a number or a key of the cursor that is none.
  if (code === '22007' || code === '22008' || code === '22P02' || code === '22003') {
    return invalid('cursor', 'expected the nextCursor of an earlier reply', error);
  }
  if (code === '57014') {
    return invalid('q', 'the search took too long; expected a simpler one, or another sort', error);
  }
  return error;
}
