import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { findSwiftShader } from './find-swift-shader';
import { type SoftwareDevice, type TestRegistry, registerOnSwiftShader } from './software-vulkan';

interface Registered {
  readonly title: string;
  readonly run: () => Promise<void> | void;
  readonly isSkipped: boolean;
}

/** What becomes of a test where the device is such. */
function register(device: SoftwareDevice): { entry: Registered; wasRun: () => boolean } {
  const entries: Registered[] = [];
  const add = (isSkipped: boolean) => (title: string, run: () => Promise<void> | void) => {
    entries.push({ title, run, isSkipped });
  };
  const registry: TestRegistry = Object.assign(add(false), { skip: add(true) });
  let wasRun = false;
  registerOnSwiftShader(registry, device, 'computes', () => {
    wasRun = true;
    return Promise.resolve();
  });
  expect(entries).toHaveLength(1);
  return { entry: entries[0]!, wasRun: () => wasRun };
}

const folders: string[] = [];
afterEach(() => folders.splice(0).forEach((folder) => rmSync(folder, { recursive: true })));

function aFolder(...names: string[]): string {
  const folder = mkdtempSync(join(tmpdir(), 'spikescope-swiftshader-'));
  folders.push(folder);
  mkdirSync(folder, { recursive: true });
  for (const name of names) writeFileSync(join(folder, name), '');
  return folder;
}

describe('a test on the software device', () => {
  it('fails where continuous integration has no SwiftShader, and says what to install', () => {
    const { entry, wasRun } = register({ folder: null, isContinuousIntegration: true });
    expect(entry).toMatchObject({ title: 'computes', isSkipped: false });
    expect(() => entry.run()).toThrow(
      'this test needs SwiftShader, which Debian’s chromium package carries (apt-get install chromium)',
    );
    expect(wasRun()).toBe(false);
  });

  it('is skipped elsewhere without SwiftShader, and its title says why', () => {
    const { entry } = register({ folder: null, isContinuousIntegration: false });
    expect(entry.isSkipped).toBe(true);
    expect(entry.title).toBe(
      'computes: needs SwiftShader, which Debian’s chromium package carries (apt-get install chromium)',
    );
  });

  const folder = findSwiftShader();
  it.skipIf(folder === null)('runs with SwiftShader, on continuous integration too', async () => {
    for (const isContinuousIntegration of [true, false]) {
      const { entry, wasRun } = register({ folder, isContinuousIntegration });
      expect(entry).toMatchObject({ title: 'computes', isSkipped: false });
      await entry.run();
      expect(wasRun()).toBe(true);
      expect(process.env['VK_DRIVER_FILES']).toBe(join(folder!, 'vk_swiftshader_icd.json'));
    }
  });
});

describe('findSwiftShader', () => {
  const all = ['vk_swiftshader_icd.json', 'libvk_swiftshader.so', 'libvulkan.so.1'];

  it('finds the folder that has the driver and its loader', () => {
    const complete = aFolder(...all);
    expect(findSwiftShader([aFolder(), complete])).toBe(complete);
  });

  it('finds none where one of the files is missing', () => {
    for (const missing of all) {
      expect(findSwiftShader([aFolder(...all.filter((name) => name !== missing))])).toBeNull();
    }
  });
});
