import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inRoot } from './paths.mjs';

/** How long the test processes may take to stop what they started, once asked to. */
const STOP_MS = 20_000;

/**
 * Runs a project of vitest.config.ts with its output as it comes, and returns the counts.
 * A file that does not load, and an error outside every test, count as a failure each:
 * a suite that ran nothing must not look like one that passed.
 */
export async function runVitest(project, { filters = [], environment = process.env } = {}) {
  // The tests' own temporary folders go in here too: nothing is left of one that was cut off.
  const directory = mkdtempSync(join(tmpdir(), 'spikescope-tests-'));
  const removeDirectory = () => rmSync(directory, { recursive: true, force: true, maxRetries: 3 });
  process.once('exit', removeDirectory);
  const reportPath = join(directory, 'report.json');
  try {
    const code = await spawnVitest(project, filters, reportPath, {
      ...environment,
      TMPDIR: directory,
    });
    return toCounts(readReport(reportPath), code);
  } finally {
    removeDirectory();
    process.off('exit', removeDirectory);
  }
}

function spawnVitest(project, filters, reportPath, environment) {
  const args = [
    ...['--import', inRoot('workers/launcher/exit-with-parent.mjs')],
    ...[inRoot('node_modules/vitest/vitest.mjs'), 'run'],
    ...['--project', project],
    ...['--reporter=default', '--reporter=json', `--outputFile.json=${reportPath}`],
    ...filters,
  ];
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, {
      cwd: inRoot(),
      env: environment,
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    const forward = () => {
      child.kill('SIGTERM');
      setTimeout(() => child.kill('SIGKILL'), STOP_MS).unref();
    };
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
      process.removeAllListeners(signal);
      process.on(signal, forward);
    }
    child.on('error', reject);
    child.on('close', (code, signal) => resolve(signal === null ? code : 1));
  });
}

function readReport(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    if (error.code === 'ENOENT') return null;
    throw error;
  }
}

/**
 * Counts from Vitest's report (null: it wrote none) and exit code.
 *
 * @param {{ numPassedTests: number, numFailedTests: number, numPendingTests: number,
 *   numTodoTests: number, testResults: { status: string, assertionResults: { status: string }[] }[]
 * } | null} report
 * @param {number} code
 */
export function toCounts(report, code) {
  if (report === null) return { passed: 0, failed: 1, skipped: 0 };
  const unloadable = report.testResults.filter(
    (file) => file.status === 'failed' && !file.assertionResults.some(isFailure),
  ).length;
  const failed = report.numFailedTests + unloadable;
  return {
    passed: report.numPassedTests,
    failed: code !== 0 && failed === 0 ? 1 : failed,
    skipped: report.numPendingTests + report.numTodoTests,
  };
}

const isFailure = (result) => result.status === 'failed';

export function sumCounts(list) {
  const sum = (key) => list.reduce((total, counts) => total + counts[key], 0);
  return { passed: sum('passed'), failed: sum('failed'), skipped: sum('skipped') };
}

/** The last line of a run, in words that both people and machines read. */
export function closingLine({ passed, failed, skipped }) {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`;
}
