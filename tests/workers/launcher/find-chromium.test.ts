import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findChromium } from '@/workers/launcher/find-chromium.mjs';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'spikescope-chromium-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

function install(name: string): string {
  const path = join(directory, name);
  writeFileSync(path, '#!/bin/sh\n');
  chmodSync(path, 0o755);
  return path;
}

describe('findChromium', () => {
  it('finds a browser on the path', () => {
    const path = install('google-chrome');
    expect(findChromium({ PATH: `/nowhere:${directory}` })).toBe(path);
  });

  it('takes the browser that was chosen, and no other in its place', () => {
    const chosen = install('my-browser');
    install('chromium');
    expect(findChromium({ PATH: directory, CHROMIUM_PATH: chosen })).toBe(chosen);
    expect(findChromium({ PATH: directory, CHROMIUM_PATH: '/nowhere/chromium' })).toBeNull();
  });
});
