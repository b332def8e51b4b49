import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { inRoot } from './paths.mjs';
import { readStamp } from './content-hash.mjs';
import { PreparationError, runCommand, runStep } from './progress.mjs';

const STAMP = inRoot('node_modules', '.spikescope-install');

const readLock = (path) => JSON.parse(readFileSync(path, 'utf8')).packages ?? {};

/** Native packages depend on the platform and on Node's binary interface as well. */
function wantedStamp() {
  const lockHash = createHash('sha256').update(readFileSync(inRoot('package-lock.json')));
  const major = process.versions.node.split('.')[0];
  return `${lockHash.digest('hex')} ${process.platform}-${process.arch} node-${major}`;
}

const isForThisMachine = ({ os, cpu }) =>
  (os === undefined || os.includes(process.platform)) &&
  (cpu === undefined || cpu.includes(process.arch));

/**
 * Whether npm's own record of what it installed agrees with the lockfile: somebody ran
 * `npm ci` or `npm install` by hand, and another installation would only cost time.
 * Optional packages may be absent (their installer failed, or they are built for another
 * C library), except that a package made for just this platform has to be there.
 */
function isInstalledByHand() {
  const record = inRoot('node_modules', '.package-lock.json');
  if (!existsSync(record)) return false;
  const installed = readLock(record);
  return Object.entries(readLock(inRoot('package-lock.json'))).every(([path, wanted]) => {
    if (path === '' || wanted.link) return true;
    const found = installed[path];
    if (found !== undefined) return found.version === wanted.version;
    const isNative = wanted.os !== undefined && wanted.cpu !== undefined;
    if (isNative) return wanted.libc !== undefined || !isForThisMachine(wanted);
    return wanted.optional === true || wanted.devOptional === true || wanted.peer === true;
  });
}

function npmCommand() {
  // Set by `npm start` and `npm run`: the npm that the person uses, whichever it is.
  const runningNpm = process.env.npm_execpath;
  if (runningNpm?.endsWith('.js')) return { command: process.execPath, args: [runningNpm] };
  return { command: 'npm', args: [], shell: process.platform === 'win32' };
}

async function installPackages() {
  const { command, args, shell = false } = npmCommand();
  try {
    // NODE_ENV=production would leave out what the build needs.
    await runCommand(command, [...args, 'ci', '--include=dev', '--no-audit', '--no-fund'], {
      cwd: inRoot(),
      shell,
    });
  } catch (error) {
    if (!(error instanceof PreparationError)) throw error;
    throw new PreparationError(
      `The packages could not be installed. Is the npm registry reachable from here?\n\n${error.message}`,
    );
  }
}

/** Brings node_modules to the state the lockfile describes; quiet where it is there already. */
export async function ensurePackages() {
  const wanted = wantedStamp();
  const stamp = readStamp(STAMP);
  if (stamp !== wanted) {
    const isOfThisMachine = stamp === null || stamp.endsWith(wanted.slice(wanted.indexOf(' ')));
    if (!isOfThisMachine || !isInstalledByHand()) {
      await runStep('Installing packages', installPackages);
    }
    writeFileSync(STAMP, `${wanted}\n`);
  }
}
