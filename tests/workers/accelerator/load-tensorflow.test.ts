import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { hasLibrary, loadTensorflow } from '@/workers/accelerator/load-tensorflow';
import { restoreNodeUtil } from '@/workers/accelerator/restore-node-util';

describe('loadTensorflow', () => {
  it('asks for the optional package, with what Node took away put back before', async () => {
    const asked: string[] = [];
    const load = (name: string) => {
      asked.push(name);
      return Promise.reject(new Error('libcudart.so.11.0: cannot open shared object file'));
    };
    await expect(loadTensorflow(load)).rejects.toThrow('libcudart');
    expect(asked).toEqual(['@tensorflow/tfjs-node-gpu']);
  });

  it('says so where the package loads and offers no backend', async () => {
    await expect(loadTensorflow(() => Promise.resolve({}))).rejects.toThrow(/tensorflow/);
  });
});

describe('hasLibrary', () => {
  it('knows a package by the library that its installer has fetched', () => {
    const folder = mkdtempSync(join(tmpdir(), 'spikescope-tfjs-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    expect(hasLibrary(folder)).toBe(false);
    mkdirSync(join(folder, 'lib/napi-v8'), { recursive: true });
    expect(hasLibrary(folder)).toBe(false);
    writeFileSync(join(folder, 'lib/napi-v8/tfjs_binding.node'), '');
    expect(hasLibrary(folder)).toBe(true);
  });
});

describe('restoreNodeUtil', () => {
  it('puts back what is missing and leaves what is there', () => {
    const mine = () => false;
    const target: Record<string, unknown> = { isString: mine };
    restoreNodeUtil(target);
    const isNullOrUndefined = target['isNullOrUndefined'] as (value: unknown) => boolean;
    expect([null, undefined, 0, ''].map(isNullOrUndefined)).toEqual([true, true, false, false]);
    expect((target['isArray'] as (value: unknown) => boolean)([])).toBe(true);
    expect(target['isString']).toBe(mine);
  });
});
