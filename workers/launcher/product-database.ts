import { join } from 'node:path';
import { spawn, type ChildProcess } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import { startEmbeddedPostgres, type EmbeddedPostgres } from './embedded-postgres';
import { restartDelayMs } from './restart-delay';

/** The database the product runs on: the team's own server, or ours for as long as we run. */
export interface ProductDatabase {
  readonly url: string;
  stop(): Promise<void>;
}

export interface ProductDatabaseOptions {
  /** null: the embedded server. */
  readonly url: string | null;
  readonly dataDir: string;
  readonly print: (line: string) => void;
}

export async function openDatabase(options: ProductDatabaseOptions): Promise<ProductDatabase> {
  if (options.url !== null) return { url: options.url, stop: () => Promise.resolve() };
  return KeptPostgres.start(options);
}

/**
 * The embedded server, started again on the same port when it dies, and stopped by a guard
 * when this process is killed.
 */
class KeptPostgres implements ProductDatabase {
  readonly #options: ProductDatabaseOptions;
  #server: EmbeddedPostgres;
  #guard: ChildProcess | null;
  readonly #stopping = new AbortController();
  #restart: Promise<void> = Promise.resolve();

  static async start(options: ProductDatabaseOptions): Promise<KeptPostgres> {
    return new KeptPostgres(options, await startServer(options, 0));
  }

  private constructor(options: ProductDatabaseOptions, server: EmbeddedPostgres) {
    this.#options = options;
    this.#server = server;
    this.#guard = guardAgainstOwnDeath(server.pid, options.dataDir);
    this.#watch(server);
  }

  get url(): string {
    return this.#server.url;
  }

  #watch(server: EmbeddedPostgres): void {
    void server.exited.then(() => {
      this.#guard?.kill('SIGKILL');
      if (!this.#stopping.signal.aborted) this.#restart = this.#startAgain(server);
    });
  }

  async #startAgain(dead: EmbeddedPostgres): Promise<void> {
    this.#options.print('The database ended unexpectedly; starting it again');
    // Releases its data directory.
    await dead.stop();
    for (let attempt = 1; !this.#stopping.signal.aborted; attempt += 1) {
      try {
        this.#server = await startServer(this.#options, dead.port);
        this.#guard = guardAgainstOwnDeath(this.#server.pid, this.#options.dataDir);
        this.#watch(this.#server);
        this.#options.print('The database is back');
        return;
      } catch (error) {
        const delayMs = restartDelayMs(attempt);
        const reason = error instanceof Error ? error.message : String(error);
        this.#options.print(
          `The database did not start (${reason}); next try in ${delayMs / 1000} s`,
        );
        await delay(delayMs, undefined, { signal: this.#stopping.signal }).catch(() => undefined);
      }
    }
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#restart;
    await this.#server.stop();
    this.#guard?.kill('SIGKILL');
  }
}

function startServer(options: ProductDatabaseOptions, port: number): Promise<EmbeddedPostgres> {
  return startEmbeddedPostgres({
    dataDirectory: options.dataDir,
    port,
    logger: {
      info: () => undefined,
      warn: (fields, message) => options.print(`[database] ${describeWarning(fields, message)}`),
    },
  });
}

/** PostgreSQL's own lines say all; the rest is told with its fields. */
export function describeWarning(fields: object, message: string): string {
  if ('line' in fields && typeof fields.line === 'string') return fields.line;
  return `${message} ${JSON.stringify(fields)}`;
}

/**
 * PostgreSQL does not notice that the launcher is gone. A shell that waits for the end of
 * its input does, whatever ended the launcher; it leaves the workers the three seconds in
 * which they commit what they hold, and then asks the server to stop, if the server is
 * still the one it was set to guard. Windows has no such shell: there, the next start ends
 * what is left.
 */
function guardAgainstOwnDeath(pid: number, dataDir: string): ChildProcess | null {
  if (process.platform === 'win32') return null;
  const script =
    'while read -r line; do :; done; sleep 3; [ "$(head -n 1 "$2")" = "$1" ] && kill -INT "$1"';
  const pidFile = join(dataDir, 'postgres', 'postmaster.pid');
  const guard = spawn('/bin/sh', ['-c', script, 'spikescope-guard', String(pid), pidFile], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  guard.on('error', () => undefined);
  guard.unref();
  return guard;
}
