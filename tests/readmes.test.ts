import { readdirSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));

/** All files but those that are installed, built or hidden. */
function listFiles(folder: string): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = posix.join(folder, entry.name);
    if (entry.name.startsWith('.') || entry.name === 'node_modules') return [];
    return entry.isDirectory() ? listFiles(path) : [path];
  });
}

/** What is written as code and is a source file's name, several of them (`stage-*.ts`) or a folder's. */
function namesIn(text: string): string[] {
  const prose = text.replace(/^```.*?^```/gms, '');
  return [...prose.matchAll(/`([^`\s]+)`/g)]
    .map(([, name]) => name!)
    .filter((name) => /^[^./].*(\.(ts|tsx|mjs|py|css|sql)|\/)$/.test(name));
}

/** A name is looked for below its README, in the folder above it, and from the root on. */
function isThere(readme: string, name: string, files: readonly string[]): boolean {
  const pattern = name.replace(/[.()[\]]/g, '\\$&').replace(/[*…]/g, '[^/]*');
  const folder = posix.dirname(readme);
  const fits = new RegExp(`(^|/)${pattern}${name.endsWith('/') ? '' : '$'}`);
  const fromRoot = new RegExp(`^${pattern}${name.endsWith('/') ? '' : '$'}`);
  return files.some(
    (file) =>
      fromRoot.test(file) ||
      [folder, posix.dirname(folder)].some(
        (place) => file.startsWith(`${place}/`) && fits.test(file.slice(place.length + 1)),
      ),
  );
}

describe('a README', () => {
  const files = listFiles('.');
  const readmes = files.filter((file) => file.endsWith('/README.md'));

  it('names files and folders that are there', () => {
    const named = readmes.flatMap((readme) =>
      namesIn(readFileSync(join(root, readme), 'utf8')).map((name) => ({ readme, name })),
    );
    expect(named.length).toBeGreaterThan(200);
    const gone = named.filter(({ readme, name }) => !isThere(readme, name, files));
    expect(gone.map(({ readme, name }) => `${readme} names ${name}`)).toEqual([]);
  });

  it('is held to names alone, wherever they stand, and not to what a name only ends like', () => {
    const tree = ['lib/a/README.md', 'lib/a/stage-machine.ts', 'lib/b/colour.ts', 'lib/b/in/x.ts'];
    expect(namesIn('`one.ts`, `zod`, `a b.ts`, `.data/`, `in/`\n```\n`two.ts`\n```')).toEqual([
      'one.ts',
      'in/',
    ]);
    const found = (name: string) => isThere('lib/a/README.md', name, tree);
    expect(['stage-*.ts', 'b/', 'in/', 'lib/b/colour.ts'].map(found)).toEqual([
      ...[true, true, true, true],
    ]);
    expect(['machine.ts', 'stage-*.tsx', 'gone/', 'lib/colour.ts'].map(found)).toEqual([
      ...[false, false, false, false],
    ]);
  });
});
