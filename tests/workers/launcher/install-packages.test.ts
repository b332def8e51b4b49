import { describe, expect, it } from 'vitest';
import { isInstalled } from '@/workers/launcher/install-packages.mjs';

const machine = { platform: 'linux', arch: 'x64' };
const zod = { 'node_modules/zod': { version: '4.6.7' } };

describe('isInstalled', () => {
  it('accepts what npm recorded in just these versions', () => {
    expect(isInstalled({ '': {}, ...zod }, zod, machine)).toBe(true);
    expect(isInstalled(zod, { 'node_modules/zod': { version: '4.6.6' } }, machine)).toBe(false);
    expect(isInstalled(zod, {}, machine)).toBe(false);
  });

  it('lets an optional package be absent whose installer failed', () => {
    const wanted = { 'node_modules/gpu': { version: '1.0.0', optional: true } };
    expect(isInstalled(wanted, {}, machine)).toBe(true);
  });

  it('asks for the native package of this machine and of no other', () => {
    const native = (os: string, cpu: string) => ({
      'node_modules/native': { version: '1.0.0', optional: true, os: [os], cpu: [cpu] },
    });
    expect(isInstalled(native('linux', 'x64'), {}, machine)).toBe(false);
    expect(isInstalled(native('linux', 'arm64'), {}, machine)).toBe(true);
    expect(isInstalled(native('darwin', 'x64'), {}, machine)).toBe(true);
  });

  it('does not judge packages made for one C library', () => {
    const entry = { version: '1', optional: true, os: ['linux'], cpu: ['x64'], libc: ['musl'] };
    expect(isInstalled({ 'node_modules/musl': entry }, {}, machine)).toBe(true);
  });
});
