import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { BUILD_DIR, ROOT, inRoot } from './paths.mjs';
import { ensurePrepared, runMain } from './prepare.mjs';
import { PreparationError } from './progress.mjs';

/**
 * `npm start`, `npm run demo` and `npm run dev`: prepares the checkout, then hands over to
 * launch.ts, which needs the packages. The first Ctrl-C or SIGTERM stops everything in
 * order, a second Ctrl-C at once.
 */
const KNOWN_OPTIONS = ['--demo', '--dev'];

async function loadLaunch(isDevelopment) {
  if (!isDevelopment) {
    return import(pathToFileURL(join(BUILD_DIR, 'workers/launcher/launch.mjs')).href);
  }
  const { register } = await import('tsx/esm/api');
  register();
  return import('./launch.ts');
}

/** npm passes on a Ctrl-C that the terminal has sent us already: one within a second is the same one. */
const SAME_SIGNAL_MS = 1000;

/** Aborts `stop` at the first signal and `kill` at a further Ctrl-C. */
function listenForStop() {
  const stop = new AbortController();
  const kill = new AbortController();
  let firstAt = null;
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.removeAllListeners(signal);
    process.on(signal, () => {
      firstAt ??= performance.now();
      stop.abort();
      const isInsisting = signal === 'SIGINT' && performance.now() - firstAt > SAME_SIGNAL_MS;
      if (isInsisting) kill.abort();
    });
  }
  return { stop: stop.signal, kill: kill.signal };
}

function readArguments() {
  const args = process.argv.slice(2);
  const own = args.filter((argument) => KNOWN_OPTIONS.includes(argument));
  const rest = args.filter((argument) => !KNOWN_OPTIONS.includes(argument));
  const isDemo = own.includes('--demo');
  // `npm run demo -- --provoke`: what is left is for the training job.
  if (!isDemo && rest.length > 0) {
    throw new PreparationError(
      `Unknown option ${rest[0]}. The settings are environment variables, such as PORT=3001 npm start.`,
    );
  }
  return { isDemo, isDevelopment: own.includes('--dev'), demoArguments: rest };
}

await runMain(async () => {
  const options = readArguments();
  await ensurePrepared({
    needsBuild: !options.isDevelopment,
    needsDevTools: options.isDevelopment,
  });
  const { launch } = await loadLaunch(options.isDevelopment);
  const signals = listenForStop();
  // A terminal that was closed, or a reader that went away, is no reason to stop without order.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});
  try {
    await launch({
      ...options,
      ...signals,
      root: ROOT,
      dataDir: resolve(process.env.SPIKESCOPE_DATA_DIR || inRoot('.data')),
      environment: process.env,
      print: (line) => process.stdout.write(`${line}\n`),
    });
  } catch (error) {
    const isExpected = error.name === 'ConfigError' || error.name === 'LaunchError';
    throw isExpected ? new PreparationError(error.message) : error;
  }
});
// Everything is stopped, but the migration engine leaves a timer of ten seconds behind.
process.exit();
