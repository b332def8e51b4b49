/**
 * Migrations by Prisma's own schema engine, compiled to WebAssembly: the command line's
 * engine is a binary that closed networks cannot download. It keeps `_prisma_migrations`
 * as the command line does, so both can be used on one database.
 */
import { readFile, readdir } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { bindMigrationAwareSqlAdapterFactory } from '@prisma/driver-adapter-utils';
import * as schemaEngine from '@prisma/schema-engine-wasm/schema_engine_bg';
import pg from 'pg';
import type { StoreLogger } from '../store-logger';
import { AtomicMigrationsFactory } from './atomic-migrations';
import { checkDatabase, checkRightsToMigrate } from './database-requirements';
import { checkMigrationHistory } from './migration-history';
import { grantSqlReader } from './sql-reader';

/** Tables of the hot path, hand-written in the migrations; the same list as in prisma.config.ts. */
export const EXTERNAL_TABLES = [
  'step',
  'frame',
  'hot_frame',
  'histogram_edges',
  'histogram_frame',
  'detector_state',
  'rms_spike_step',
  'metric_block',
  'metric_rollup',
  'scalar_rollup',
  'histogram_rollup',
  'compaction_state',
  'sample_frame',
  'job',
  'raw_gap',
].map((name) => `public.${name}`);

/** Applying migrations compares no models; the engine only asks what kind of database it talks to. */
const DATAMODEL = 'datasource db {\n  provider = "postgresql"\n}\n';

let isEngineLoaded = false;

/** The package's own entry needs a loader for `.wasm` imports, which plain Node 20 has not. */
async function loadEngine(): Promise<void> {
  if (isEngineLoaded) return;
  const script = createRequire(import.meta.url).resolve(
    '@prisma/schema-engine-wasm/schema_engine_bg',
  );
  const binary = await readFile(script.replace(/\.js$/, '.wasm'));
  const { instance } = await WebAssembly.instantiate(binary, {
    './schema_engine_bg.js': { ...schemaEngine },
  });
  schemaEngine.__wbg_set_wasm(instance.exports);
  const start = instance.exports['__wbindgen_start'];
  if (typeof start === 'function') Reflect.apply(start, undefined, []);
  // Where the engine leaves the message of a panic before it traps.
  Object.assign(globalThis, {
    PRISMA_WASM_PANIC_REGISTRY: {
      set_message(message: string): void {
        throw new Error(`the schema engine failed: ${message}`);
      },
    },
  });
  isEngineLoaded = true;
}

interface MigrationOnDisk {
  readonly path: string;
  readonly migrationFile: {
    readonly path: string;
    readonly content: { readonly tag: 'ok'; readonly value: string };
  };
}

async function readMigrations(directory: string): Promise<MigrationOnDisk[]> {
  const entries = await readdir(directory, { withFileTypes: true });
  const names = entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
  return Promise.all(
    names.sort().map(async (name) => ({
      path: name,
      migrationFile: {
        path: 'migration.sql',
        content: {
          tag: 'ok' as const,
          value: await readFile(path.join(directory, name, 'migration.sql'), 'utf8'),
        },
      },
    })),
  );
}

export interface MigrationOptions {
  readonly url: string;
  /** `prisma/migrations`. */
  readonly directory: string;
  /** Hears of readers in SQL that cannot be let in. */
  readonly logger?: StoreLogger;
}

/**
 * Runs `use` with an engine on the database, and frees both afterwards. `migrationNames`:
 * of each script that is to be applied whole or not at all.
 */
export async function withSchemaEngine<Result>(
  url: string,
  use: (engine: schemaEngine.SchemaEngine) => Promise<Result>,
  migrationNames: ReadonlyMap<string, string> = new Map(),
): Promise<Result> {
  await loadEngine();
  const pool = new pg.Pool({
    connectionString: url,
    max: 2,
    // A user named as the schema of views would make its tables there. Not as an option of
    // the connection: pools before a server refuse those.
    verify: (client, done) => {
      client.query('SET search_path TO public', (error: Error | null) => {
        done(error ?? undefined);
      });
    },
  });
  try {
    const engine = await schemaEngine.SchemaEngine.new(
      { datamodels: [['schema.prisma', DATAMODEL]] },
      () => undefined,
      bindMigrationAwareSqlAdapterFactory(new AtomicMigrationsFactory(pool, migrationNames)),
    );
    try {
      return await use(engine);
    } finally {
      engine.free();
    }
  } finally {
    await pool.end();
  }
}

/** Any number that nothing else locks; the engine's own lock is another. */
const MIGRATION_LOCK = 7_365_616;

/** A server behind a wall that swallows packets would otherwise be waited for for minutes. */
const CONNECT_TIMEOUT_MS = 10_000;

/** One process at a time looks at a database's history and brings it forward; others wait. */
async function withMigrationLock<Result>(
  url: string,
  use: (client: pg.Client) => Promise<Result>,
): Promise<Result> {
  const client = new pg.Client({
    connectionString: url,
    application_name: 'spikescope migrations',
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
  });
  // One that breaks fails the query at hand.
  client.on('error', () => undefined);
  await client.connect();
  try {
    await checkDatabase({ url, client });
    await client.query('SELECT pg_advisory_lock($1)', [MIGRATION_LOCK]);
    return await use(client);
  } finally {
    await client.end();
  }
}

/**
 * Applies what is not applied yet, in order of name, each migration whole or not at all,
 * and returns the names applied. A second call returns an empty list. The views for people
 * with SQL are then open to their role.
 *
 * Throws  UnfitDatabaseError for one that cannot hold the product, MigrationHistoryError for
 *         one that a newer version has used; with the engine's message when a migration
 *         fails, which the next start tries again
 */
export async function applyMigrations({
  url,
  directory,
  logger,
}: MigrationOptions): Promise<readonly string[]> {
  const [migrationDirectories, lockfile] = await Promise.all([
    readMigrations(directory),
    readFile(path.join(directory, 'migration_lock.toml'), 'utf8'),
  ]);
  const names = new Map(
    migrationDirectories.map(({ path: name, migrationFile }) => [
      migrationFile.content.value,
      name,
    ]),
  );
  const migrationsList = {
    baseDir: directory,
    lockfile: { path: 'migration_lock.toml', content: lockfile },
    shadowDbInitScript: '',
    migrationDirectories: [...migrationDirectories],
  };
  const filters = { externalTables: [...EXTERNAL_TABLES], externalEnums: [] };
  return withMigrationLock(url, async (client) => {
    const pending = await checkMigrationHistory(client, [...names.values()]);
    if (pending.length > 0) await checkRightsToMigrate(client);
    const { appliedMigrationNames } = await withSchemaEngine(
      url,
      (engine) => engine.applyMigrations({ migrationsList, filters }),
      names,
    ).catch((error: unknown) => {
      throw withoutTrace(error);
    });
    await grantSqlReader(client, logger);
    return appliedMigrationNames;
  });
}

/** The engine's message ends in where in the engine it came about, over many lines. */
function withoutTrace(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const [words = ''] = error.message.split(/\n\s*0: /);
  return new Error(words.trim(), { cause: error });
}
