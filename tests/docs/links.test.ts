import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../../', import.meta.url));
/** All files but those that are installed, built or hidden. */
function listFiles(folder: string): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = posix.join(folder, entry.name);
    if (entry.name.startsWith('.') || entry.name === 'node_modules') return [];
    return entry.isDirectory() ? listFiles(path) : [path];
  });
}

const files = listFiles('.');
const pages = files.filter((path) => path.endsWith('.md'));

function read(path: string): string {
  return readFileSync(join(root, path), 'utf8');
}

/** The page without its examples of code. */
function proseOf(path: string): string {
  return read(path).replace(/^```.*?^```/gms, '');
}

/** A heading's anchor, as GitHub makes it. */
function anchorsOf(path: string): string[] {
  return [...proseOf(path).matchAll(/^#+ (.*)$/gm)].map(([, heading]) =>
    heading!
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\- _]/gu, '')
      .trim()
      .replaceAll(' ', '-'),
  );
}

/** Links to places of our own: [page, target]. */
const links = pages.flatMap((page) =>
  [...proseOf(page).matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, target]) => target!)
    .filter((target) => !/^[a-z]+:/.test(target))
    .map((target): [string, string] => [page, target]),
);

describe('the pages', () => {
  it('link to places that exist', () => {
    expect(links.length).toBeGreaterThan(80);
    const broken = links.filter(([page, target]) => {
      const [path = '', anchor] = target.split('#');
      const place = path === '' ? page : posix.join(dirname(page), path);
      if (!existsSync(join(root, place))) return true;
      return anchor !== undefined && place.endsWith('.md') && !anchorsOf(place).includes(anchor);
    });
    expect(broken).toEqual([]);
  });

  it('name files that exist', () => {
    const named = pages.flatMap((page) =>
      [...proseOf(page).matchAll(/`([\w./-]+\.(?:ts|tsx|mjs|py|sql|svg|prisma))`/g)].map(
        ([, name]): [string, string] => [page, name!],
      ),
    );
    expect(named.length).toBeGreaterThan(150);
    const unknown = named.filter(
      ([page, name]) =>
        !existsSync(join(root, posix.join(dirname(page), name))) &&
        !files.some((path) => `/${path}`.endsWith(`/${name}`)),
    );
    expect(unknown).toEqual([]);
  });

  it('are there where a comment or a message names one', () => {
    const sources = files.filter(
      (path) => /\.(ts|tsx|mjs|py|sql|prisma)$/.test(path) && path !== 'tests/docs/links.test.ts',
    );
    const named = sources.flatMap((source) =>
      [...read(source).matchAll(/\bdocs\/(?:decisions\/\d{3}|[a-z-]+\.(?:md|mjs|svg))/g)].map(
        ([name]): [string, string] => [source, name],
      ),
    );
    expect(named.length).toBeGreaterThan(20);
    expect(named.filter(([, name]) => !files.some((path) => path.startsWith(name)))).toEqual([]);
  });
});

describe('the decisions', () => {
  const records = files.filter((path) => /^docs\/decisions\/\d/.test(path));
  const index = read('docs/decisions/README.md');

  it('are numbered without holes but those that the index tells of', () => {
    const numbers = records.map((path) => Number(/\/(\d+)-/.exec(path)![1])).sort((a, b) => a - b);
    const skipped = /Numbers ([\d and,]+) were never given/.exec(index)![1]!.match(/\d+/g)!;
    const all = [...numbers, ...skipped.map(Number)].sort((a, b) => a - b);
    expect(all).toEqual(Array.from({ length: all.length }, (_, i) => i + 1));
  });

  it.each(records)('%s stands in the index under its heading', (path) => {
    const [, number, title] = /^# (\d+)\. (.*)/.exec(read(path))!;
    const file = posix.basename(path);
    expect(file.startsWith(`${number!.padStart(3, '0')}-`)).toBe(true);
    expect(index).toContain(`- ${number!} · [${title!}](${file})\n`);
    expect(read(path)).toMatch(/^## Context\n.*^## Decision\n.*^## Consequences\n/ms);
  });
});
