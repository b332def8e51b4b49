import { describe, expect, it } from 'vitest';
import { closingLine, sumCounts, toCounts } from '@/workers/launcher/run-vitest.mjs';

const report = (counts: { passed?: number; failed?: number; pending?: number }) => ({
  numPassedTests: counts.passed ?? 0,
  numFailedTests: counts.failed ?? 0,
  numPendingTests: counts.pending ?? 0,
  numTodoTests: 0,
  testResults: [] as { status: string; assertionResults: { status: string }[] }[],
});

describe('toCounts', () => {
  it('passes on what Vitest counted', () => {
    const counts = toCounts(report({ passed: 7, failed: 2, pending: 1 }), 1);
    expect(counts).toEqual({ passed: 7, failed: 2, skipped: 1 });
  });

  it('counts a file that did not load as a failure', () => {
    const testResults = [{ status: 'failed', assertionResults: [] }];
    expect(toCounts({ ...report({ passed: 7 }), testResults }, 1).failed).toBe(1);
  });

  it('does not count a file twice whose tests failed', () => {
    const testResults = [{ status: 'failed', assertionResults: [{ status: 'failed' }] }];
    expect(toCounts({ ...report({ failed: 1 }), testResults }, 1).failed).toBe(1);
  });

  it('counts an error outside every test, and a run that left no report', () => {
    expect(toCounts(report({ passed: 7 }), 1)).toEqual({ passed: 7, failed: 1, skipped: 0 });
    expect(toCounts(null, 1)).toEqual({ passed: 0, failed: 1, skipped: 0 });
  });
});

describe('closingLine', () => {
  it('names what was skipped only where something was', () => {
    const parts = [
      { passed: 3, failed: 0, skipped: 0 },
      { passed: 4, failed: 1, skipped: 0 },
    ];
    expect(closingLine(sumCounts(parts))).toBe('7 passed, 1 failed');
    expect(closingLine({ passed: 1, failed: 0, skipped: 2 })).toBe('1 passed, 0 failed, 2 skipped');
  });
});
