import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  findRunningProduct,
  forgetRunningProduct,
  recordRunningProduct,
} from '@/workers/launcher/running-product';

let dataDir: string;
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'spikescope-running-'));
});
afterEach(() => rmSync(dataDir, { recursive: true, force: true }));

const product = { pid: process.pid, url: 'http://127.0.0.1:3000', databaseUrl: 'postgres://u:p@h' };

describe('the record of a running product', () => {
  it('is found while its launcher lives, and readable by its owner alone', () => {
    recordRunningProduct(dataDir, product);
    expect(findRunningProduct(dataDir)).toEqual(product);
    expect(statSync(join(dataDir, 'running.json')).mode & 0o777).toBe(0o600);
  });

  it('is not believed after its launcher is gone', () => {
    recordRunningProduct(dataDir, { ...product, pid: 4_194_305 });
    expect(findRunningProduct(dataDir)).toBeNull();
  });

  it('is absent before a start and after a stop', () => {
    expect(findRunningProduct(dataDir)).toBeNull();
    recordRunningProduct(dataDir, product);
    forgetRunningProduct(dataDir);
    expect(findRunningProduct(dataDir)).toBeNull();
  });
});
