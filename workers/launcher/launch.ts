import { join } from 'node:path';
import { UnfitDatabaseError } from '../../lib/store/migrations/database-requirements';
import { applyMigrations } from '../../lib/store/migrations/migrate';
import { ChildOutput } from './child-output';
import { greeting } from './greeting';
import { superviseDemo } from './demo';
import { openDatabase } from './product-database';
import {
  describeProcesses,
  toLocalUrl,
  type ProductAddresses,
  type ProductOptions,
} from './product-processes';
import { describeDatabase, readSettings } from './read-settings';
import { forgetRunningProduct, recordRunningProduct } from './running-product';
import {
  describeEnding,
  SupervisedProcess,
  type Ending,
  type ProcessDescription,
} from './supervised-process';
import { waitForDatabase } from './wait-for-database';
import { waitUntilReady } from './wait-until-ready';

/**
 * Brings the product up and keeps it up:
 *
 *   settings judged ▶ database ▶ migrations ▶ ingest, web, front door ▶ /readyz ▶ greeting
 *
 * and down in the order in which nothing is lost: the demo's training job, the front door
 * (no new requests), ingest (commits and acknowledges what it has), web, the database.
 * A part that dies while starting ends the launch with its last words; one that dies later
 * is started again, and both are said.
 */
export interface LaunchOptions extends ProductOptions {
  readonly dataDir: string;
  readonly isDemo: boolean;
  readonly demoArguments: readonly string[];
  /** Aborted once to stop in order; `kill` aborts when somebody insists. */
  readonly stop: AbortSignal;
  readonly kill: AbortSignal;
  readonly print: (line: string) => void;
  /** How long a server of one's own may take to come up. */
  readonly databasePatienceMs?: number;
}

/** The embedded database recovers from its log and the pages are loaded: seconds, minutes on a bad disk. */
const READY_TIMEOUT_MS = 120_000;
/** After a reboot the server of DATABASE_URL may come up later than we do, and recover first. */
const DATABASE_PATIENCE_MS = 60_000;
/** How long a part may drain: a little more than the deadline that each worker sets itself. */
const DRAIN_MS = 12_000;

/** A launch that could not succeed; the message is for the person who started it. */
export class LaunchError extends Error {
  override readonly name = 'LaunchError';
}

function toLaunchError(what: string, error: unknown): LaunchError {
  const why = error instanceof Error ? error.message : String(error);
  return new LaunchError(`${what}: ${why}`, { cause: error });
}

/** Resolves when the product has been stopped. Throws LaunchError or ConfigError. */
export async function launch(options: LaunchOptions): Promise<void> {
  const { environment, dataDir } = options;
  const { addresses, requireTokens, databaseUrl } = await readSettings(environment, dataDir);
  const which =
    databaseUrl === null
      ? 'The database'
      : `The database of DATABASE_URL (${describeDatabase(databaseUrl)})`;
  const database = await openDatabase({
    url: databaseUrl,
    dataDir,
    print: options.print,
  }).catch((error: unknown) => {
    throw toLaunchError('The database did not start', error);
  });
  try {
    await Promise.race([untilAborted(options.stop), prepareDatabase(database.url, which, options)]);
    if (options.stop.aborted) return;
    await runProduct({ ...addresses, databaseUrl: database.url }, requireTokens, options);
  } finally {
    await database.stop();
  }
}

/** Waits for the server, judges what it offers, and brings the tables to this version. */
async function prepareDatabase(
  url: string,
  which: string,
  { root, stop, print, databasePatienceMs }: LaunchOptions,
): Promise<void> {
  await waitForDatabase(url, {
    patienceMs: databasePatienceMs ?? DATABASE_PATIENCE_MS,
    signal: stop,
    onWait: (why) => {
      print(`${which} cannot be reached yet: ${why}`);
    },
  }).catch((error: unknown) => {
    throw toLaunchError(`${which} cannot be reached`, error);
  });
  if (stop.aborted) return;
  await applyMigrations({
    url,
    directory: join(root, 'prisma/migrations'),
    logger: {
      info: () => undefined,
      warn: (_fields, message) => {
        print(message);
      },
      error: (_fields, message) => {
        print(message);
      },
    },
  }).catch((error: unknown) => {
    throw error instanceof UnfitDatabaseError
      ? new LaunchError(`${which} cannot be used: ${error.message}`, { cause: error })
      : toLaunchError(`${which} could not be brought to this version`, error);
  });
}

async function runProduct(
  addresses: ProductAddresses,
  requireTokens: boolean,
  options: LaunchOptions,
): Promise<void> {
  const { environment, dataDir, stop, kill, print } = options;
  const url = toLocalUrl(addresses);
  const failure = new AbortController();
  const described = describeProcesses(addresses, options);
  // In the order in which they are stopped.
  const parts = [described.api, described.ingest, described.web].map((description) =>
    supervise(description, options, (ending, lastWords) =>
      failure.abort(new LaunchError(describeFailedStart(description.name, ending, lastWords))),
    ),
  );
  const killAll = (): void => parts.forEach((part) => part.kill());
  kill.addEventListener('abort', killAll);
  try {
    for (const part of parts) part.start();
    await waitUntilReady(`${url}/readyz`, {
      timeoutMs: READY_TIMEOUT_MS,
      signal: AbortSignal.any([stop, failure.signal]),
    });
    for (const part of parts) part.restartFromNowOn();
    recordRunningProduct(dataDir, { pid: process.pid, url, databaseUrl: addresses.databaseUrl });
    print(greeting(url, { requireTokens, dataDir: environment['SPIKESCOPE_DATA_DIR'] }));
    if (options.isDemo) {
      const demo = superviseDemo(url, options, new Date());
      parts.unshift(demo);
      demo.start();
    }
    await untilAborted(stop);
  } catch (error) {
    if (!stop.aborted) throw error;
  } finally {
    if (stop.aborted) print('\nStopping …');
    forgetRunningProduct(dataDir);
    for (const part of parts) await part.stop(DRAIN_MS);
    kill.removeEventListener('abort', killAll);
  }
}

function untilAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

function supervise(
  description: ProcessDescription,
  { dataDir, isDevelopment, print }: LaunchOptions,
  onFailedStart: (ending: Ending, lastWords: string) => void,
): SupervisedProcess {
  const { name } = description;
  const output = new ChildOutput({
    logPath: join(dataDir, 'logs', `${name}.log`),
    showsAll: isDevelopment,
    show: (line) => print(`[${name}] ${line}`),
  });
  return new SupervisedProcess(description, output, {
    onDeath: (ending, restartInMs) => {
      if (restartInMs === null) {
        onFailedStart(ending, output.tail());
        return;
      }
      print(
        `[${name}] ended unexpectedly (${describeEnding(ending)}); starting it again in ${restartInMs / 1000} s`,
      );
    },
    onRestart: () => print(`[${name}] started again`),
  });
}

function describeFailedStart(name: string, ending: Ending, lastWords: string): string {
  return `${name} did not start (${describeEnding(ending)}). Its last words:\n\n${lastWords.trim()}`;
}
