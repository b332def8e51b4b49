import { describe, expect, it } from 'vitest';
import { toCounts } from '@/workers/launcher/run-pytest.mjs';
import { findPython } from '@/workers/launcher/python-environment.mjs';

const report = (tests: number, failures: number, errors: number, skipped: number) =>
  `<?xml version="1.0"?><testsuites><testsuite name="pytest" errors="${errors}" ` +
  `failures="${failures}" skipped="${skipped}" tests="${tests}" time="1.5"></testsuite></testsuites>`;

describe('toCounts of pytest', () => {
  it('passes on what pytest counted', () => {
    expect(toCounts(report(10, 2, 1, 3), 1)).toEqual({ passed: 4, failed: 3, skipped: 3 });
  });

  it('counts a run that executed nothing, or left no report, as a failure', () => {
    expect(toCounts(report(0, 0, 0, 0), 5)).toEqual({ passed: 0, failed: 1, skipped: 0 });
    expect(toCounts(null, 2)).toEqual({ passed: 0, failed: 1, skipped: 0 });
  });

  it('counts a run that broke off after its last test passed', () => {
    expect(toCounts(report(3, 0, 0, 0), null).failed).toBe(1);
  });
});

describe('findPython', () => {
  const pythons = new Map([
    ['python3', { major: 3, minor: 9, hasVenv: true }],
    ['python3.12', { major: 3, minor: 12, hasVenv: false }],
    ['python3.11', { major: 3, minor: 11, hasVenv: true }],
  ]);
  const ask = (name: string) => pythons.get(name) ?? null;

  it('takes the first that is new enough and can make environments', () => {
    expect(findPython(ask, undefined)).toBe('python3.11');
  });

  it('takes the one that was chosen, and no other in its place', () => {
    expect(findPython(ask, 'python3')).toBeNull();
    expect(findPython(ask, 'python3.11')).toBe('python3.11');
  });
});
