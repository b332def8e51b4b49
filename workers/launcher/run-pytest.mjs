import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer } from 'node:net';
import { inRoot } from './paths.mjs';
import { BY_HAND, ensurePythonEnvironment } from './python-environment.mjs';
import { PreparationError, runCommand, runStep } from './progress.mjs';
import { countWork } from './static-checks.mjs';

/** A started product says this last. */
const READY = 'Ctrl-C stops it';
const READY_MS = 150_000;
const CLIENT = inRoot('clients', 'python');
/** Where Python lies in this repository. */
const SOURCES = ['clients', 'tests/clients', 'examples', 'bench'].map((folder) =>
  inRoot(folder, 'python'),
);

const CHECKS = [
  { label: 'Python format (ruff)', args: ['ruff', 'format', '--check', ...SOURCES] },
  { label: 'Python lint (ruff)', args: ['ruff', 'check', ...SOURCES] },
  { label: 'Python types (mypy)', args: ['mypy'] },
];

/**
 * The Python client's checks and tests, among them those against the built product, which
 * is started for them. Counts as run-vitest.mjs has them. Where there is no Python or no
 * package of the tests: a failure in continuous integration, a sentence elsewhere.
 */
export async function runPytest({ isContinuousIntegration }) {
  let python;
  const counts = await countWork(async () => {
    python = await ensurePythonEnvironment({ mayInstall: isContinuousIntegration });
    if (python === null && isContinuousIntegration) {
      throw new PreparationError(
        'No Python 3.11 to 3.14 with venv was found for the tests of clients/python.',
      );
    }
  });
  if (counts.failed > 0) return [counts];
  if (python === null) {
    process.stdout.write(
      `\nThe Python client is not tested: there is no .venv. It takes three gigabytes:\n${BY_HAND}\n`,
    );
    return [];
  }
  const all = [counts];
  for (const { label, args } of CHECKS) {
    const check = () => runCommand(python, ['-m', ...args], { cwd: CLIENT });
    all.push(await countWork(() => runStep(label, check, process.stdout)));
  }
  const directory = mkdtempSync(join(tmpdir(), 'spikescope-pytest-'));
  try {
    all.push(await withProduct(directory, (url) => runTests(python, directory, url)));
  } finally {
    rmSync(directory, { recursive: true, force: true, maxRetries: 3 });
  }
  return all;
}

async function runTests(python, directory, url) {
  const report = join(directory, 'report.xml');
  const args = ['-m', 'pytest', '-q', '-p', 'no:cacheprovider', `--junitxml=${report}`];
  const child = spawn(python, [...args, `--basetemp=${join(directory, 'tests')}`], {
    cwd: CLIENT,
    env: {
      ...process.env,
      // Two cores, and trainings of a few thousand parameters.
      OMP_NUM_THREADS: '1',
      PYTHONDONTWRITEBYTECODE: '1',
      ...(url === null ? {} : { SPIKESCOPE_TEST_URL: url }),
    },
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  const end = () => child.kill('SIGTERM');
  process.once('exit', end);
  const [code] = await once(child, 'close');
  process.off('exit', end);
  return toCounts(readReport(report), code);
}

function readReport(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (error.code === 'ENOENT') return null;
    throw error;
  }
}

/**
 * Counts from pytest's JUnit report (null: it wrote none) and exit code. A run that failed
 * without a failed test, as for want of any, counts as a failure.
 *
 * @param {string | null} report
 * @param {number | null} code
 */
export function toCounts(report, code) {
  const suite = report === null ? null : /<testsuite [^>]*>/.exec(report);
  if (suite === null) return { passed: 0, failed: 1, skipped: 0 };
  const read = (name) => Number(new RegExp(` ${name}="(\\d+)"`).exec(suite[0])?.[1] ?? 0);
  const failed = read('failures') + read('errors');
  const skipped = read('skipped');
  return {
    passed: Math.max(0, read('tests') - failed - skipped),
    failed: code !== 0 && failed === 0 ? 1 : failed,
    skipped,
  };
}

/**
 * Below the range of outgoing connections, as loopback-port.ts has it: the product listens there
 * seconds later, and each of its connections to the database is given a port meanwhile.
 */
async function findPort() {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 12_000);
    const probe = createServer().listen({ port, host: '127.0.0.1', exclusive: true });
    const isFree = await once(probe, 'listening').then(
      () => true,
      () => false,
    );
    if (!isFree) continue;
    probe.close();
    await once(probe, 'close');
    return port;
  }
}

/** A real database of the product's own, whatever the person who runs the tests has set. */
function productEnvironment(port, directory) {
  const environment = {
    ...process.env,
    NODE_ENV: 'production',
    PORT: String(port),
    SPIKESCOPE_DATA_DIR: join(directory, 'data'),
  };
  delete environment.DATABASE_URL;
  return environment;
}

/** Runs `work` beside the built product on a database of its own. */
async function withProduct(directory, work) {
  const port = await findPort();
  const launcher = spawn(
    process.execPath,
    [
      '--import',
      inRoot('workers/launcher/exit-with-parent.mjs'),
      inRoot('workers/launcher/start.mjs'),
    ],
    {
      cwd: inRoot(),
      env: productEnvironment(port, directory),
      // The channel ends the product when this process is killed.
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    },
  );
  let output = '';
  const closed = once(launcher, 'close');
  try {
    await new Promise((resolve, reject) => {
      const timer = setTimeout(
        () => reject(new PreparationError(`No "${READY}":\n${output}`)),
        READY_MS,
      );
      const take = (chunk) => {
        output += chunk;
        if (!output.includes(READY)) return;
        clearTimeout(timer);
        resolve();
      };
      launcher.stdout.setEncoding('utf8').on('data', take);
      launcher.stderr.setEncoding('utf8').on('data', take);
      launcher.once('close', () => {
        clearTimeout(timer);
        reject(new PreparationError(`The product ended before it was ready:\n${output}`));
      });
    });
    return await work(`http://127.0.0.1:${port}`);
  } catch (error) {
    process.stdout.write(
      `\n${error instanceof PreparationError ? error.message : error.stack}\n\n`,
    );
    return { passed: 0, failed: 1, skipped: 0 };
  } finally {
    launcher.kill('SIGTERM');
    await closed;
  }
}
