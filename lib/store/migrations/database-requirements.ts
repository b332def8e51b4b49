/**
 * What Spikescope needs of a database, asked before anything is made in it: each of these
 * would otherwise be found out later, in the middle of a migration or of a night.
 */
import pg from 'pg';

/** A database that cannot hold the product; the message says what to change. */
export class UnfitDatabaseError extends Error {
  override readonly name = 'UnfitDatabaseError';
}

const OLDEST_SERVER = 15;

/**
 * Front door 8, ingest 8 and its writer with a trial beside it 2, compaction and its vacuum 2, alerts 3.
 * With fewer, reads that keep theirs can leave none to the writer.
 */
const CONNECTIONS_NEEDED = 23;

interface Facts {
  readonly version: string;
  readonly version_number: number;
  readonly encoding: string;
  readonly is_standby: boolean;
  readonly is_read_only: boolean;
  readonly sees_public: boolean;
  readonly search_path: string;
  readonly connection_limit: number;
  readonly backend_pid: number;
  readonly user_name: string;
  readonly database_name: string;
  readonly may_make_tables: boolean;
  readonly may_make_schemas: boolean;
}

const FACTS_SQL = `
  SELECT current_setting('server_version') AS version,
    current_setting('server_version_num')::int AS version_number,
    current_setting('server_encoding') AS encoding,
    pg_is_in_recovery() AS is_standby,
    current_setting('transaction_read_only') = 'on' AS is_read_only,
    'public' = ANY (current_schemas(false)) AS sees_public,
    current_setting('search_path') AS search_path,
    least(
      current_setting('max_connections')::int - CASE WHEN rolsuper THEN 0 ELSE
        current_setting('superuser_reserved_connections')::int
        + coalesce(current_setting('reserved_connections', true)::int, 0) END,
      CASE WHEN rolconnlimit >= 0 AND NOT rolsuper THEN rolconnlimit END,
      CASE WHEN datconnlimit >= 0 AND NOT rolsuper THEN datconnlimit END
    ) AS connection_limit,
    pg_backend_pid() AS backend_pid,
    current_user AS user_name,
    current_database() AS database_name,
    coalesce(has_schema_privilege(to_regnamespace('public')::oid, 'CREATE'), false) AS may_make_tables,
    to_regnamespace('spikescope') IS NOT NULL
      OR has_database_privilege(current_database(), 'CREATE') AS may_make_schemas
  FROM pg_roles, pg_database WHERE rolname = current_user AND datname = current_database()`;

/** What a pool may take to lend a second connection; a pool that is used up waits for ever. */
const LENDING_MS = 15_000;

export interface RequirementOptions {
  readonly url: string;
  readonly client: pg.Client;
  readonly lendingMs?: number;
}

/**
 * One round trip, and a second connection where a pool answers in the server's place.
 *
 * Throws  UnfitDatabaseError
 */
export async function checkDatabase(options: RequirementOptions): Promise<void> {
  const facts = await findFacts(options.client);
  const fault = findFault(facts) ?? (await findPoolFault(options, facts.backend_pid));
  if (fault !== null) throw new UnfitDatabaseError(fault);
}

/**
 * Asked only where there is something to make: later the product needs no such rights.
 *
 * Throws  UnfitDatabaseError
 */
export async function checkRightsToMigrate(client: pg.Client): Promise<void> {
  const facts = await findFacts(client);
  const user = pg.escapeIdentifier(facts.user_name);
  const name = pg.escapeIdentifier(facts.database_name);
  if (!facts.may_make_tables) {
    throw new UnfitDatabaseError(
      `the user ${facts.user_name} may make no tables in the schema public. Let an administrator of the database run ` +
        `ALTER DATABASE ${name} OWNER TO ${user}; or, there, GRANT CREATE ON SCHEMA public TO ${user};`,
    );
  }
  if (!facts.may_make_schemas) {
    throw new UnfitDatabaseError(
      `the user ${facts.user_name} may make no schema, and the views for SQL are in one of their own. ` +
        `Let an administrator of the database run GRANT CREATE ON DATABASE ${name} TO ${user};`,
    );
  }
}

async function findFacts(client: pg.Client): Promise<Facts> {
  const { rows } = await client.query<Facts>(FACTS_SQL);
  const [facts] = rows;
  if (facts === undefined) throw new Error('the server does not know its own user and database');
  return facts;
}

function findFault(facts: Facts): string | null {
  if (facts.version_number < OLDEST_SERVER * 10_000) {
    return `its server is PostgreSQL ${facts.version}; Spikescope needs ${OLDEST_SERVER} or newer`;
  }
  if (facts.encoding !== 'UTF8') {
    return (
      `its encoding is ${facts.encoding}, which cannot hold every name. Make one with ` +
      'createdb --encoding=UTF8 --template=template0'
    );
  }
  if (facts.is_standby) return 'its server is a standby, which only reads: name the primary';
  if (facts.is_read_only) {
    return `it can only be read by ${facts.user_name}: default_transaction_read_only is on`;
  }
  if (!facts.sees_public) {
    return (
      `its search_path is ${facts.search_path}, and the tables are in the schema public: run ` +
      `ALTER ROLE ${pg.escapeIdentifier(facts.user_name)} SET search_path TO public`
    );
  }
  if (facts.connection_limit < CONNECTIONS_NEEDED) {
    return (
      `its server admits ${facts.connection_limit} connections of ${facts.user_name}, and Spikescope takes up to ` +
      `${CONNECTIONS_NEEDED}: raise max_connections, or the CONNECTION LIMIT of the role or the database`
    );
  }
  return null;
}

const SHARED_CONNECTIONS =
  'a connection pool answers in its place and gives one connection to several clients by turns. Spikescope keeps ' +
  'prepared statements and locks on its connections: name the server itself, or set the pool to sessions ' +
  '(PgBouncer: pool_mode = session)';

const NOTHING_LENT =
  'a connection pool answers in its place and has lent no second connection. Spikescope takes up to ' +
  `${CONNECTIONS_NEEDED}: name the server itself, or let the pool have as many (PgBouncer: default_pool_size)`;

/**
 * A pool says of itself another process id than the server does. Where it hands connections
 * out by transaction, the one that we have just used is given to the next who asks.
 */
async function findPoolFault(
  { url, client, lendingMs = LENDING_MS }: RequirementOptions,
  backendPid: number,
): Promise<string | null> {
  if (!('processID' in client) || client.processID === backendPid) return null;
  const other = new pg.Client({ connectionString: url, connectionTimeoutMillis: lendingMs });
  other.on('error', () => undefined);
  const late = new AbortController();
  const timer = setTimeout(() => {
    late.abort();
    // What waits on the connection fails with it.
    void other.end();
  }, lendingMs);
  try {
    await other.connect();
    await other.query('BEGIN');
    const { rows } = await other.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
    return rows[0]?.pid === backendPid ? SHARED_CONNECTIONS : null;
  } catch (error) {
    if (late.signal.aborted) return NOTHING_LENT;
    throw error;
  } finally {
    clearTimeout(timer);
    await other.end();
  }
}
