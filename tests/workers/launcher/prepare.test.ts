import { spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const REPOSITORY = fileURLToPath(new URL('../../../', import.meta.url));
/**
 * Root may write to every folder, so it runs the preparation without that right. Another user
 * would be none the wiser: folders of tests are closed to all but their owner.
 */
const WITHOUT_RIGHTS = ['setpriv', '--inh-caps=-all', '--bounding-set=-all'];
const withoutRights = process.getuid?.() === 0 ? WITHOUT_RIGHTS : [];

let checkout: string;

beforeEach(() => {
  checkout = mkdtempSync(join(tmpdir(), 'spikescope-checkout-'));
  mkdirSync(join(checkout, 'workers/launcher'), { recursive: true });
  const scripts = readdirSync(join(REPOSITORY, 'workers/launcher'));
  for (const name of scripts.filter((script) => script.endsWith('.mjs'))) {
    copyFileSync(
      join(REPOSITORY, 'workers/launcher', name),
      join(checkout, 'workers/launcher', name),
    );
  }
  copyFileSync(join(REPOSITORY, 'package-lock.json'), join(checkout, 'package-lock.json'));
});
afterEach(() => {
  chmodSync(checkout, 0o700);
  rmSync(checkout, { recursive: true, force: true });
});

describe('a checkout that its user may only read', () => {
  it('says who has to build what is missing, and begins nothing', () => {
    chmodSync(checkout, 0o555);
    const script = `
      import { ensurePrepared, runMain } from './workers/launcher/prepare.mjs';
      await runMain(() => ensurePrepared({ needsBuild: true }));`;
    const [file, ...args] = [
      ...withoutRights,
      process.execPath,
      '--input-type=module',
      '-e',
      script,
    ];
    const { status, stderr } = spawnSync(file, args, { cwd: checkout, encoding: 'utf8' });
    expect(stderr.trim()).toBe(
      `Installing packages (once a version, a minute or two): This user may not write to ${checkout}, ` +
        'where something is missing or out of date. ' +
        'Let the owner of that folder run npm ci && npm run build there, and start again.',
    );
    expect(status).toBe(1);
    expect(readdirSync(checkout).sort()).toEqual(['package-lock.json', 'workers']);
  });
});
