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

/**
 * Whether npm's own record of what it installed agrees with the lockfile: then somebody
 * installed by hand, and doing it again would only cost time. Optional packages may be
 * absent (their installer failed, or they are built for another C library), except that a
 * package made for just this platform has to be there.
 *
 * @param {Record<string, Record<string, any>>} wanted `packages` of package-lock.json
 * @param {Record<string, Record<string, any>>} installed `packages` of npm's record
 * @param {{ platform: string, arch: string }} machine
 */
export function isInstalled(wanted, installed, { platform, arch }) {
  return Object.entries(wanted).every(([path, entry]) => {
    if (path === '' || entry.link) return true;
    const found = installed[path];
    if (found !== undefined) return found.version === entry.version;
    if (entry.os !== undefined && entry.cpu !== undefined && entry.libc === undefined) {
      return !(entry.os.includes(platform) && entry.cpu.includes(arch));
    }
    return entry.optional === true || entry.devOptional === true || entry.peer === true;
  });
}

function isInstalledByHand() {
  const record = inRoot('node_modules', '.package-lock.json');
  if (!existsSync(record)) return false;
  return isInstalled(readLock(inRoot('package-lock.json')), readLock(record), process);
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
    const isByHand = isOfThisMachine && isInstalledByHand();
    if (!isByHand) {
      await runStep('Installing packages (once a version, a minute or two)', installPackages);
    }
    keepStamp(wanted, isByHand);
  }
}

/** Where npm has said so itself, the stamp only spares the look at it, and may be left out. */
function keepStamp(stamp, isByHand) {
  try {
    writeFileSync(STAMP, `${stamp}\n`);
  } catch (error) {
    if (!isByHand || !['EACCES', 'EPERM', 'EROFS'].includes(error.code)) throw error;
  }
}
