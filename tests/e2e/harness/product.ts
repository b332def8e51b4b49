import { spawn, execFileSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findLoopbackPort } from '@/workers/launcher/loopback-port';

export const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const START_TIMEOUT_MS = 300_000;

export const PRODUCT_PARTS = ['ingest', 'api', 'web', 'database'] as const;
export type ProductPart = (typeof PRODUCT_PARTS)[number];

export interface Product {
  readonly url: string;
  readonly pid: number;
  /** All that the launcher has printed so far. */
  output(): string;
  /** Resolves once the launcher has printed it, counting from `from`. */
  said(text: string, from?: number): Promise<void>;
  /** Process ids of the launcher's children by part, as the system shows them. */
  readonly pidOf: (part: ProductPart) => number;
  /** Sends the signal and resolves with the exit code. */
  readonly stop: (signal?: NodeJS.Signals) => Promise<number | null>;
}

export interface ProductSettings {
  readonly dataDir: string;
  readonly port?: number;
  readonly environment?: Readonly<Record<string, string>>;
  readonly args?: readonly string[];
  /** Through npm, with a shell in between, as a person does. */
  readonly isThroughNpm?: boolean;
}

/** A folder for one test file's data, and its removal. */
export function makeDataDir(): { dataDir: string; remove: () => void } {
  const dataDir = mkdtempSync(join(tmpdir(), 'spikescope-e2e-'));
  return { dataDir, remove: () => rmSync(dataDir, { recursive: true, force: true }) };
}

/** Starts the launcher as `npm start` does, and does not wait for anything. */
export function spawnLauncher(settings: ProductSettings & { readonly port: number }): ChildProcess {
  const [program, ...args] =
    settings.isThroughNpm === true
      ? ['npm', 'start', '--silent', '--']
      : [
          process.execPath,
          '--import',
          join(ROOT, 'workers/launcher/exit-with-parent.mjs'),
          join(ROOT, 'workers/launcher/start.mjs'),
        ];
  return spawn(program, [...args, ...(settings.args ?? [])], {
    cwd: ROOT,
    // Vitest's own NODE_ENV would reach the built pages.
    env: {
      ...process.env,
      NODE_ENV: 'production',
      // The embedded database, whatever the person who runs the tests has set.
      DATABASE_URL: undefined,
      PORT: String(settings.port),
      SPIKESCOPE_DATA_DIR: settings.dataDir,
      ...settings.environment,
    },
    // The channel ends the product when the test process is killed.
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
}

/** The product as a person starts it, built and with an embedded database; resolves when it says that it is ready. */
export async function startProduct(settings: ProductSettings): Promise<Product> {
  const port = settings.port ?? (await findLoopbackPort());
  const launcher = spawnLauncher({ ...settings, port });
  let text = '';
  const listeners = new Set<() => void>();
  const take = (chunk: string) => {
    text += chunk;
    for (const listener of listeners) listener();
  };
  launcher.stdout?.setEncoding('utf8').on('data', take);
  launcher.stderr?.setEncoding('utf8').on('data', take);
  const closed = once(launcher, 'close');

  const said = (wanted: string, from = 0) =>
    new Promise<void>((resolve, reject) => {
      const check = () => {
        if (!text.slice(from).includes(wanted)) return;
        listeners.delete(check);
        resolve();
      };
      listeners.add(check);
      void closed.then(() => reject(new Error(`the launcher ended without "${wanted}":\n${text}`)));
      check();
    });

  const timer = setTimeout(() => launcher.kill('SIGTERM'), START_TIMEOUT_MS);
  await said('Ctrl-C stops it');
  clearTimeout(timer);
  const pid = launcher.pid!;
  return {
    url: `http://127.0.0.1:${port}`,
    pid,
    output: () => text,
    said,
    pidOf: (part) => findPart(pid, part),
    stop: async (signal = 'SIGTERM') => {
      if (launcher.exitCode === null && launcher.signalCode === null) launcher.kill(signal);
      await closed;
      return launcher.exitCode;
    },
  };
}

const COMMAND_OF_PART: Record<ProductPart, RegExp> = {
  ingest: /ingest\/server\.mjs/,
  api: /api\/server\.mjs/,
  web: /next-server|next\/dist\/bin\/next/,
  database: /bin\/postgres /,
};

/** Every process of the system as (pid, parent, command). */
export function listProcesses(): { pid: number; parent: number; command: string }[] {
  const listing = execFileSync('ps', ['-A', '-o', 'pid=,ppid=,args='], { encoding: 'utf8' });
  return listing
    .split('\n')
    .map((line) => /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line))
    .filter((match) => match !== null)
    .map((match) => ({ pid: Number(match[1]), parent: Number(match[2]), command: match[3]! }));
}

function findPart(launcherPid: number, part: ProductPart): number {
  const children = listProcesses().filter(({ parent }) => parent === launcherPid);
  const found = children.find(({ command }) => COMMAND_OF_PART[part].test(command));
  if (found === undefined) {
    throw new Error(`no ${part} among ${children.map(({ command }) => command).join(' | ')}`);
  }
  return found.pid;
}
