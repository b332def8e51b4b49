/**
 * Prisma compares the parameters of a statement by their JSON, in which NaN and the infinities
 * are all null: of several in one statement each takes the value of the first, and −0 becomes
 * 0. Columns of floats are therefore written by SQL of our own.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));

/** As the client names them: models with a column of floats. */
function findModelsWithFloats(): string[] {
  const schema = readFileSync(`${ROOT}prisma/schema.prisma`, 'utf8');
  return [...schema.matchAll(/^model (\w+) \{([^}]*)\}/gm)]
    .filter(([, , columns]) => /^\s+\w+\s+Float\b/m.test(columns!))
    .map(([, name]) => name!.charAt(0).toLowerCase() + name!.slice(1));
}

it('are written through Prisma nowhere', () => {
  const models = findModelsWithFloats();
  expect(models).toEqual(expect.arrayContaining(['spike', 'warning', 'incident']));
  const write = new RegExp(
    `\\.(${models.join('|')})\\s*\\.(create|createMany|createManyAndReturn|update|updateMany|updateManyAndReturn|upsert)\\b`,
  );
  const files = ['lib', 'workers'].flatMap((folder) =>
    readdirSync(`${ROOT}${folder}`, { recursive: true, encoding: 'utf8' })
      .filter((path) => path.endsWith('.ts') && !path.includes('generated'))
      .map((path) => `${folder}/${path}`),
  );
  expect(files.length).toBeGreaterThan(200);
  const isWriter = (path: string): boolean => write.test(readFileSync(`${ROOT}${path}`, 'utf8'));
  expect(files.filter(isWriter)).toEqual([]);
  expect(write.test('await db.prisma.spike.createMany({')).toBe(true);
});
