import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../../', import.meta.url));

function read(path: string): string {
  return readFileSync(join(root, path), 'utf8');
}

function listFiles(folder: string, extension: RegExp): string[] {
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((item) => item.isFile() && extension.test(item.name))
    .map((item) => join(item.parentPath, item.name).slice(root.length));
}

function findAll(text: string, pattern: RegExp): string[] {
  return [...text.matchAll(pattern)].map(([whole, name]) => name ?? whole);
}

const sorted = (names: Iterable<string>): string[] => [...new Set(names)].sort();

const page = read('docs/operations.md');
/** What stands in the first column of the page's table of settings. */
const documented = sorted(
  findAll(page, /^\| (`[A-Z][^|]*) \|/gm).flatMap((cell) => findAll(cell, /`([A-Z_]+)`/g)),
);
/** Set by the launcher for its parts, and by nobody else. */
const INTERNAL = ['INGEST_PORT', 'INGEST_URL', 'WEB_URL'];
/** Switches of the tests, which CONTRIBUTING.md tells of as options of npm test. */
const OF_TESTS = ['SPIKESCOPE_LONG_TESTS', 'SPIKESCOPE_TEST_URL', 'SPIKESCOPE_UPDATE_PICTURES'];

/** SPIKESCOPE_NAME of the Python client, from the code that reads the environment. */
const ofClients = findAll(
  read('clients/python/src/spikescope/settings.py'),
  /pick\(\w+, "([A-Z_]+)"/g,
).map((name) => `SPIKESCOPE_${name}`);

describe('settings', () => {
  it('stand in docs/operations.md, every one that is read and no other', () => {
    const parsed = findAll(read('lib/config/config.ts'), /^ {2}([A-Z][A-Z_]+): /gm);
    expect(parsed).toContain('DATABASE_URL');
    const readAtStart = parsed.filter((name) => !INTERNAL.includes(name));
    expect(documented).toEqual(sorted([...readAtStart, 'SPIKESCOPE_DATA_DIR']));
  });

  it('of the Python client stand in its README, every one that is read and no other', () => {
    const readme = read('clients/python/README.md');
    const cells = findAll(readme, /^\| `SPIKESCOPE_.*$/gm).flatMap((row) =>
      findAll(row, /`(SPIKESCOPE_[A-Z_]+|_[A-Z]+)`/g),
    );
    const named = cells.map((name) => (name.startsWith('_') ? `SPIKESCOPE${name}` : name));
    expect(ofClients).toContain('SPIKESCOPE_URL');
    expect(sorted(named)).toEqual(sorted(ofClients));
  });

  it('are the same in code, messages and pages', () => {
    const known = new Set([...documented, ...ofClients, ...OF_TESTS]);
    const code = ['app', 'bench', 'clients', 'examples', 'lib', 'workers'].flatMap((folder) =>
      listFiles(folder, /\.(ts|tsx|mjs|py|md)$/),
    );
    const pages = ['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md', ...listFiles('docs', /\.md$/)];
    const unknown = [...code, ...pages].flatMap((path) =>
      findAll(read(path), /\bSPIKESCOPE_[A-Z]+(?:_[A-Z]+)*/g)
        .filter((name) => !known.has(name))
        .map((name) => `${path}: ${name}`),
    );
    expect(unknown).toEqual([]);
  });
});

describe('docs/operations.md', () => {
  it('starts the product in every place by a file that is there', () => {
    const started = findAll(page, /workers\/launcher\/\w+\.mjs/g);
    expect(started.length).toBeGreaterThan(1);
    for (const path of started) expect(read(path)).not.toBe('');
  });

  it('calls npm scripts that exist', () => {
    const scripts = Object.keys((JSON.parse(read('package.json')) as { scripts: object }).scripts);
    const called = findAll(page, /npm run ([a-z]+)/g);
    expect(called).toContain('token');
    expect(called.filter((name) => !scripts.includes(name))).toEqual([]);
  });
});
