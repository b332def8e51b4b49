import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { bundle } from '@/workers/launcher/build-product.mjs';

const THREADS = '/proc/self/task';

/** The names of the processes that this one has started and that run. */
function childNames(): string[] {
  return readdirSync(THREADS).flatMap((thread) =>
    readFileSync(join(THREADS, thread, 'children'), 'utf8')
      .split(' ')
      .filter((pid) => existsSync(`/proc/${pid}/comm`))
      .map((pid) => readFileSync(`/proc/${pid}/comm`, 'utf8').trim()),
  );
}

function aFolder(files: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), 'spikescope-bundle-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  for (const [name, source] of Object.entries(files)) writeFileSync(join(folder, name), source);
  return folder;
}

describe('bundle', () => {
  it('makes one file of an entry and what it imports', async () => {
    const folder = aFolder({
      'greet.ts': "import { name } from './name'; export const greeting: string = 'hello ' + name;",
      'name.ts': "export const name = 'seismograph';",
    });
    await bundle([join(folder, 'greet.ts')], folder, join(folder, 'out'));
    const built = (await import(join(folder, 'out/greet.mjs'))) as { greeting: string };
    expect(built.greeting).toBe('hello seismograph');
  });

  it('says where a source is wrong', async () => {
    const folder = aFolder({ 'broken.ts': 'export const = 1;' });
    const building = bundle([join(folder, 'broken.ts')], folder, join(folder, 'out'));
    await expect(building).rejects.toThrow(/broken\.ts:1:13/);
  });

  it.runIf(existsSync(THREADS))('leaves no process behind', async () => {
    const folder = aFolder({ 'one.ts': 'export const one = 1;' });
    await bundle([join(folder, 'one.ts')], folder, join(folder, 'out'));
    await expect.poll(childNames).not.toContain('esbuild');
  });
});
