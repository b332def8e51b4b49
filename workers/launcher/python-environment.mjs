import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inRoot } from './paths.mjs';
import { readStamp } from './content-hash.mjs';
import { runCommand, runStep } from './progress.mjs';

/**
 * The virtual environment in which the Python client is tested: `.venv` in the checkout,
 * with the packages of requirements-test.txt. They are three gigabytes, most of them torch,
 * so they are installed where CI is true, and elsewhere only by hand.
 */
const ENVIRONMENT = inRoot('.venv');
const STAMP = join(ENVIRONMENT, '.spikescope-install');
const CLIENT = inRoot('clients', 'python');
const REQUIREMENTS = join(CLIENT, 'requirements-test.txt');
/** What the pinned packages are built for. */
const OLDEST = [3, 11];
const NEWEST = [3, 14];
/** Installs from many connections at once: 20 s for what takes pip minutes. */
const INSTALLER = 'uv==0.13.9';
const NAMES = ['python3', 'python3.13', 'python3.12', 'python3.11', 'python3.14', 'python'];

const pythonOf = (environment) =>
  process.platform === 'win32'
    ? join(environment, 'Scripts', 'python.exe')
    : join(environment, 'bin', 'python');

/** Version and whether it can make environments, or null where there is no such Python. */
function askPython(command) {
  const question =
    'import sys, importlib.util as u; ' +
    'print(*sys.version_info[:2], int(all(u.find_spec(m) for m in ("venv", "ensurepip"))))';
  try {
    const options = { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] };
    const [major, minor, hasVenv] = execFileSync(command, ['-c', question], options)
      .trim()
      .split(' ')
      .map(Number);
    return { major, minor, hasVenv: hasVenv === 1 };
  } catch {
    // Not installed, or too old for the question: the next name then.
    return null;
  }
}

/**
 * The first Python of a version that the pinned packages are built for; null where there is none.
 *
 * @param {(command: string) => { major: number, minor: number, hasVenv: boolean } | null} ask
 * @param {string | undefined} chosen
 */
export function findPython(ask = askPython, chosen = process.env.PYTHON) {
  const isFit = (found) =>
    found !== null &&
    found.hasVenv &&
    found.major === OLDEST[0] &&
    found.minor >= OLDEST[1] &&
    found.minor <= NEWEST[1];
  const names = chosen ? [chosen] : NAMES;
  return names.find((name) => isFit(ask(name))) ?? null;
}

function wantedStamp() {
  const hash = createHash('sha256').update(readFileSync(REQUIREMENTS));
  hash.update(readFileSync(join(CLIENT, 'pyproject.toml')));
  return `${hash.digest('hex')} ${process.platform}-${process.arch}`;
}

async function install(python) {
  // From nothing: an environment that was half made, or of another Python, helps nobody.
  rmSync(ENVIRONMENT, { recursive: true, force: true });
  const own = pythonOf(ENVIRONMENT);
  await runCommand(python, ['-m', 'venv', ENVIRONMENT], { cwd: inRoot() });
  await runCommand(own, ['-m', 'pip', 'install', '--quiet', INSTALLER], { cwd: inRoot() });
  const packages = ['-r', REQUIREMENTS, '-e', CLIENT];
  await runCommand(own, ['-m', 'uv', 'pip', 'install', '--quiet', '--python', own, ...packages], {
    cwd: inRoot(),
  });
  writeFileSync(STAMP, `${wantedStamp()}\n`);
}

/** How a person makes the environment; what we do ourselves is the same, faster. */
export const BY_HAND =
  'python3 -m venv .venv && .venv/bin/pip install -r clients/python/requirements-test.txt -e clients/python';

/**
 * The environment's Python. Made where `mayInstall`; else what is there is taken as it is,
 * and null says that nothing is.
 */
export async function ensurePythonEnvironment({ mayInstall }) {
  const own = pythonOf(ENVIRONMENT);
  if (!mayInstall) return existsSync(own) ? own : null;
  if (existsSync(own) && readStamp(STAMP) === wantedStamp()) return own;
  const python = findPython();
  if (python === null) return null;
  await runStep('Installing the Python packages', () => install(python), process.stdout);
  return own;
}
