import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { BUILD_DIR, NEXT_DIR, inRoot } from './paths.mjs';
import { hashInputs, readStamp } from './content-hash.mjs';
import { PreparationError, runCommand, runStep } from './progress.mjs';

const WORKERS_DIR = join(BUILD_DIR, 'workers');
const WORKERS_STAMP = join(WORKERS_DIR, 'inputs.sha256');
const NEXT_STAMP = join(NEXT_DIR, 'inputs.sha256');

/** Each runs as a process or a thread of its own, so each is bundled on its own. */
const isEntry = (name) =>
  name === 'server.ts' || name === 'launch.ts' || name.endsWith('-thread.ts');

const isNoInput = (path) => path.endsWith('.md') || path === 'lib/store/generated';

function findEntries() {
  return readdirSync(inRoot('workers'), { recursive: true, withFileTypes: true })
    .filter((item) => item.isFile() && isEntry(item.name))
    .map((item) => join(item.parentPath ?? item.path, item.name))
    .sort();
}

/** Bundles each entry of `folder` into `outFolder`; what is wrong with a source is a PreparationError. */
export async function bundle(entryPoints, folder, outFolder) {
  const { build, stop } = await import('esbuild');
  try {
    await build({
      entryPoints,
      outbase: folder,
      outdir: outFolder,
      outExtension: { '.js': '.mjs' },
      bundle: true,
      format: 'esm',
      platform: 'node',
      target: 'node20',
      packages: 'external',
      sourcemap: true,
      logLevel: 'silent',
    });
  } catch (error) {
    throw new PreparationError(error.message);
  } finally {
    // Its process would stay as long as ours: 85 MB beside a product that runs for months.
    await stop();
  }
}

/**
 * Workers as bundles, so that they start in a tenth of the time that loading their sources
 * takes. Written beside and then exchanged: a worker that is restarted meanwhile finds
 * either the old or the new, never half of one.
 */
async function buildWorkers(stamp) {
  const fresh = `${WORKERS_DIR}.new`;
  const old = `${WORKERS_DIR}.old`;
  for (const directory of [fresh, old]) rmSync(directory, { recursive: true, force: true });
  await bundle(findEntries(), inRoot('workers'), fresh);
  writeFileSync(join(fresh, 'inputs.sha256'), `${stamp}\n`);
  if (existsSync(WORKERS_DIR)) renameSync(WORKERS_DIR, old);
  renameSync(fresh, WORKERS_DIR);
  rmSync(old, { recursive: true, force: true });
}

export async function ensureWorkersBuilt() {
  const wanted = hashInputs(
    ['workers', 'lib', 'clients/typescript', 'prisma/schema.prisma', 'package-lock.json'],
    { isIgnored: isNoInput },
  );
  if (readStamp(WORKERS_STAMP) === wanted) return;
  await runStep('Building the workers', () => {
    mkdirSync(BUILD_DIR, { recursive: true });
    return buildWorkers(wanted);
  });
}

export async function ensurePagesBuilt() {
  const wanted = hashInputs(
    ['app', 'public', 'lib', 'next.config.js', 'tsconfig.json', 'package-lock.json'],
    { isIgnored: isNoInput, facts: [process.versions.node.split('.')[0]] },
  );
  if (readStamp(NEXT_STAMP) === wanted && existsSync(join(NEXT_DIR, 'BUILD_ID'))) return;
  await runStep('Building the pages (once a version, a minute or two)', () => {
    // Half a build must not pass for a whole one.
    rmSync(NEXT_STAMP, { force: true });
    return runCommand(process.execPath, [inRoot('node_modules/next/dist/bin/next'), 'build'], {
      cwd: inRoot(),
      env: { ...process.env, NODE_ENV: 'production', NEXT_TELEMETRY_DISABLED: '1' },
    });
  });
  writeFileSync(NEXT_STAMP, `${wanted}\n`);
}
