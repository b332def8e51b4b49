import { inRoot } from './paths.mjs';
import { PreparationError, runCommand, runStep } from './progress.mjs';

const tool = (path, ...args) => [inRoot('node_modules', path), ...args];

/** What can be said of the sources without running them; each counts as one test. */
const STATIC_CHECKS = [
  { label: 'Format (prettier)', args: tool('prettier/bin/prettier.cjs', '--check', '.') },
  { label: 'Lint (eslint)', args: tool('eslint/bin/eslint.js', '--max-warnings', '0', '.') },
  { label: 'Types (tsc)', args: tool('typescript/bin/tsc', '--noEmit') },
];

/** Does work that counts as one test: says what was wrong if it failed, and returns the counts. */
export async function countWork(work) {
  try {
    await work();
    return { passed: 1, failed: 0, skipped: 0 };
  } catch (error) {
    const message = error instanceof PreparationError ? error.message : error.stack;
    process.stdout.write(`\n${message}\n\n`);
    return { passed: 0, failed: 1, skipped: 0 };
  }
}

export async function runStaticChecks() {
  const counts = [];
  for (const { label, args } of STATIC_CHECKS) {
    const check = () => runCommand(process.execPath, args, { cwd: inRoot() });
    counts.push(await countWork(() => runStep(label, check, process.stdout)));
  }
  return counts;
}
