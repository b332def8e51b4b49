/**
 * Each migration as one transaction. Prisma's adapter sends a script statement by
 * statement, so a kill in the middle would leave half of a form behind; sent whole, it is
 * applied whole or not at all. A comment on `_prisma_migrations`, written before the script
 * and again as its last statement, tells a later start which of the two it was, where the
 * engine could no longer record it.
 */
import { PrismaPg } from '@prisma/adapter-pg';
import type { SqlDriverAdapter } from '@prisma/driver-adapter-utils';
import type pg from 'pg';

const BEGUN = 'begun: ';
const APPLIED = 'applied: ';

function note(text: string): string {
  return `COMMENT ON TABLE _prisma_migrations IS '${text.replaceAll("'", "''")}'`;
}

/** `names`: of each script that is a migration. Other scripts are the engine's own. */
export class AtomicMigrationsFactory extends PrismaPg {
  readonly #names: ReadonlyMap<string, string>;

  constructor(pool: pg.Pool, names: ReadonlyMap<string, string>) {
    super(pool);
    this.#names = names;
  }

  override async connect(): ReturnType<PrismaPg['connect']> {
    const adapter = await super.connect();
    const asStatements = adapter.executeScript.bind(adapter);
    adapter.executeScript = async (script) => {
      const name = this.#names.get(script);
      if (name === undefined) return asStatements(script);
      await execute(adapter, note(`${BEGUN}${name}`));
      // Without parameters this goes as one simple query, which is one transaction.
      await execute(adapter, `${script}\n;${note(`${APPLIED}${name}`)}`);
    };
    return adapter;
  }
}

async function execute(adapter: SqlDriverAdapter, sql: string): Promise<void> {
  await adapter.executeRaw({ sql, args: [], argTypes: [] });
}

export type BrokenOff = 'applied' | 'not_applied' | 'unknown';

/** What became of a migration that the engine has not recorded as finished. */
export async function findBrokenOff(client: pg.Client, name: string): Promise<BrokenOff> {
  const { rows } = await client.query<{ note: string | null }>(
    `SELECT obj_description('_prisma_migrations'::regclass, 'pg_class') AS note`,
  );
  switch (rows[0]?.note) {
    case `${BEGUN}${name}`:
      return 'not_applied';
    case `${APPLIED}${name}`:
      return 'applied';
    default:
      return 'unknown';
  }
}
