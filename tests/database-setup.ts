/**
 * One PostgreSQL for the whole run of database tests, in a folder and on a port of its
 * own, so that two checkouts can test at once; its migrated `template_spikescope` is what
 * each test file clones.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import type { TestProject } from 'vitest/node';
import { applyMigrations } from '../lib/store/migrations/migrate';
import { startEmbeddedPostgres } from '../workers/launcher/embedded-postgres';

declare module 'vitest' {
  interface ProvidedContext {
    readonly databaseServerUrl: string;
    readonly templateDatabase: string;
  }
}

const TEMPLATE_DATABASE = 'template_spikescope';

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const dataDirectory = await mkdtemp(path.join(tmpdir(), 'spikescope-test-'));
  const server = await startEmbeddedPostgres({
    dataDirectory,
    logger: { info: () => undefined, warn: () => undefined },
    // A test's data need not survive the machine; flushes would take most of the time.
    settings: { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' },
  });
  const teardown = async (): Promise<void> => {
    await server.stop();
    await rm(dataDirectory, { recursive: true, force: true });
  };
  try {
    const client = new pg.Client({ connectionString: server.url });
    await client.connect();
    await client.query(`CREATE DATABASE ${TEMPLATE_DATABASE}`);
    await client.end();
    const template = new URL(server.url);
    template.pathname = TEMPLATE_DATABASE;
    await applyMigrations({
      url: template.href,
      directory: fileURLToPath(new URL('../prisma/migrations', import.meta.url)),
    });
    project.provide('databaseServerUrl', server.url);
    project.provide('templateDatabase', TEMPLATE_DATABASE);
    return teardown;
  } catch (error) {
    await teardown();
    throw error;
  }
}
