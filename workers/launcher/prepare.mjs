import { join } from 'node:path';
import { BUILD_DIR, ROOT } from './paths.mjs';
import { UnwritableError, withLock } from './checkout-lock.mjs';
import { ensurePackages } from './install-packages.mjs';
import { ensureNextTypes, ensurePrismaClient } from './generate-code.mjs';
import { ensurePagesBuilt, ensureWorkersBuilt } from './build-product.mjs';
import { forbidSteps, PreparationError } from './progress.mjs';

/**
 * What every command does first: packages, generated code, builds, each only where its
 * inputs have changed. This file and all it imports use nothing but Node, because they
 * run before anything is installed.
 */
const OLDEST_NODE = [20, 19];

function checkNodeVersion() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor >= OLDEST_NODE[1])) return;
  throw new PreparationError(
    `Spikescope needs Node.js ${OLDEST_NODE.join('.')} or newer; this is ${process.versions.node}.`,
  );
}

/**
 * `needsBuild`: the workers' bundles and the pages. `needsDevTools`: what the type check
 * needs besides the packages.
 */
export async function ensurePrepared({ needsBuild = false, needsDevTools = false } = {}) {
  checkNodeVersion();
  const prepare = async () => {
    await ensurePackages();
    await ensurePrismaClient();
    if (needsBuild) {
      await ensureWorkersBuilt();
      await ensurePagesBuilt();
    }
    if (needsDevTools) await ensureNextTypes();
  };
  try {
    await withLock(join(BUILD_DIR, 'prepare.lock'), prepare, (owner) =>
      process.stderr.write(
        `Waiting for process ${owner?.pid ?? '(unknown)'}, which prepares this checkout\n`,
      ),
    );
  } catch (error) {
    if (!(error instanceof UnwritableError)) throw error;
    // Of somebody else, or mounted to be read: right for a server, where all is built.
    forbidSteps(
      `This user may not write to ${ROOT}, where something is missing or out of date. ` +
        'Let the owner of that folder run npm ci && npm run build there, and start again.',
    );
    await prepare();
  }
}

/**
 * npm passes a signal to the shell between it and us, and the shell ends without passing
 * it on. Started by npm, we therefore look whether our parent is still the one we had.
 */
const PARENT_CHECK_MS = 500;

function stopWithNpm() {
  if (process.env.npm_lifecycle_event === undefined) return;
  const parent = process.ppid;
  const timer = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(timer);
    process.kill(process.pid, 'SIGTERM');
  }, PARENT_CHECK_MS);
  timer.unref();
}

/** Runs a command's main function; expected failures are printed as a sentence, without a stack. */
export async function runMain(main) {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.once(signal, () => process.exit(signal === 'SIGINT' ? 130 : 143));
  }
  stopWithNpm();
  try {
    process.exitCode = (await main()) ?? 0;
  } catch (error) {
    process.stderr.write(`\n${error instanceof PreparationError ? error.message : error.stack}\n`);
    process.exitCode = 1;
  }
}
