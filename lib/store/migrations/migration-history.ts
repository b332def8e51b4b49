/** What `_prisma_migrations` says of a database, held against the migrations of this version. */
import type pg from 'pg';
import { findBrokenOff } from './atomic-migrations';

/** A database that this version must not touch; the message is for the person who starts it. */
export class MigrationHistoryError extends Error {
  override readonly name = 'MigrationHistoryError';
}

interface RecordedMigration {
  readonly name: string;
  /** False where it began and did not come to its end. */
  readonly isFinished: boolean;
}

/** By name, without those that were withdrawn; none for an empty database. */
async function findRecorded(client: pg.Client): Promise<readonly RecordedMigration[]> {
  const { rows: tables } = await client.query<{ found: boolean }>(
    `SELECT to_regclass('_prisma_migrations') IS NOT NULL AS found`,
  );
  if (tables[0]?.found !== true) return [];
  const { rows } = await client.query<RecordedMigration>(
    `SELECT migration_name AS name, bool_or(finished_at IS NOT NULL) AS "isFinished"
     FROM _prisma_migrations WHERE rolled_back_at IS NULL GROUP BY migration_name ORDER BY 1`,
  );
  return rows;
}

/**
 * Lets only a database through that this version can bring forward. A database is never
 * taken back: what an older version makes of columns that it does not know is anybody's
 * guess. A migration that was broken off is recorded as what it came to, since it was
 * applied whole or not at all. Returns the names that are still to be applied.
 *
 * Throws  MigrationHistoryError for a database that a newer version has used, and for one
 *         whose last upgrade was broken off by other means than ours
 */
export async function checkMigrationHistory(
  client: pg.Client,
  known: readonly string[],
): Promise<readonly string[]> {
  const recorded = await findRecorded(client);
  const unknown = recorded.map(({ name }) => name).filter((name) => !known.includes(name));
  if (unknown.length > 0) {
    throw new MigrationHistoryError(
      `it has been used by a newer Spikescope, and this version cannot read it: ${listed(unknown)} is not known here. ` +
        'A database is never taken back to an older form. Start the newer version again, restore a backup from ' +
        'before the upgrade, or use another database (DATABASE_URL or SPIKESCOPE_DATA_DIR). Nothing was changed.',
    );
  }
  for (const { name, isFinished } of recorded) {
    if (!isFinished) await settleBrokenOff(client, name);
  }
  const settled = await findRecorded(client);
  return known.filter((name) => !settled.some((of) => of.name === name && of.isFinished));
}

async function settleBrokenOff(client: pg.Client, name: string): Promise<void> {
  const open = `migration_name = $1 AND finished_at IS NULL AND rolled_back_at IS NULL`;
  switch (await findBrokenOff(client, name)) {
    case 'applied':
      await client.query(
        `UPDATE _prisma_migrations SET finished_at = now(), applied_steps_count = 1 WHERE ${open}`,
        [name],
      );
      return;
    case 'not_applied':
      await client.query(`UPDATE _prisma_migrations SET rolled_back_at = now() WHERE ${open}`, [
        name,
      ]);
      return;
    case 'unknown':
      throw new MigrationHistoryError(
        `an upgrade was broken off inside migration ${name}, and nothing says how far it came. ` +
          'Restore the backup from before the upgrade and start again. Nothing was changed.',
      );
  }
}

function listed(names: readonly string[]): string {
  const [first = '', ...others] = names;
  return others.length === 0
    ? `migration ${first}`
    : `migration ${first} (and ${others.length} more)`;
}
