/**
 * Who may read the views for people with SQL. The role belongs to the server, not to the
 * database, so it is no migration: a database that is restored elsewhere gets it at its next
 * start.
 */
import pg from 'pg';
import type { StoreLogger } from '../store-logger';

/** May read the schema `spikescope` and nothing else; logins are made members of it. */
export const SQL_READER = 'spikescope_reader';

const GRANTS = `
  GRANT USAGE ON SCHEMA spikescope TO ${SQL_READER};
  GRANT SELECT ON ALL TABLES IN SCHEMA spikescope TO ${SQL_READER};
  GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA spikescope TO ${SQL_READER};`;

/** What SQLSTATE says of a role that somebody else has just made, and of one that we may not make. */
const EXISTS = new Set(['42710', '23505']);
const FORBIDDEN = '42501';

function codeOf(error: unknown): string | undefined {
  return error instanceof pg.DatabaseError ? error.code : undefined;
}

/**
 * Makes the role where it is missing and lets it read the schema's views. A database user
 * that may not make roles leaves it at a warning that says what an administrator has to run.
 *
 * Throws  whatever else the database says
 */
export async function grantSqlReader(client: pg.Client, logger?: StoreLogger): Promise<void> {
  try {
    const { rows } = await client.query<{ has_views: boolean; has_role: boolean }>(
      `SELECT to_regnamespace('spikescope') IS NOT NULL AS has_views,
        EXISTS (SELECT FROM pg_roles WHERE rolname = $1) AS has_role`,
      [SQL_READER],
    );
    // Before the migration that makes them: a database that is brought forward in parts.
    if (rows[0]?.has_views !== true) return;
    if (!rows[0].has_role) await createRole(client);
    await client.query(GRANTS);
  } catch (error) {
    if (codeOf(error) !== FORBIDDEN) throw error;
    logger?.warn(
      { error },
      `Questions in SQL are asked as the product's own user: it may not make the role for readers. ` +
        `Let an administrator run CREATE ROLE ${SQL_READER} NOLOGIN; GRANT ${SQL_READER} TO that user; and start again.`,
    );
  }
}

async function createRole(client: pg.Client): Promise<void> {
  try {
    await client.query(`CREATE ROLE ${SQL_READER} NOLOGIN`);
  } catch (error) {
    if (!EXISTS.has(codeOf(error) ?? '')) throw error;
  }
}
