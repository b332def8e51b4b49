import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const root = fileURLToPath(new URL('../../', import.meta.url));

/** Every table that a migration makes; parts of one are no tables of their own here. */
function createdTables(): string[] {
  const folder = join(root, 'prisma/migrations');
  const migrations = readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => readFileSync(join(folder, name, 'migration.sql'), 'utf8'));
  const created = migrations.flatMap((sql) =>
    [...sql.matchAll(/^CREATE TABLE (?:"public"\.)?"?(\w+)"? \(/gm)].map(([, table]) => table!),
  );
  return [...new Set(created)];
}

it('docs/architecture.md says of every table what a row is', () => {
  const [, kept] = readFileSync(join(root, 'docs/architecture.md'), 'utf8').split(
    '## What is kept',
  );
  const told = new Set(
    kept!
      .split('\n')
      .filter((line) => line.startsWith('| `'))
      .flatMap((line) => [...line.split('|')[1]!.matchAll(/`(\w+)`/g)].map(([, table]) => table!)),
  );
  const tables = createdTables();
  expect(tables.length).toBeGreaterThan(20);
  expect(tables.filter((table) => !told.has(table))).toEqual([]);
  expect([...told].filter((table) => !tables.includes(table))).toEqual([]);
});
