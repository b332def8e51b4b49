import { mkdirSync, mkdtempSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { hashInputs } from '@/workers/launcher/content-hash.mjs';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'spikescope-hash-'));
  mkdirSync(join(root, 'lib', 'stats'), { recursive: true });
  writeFileSync(join(root, 'lib', 'stats', 'rms.ts'), 'export const rms = 1;');
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const hash = (options = {}) => hashInputs(['lib', 'next.config.js'], { root, ...options });

describe('hashInputs', () => {
  it('stays the same when only times change', () => {
    const before = hash();
    utimesSync(join(root, 'lib', 'stats', 'rms.ts'), new Date(0), new Date(0));
    expect(hash()).toBe(before);
  });

  it('changes with contents, names, new files and facts', () => {
    const seen = [hash(), hash({ facts: ['node 22'] })];
    writeFileSync(join(root, 'lib', 'stats', 'rms.ts'), 'export const rms = 2;');
    seen.push(hash());
    renameSync(join(root, 'lib', 'stats', 'rms.ts'), join(root, 'lib', 'stats', 'norm.ts'));
    seen.push(hash());
    writeFileSync(join(root, 'next.config.js'), '');
    seen.push(hash());
    expect(new Set(seen).size).toBe(seen.length);
  });

  it('leaves out what is ignored', () => {
    const isIgnored = (path: string) => path.endsWith('.md');
    const before = hash({ isIgnored });
    writeFileSync(join(root, 'lib', 'README.md'), 'words');
    expect(hash({ isIgnored })).toBe(before);
  });
});
