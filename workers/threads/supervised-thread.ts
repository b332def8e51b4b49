/**
 * What a worker holds of a thread that does its background work. A thread that dies is started
 * again, with growing patience; it finds by itself what is left to do.
 */
import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { StoreLogger } from '../../lib/store/store-logger';
import type { LogReply, ReadyReply } from './thread-log';

export interface SupervisedThreadOptions<Reply> {
  /** As it is called in the log. */
  readonly name: string;
  readonly url: URL;
  /** Its `workerData`. */
  readonly data: object;
  readonly logger: StoreLogger;
  readonly clock: () => number;
  /** It runs, for the first time or again. */
  readonly onReady: () => void;
  readonly onReply: (reply: Reply) => void;
  readonly onDeath: () => void;
}

export interface SupervisedThread<Request> {
  /** Settled once it runs for the first time. */
  readonly ready: Promise<void>;
  readonly isRunning: boolean;
  readonly restarts: number;
  /** How long it has not been running; 0 while it is. */
  readonly downMs: number;
  /** Lost while it is down. */
  send(request: Request): void;
  /** Sends `request`, after which it is to end, and waits until it has. */
  close(request: Request): Promise<void>;
}

const FIRST_RESTART_MS = 500;
const LONGEST_RESTART_MS = 30_000;
/** One that lived so long had not died of its start. */
const STEADY_MS = 60_000;
const CLOSE_TIMEOUT_MS = 10_000;

export function superviseThread<Request, Reply extends { readonly kind: string }>(
  options: SupervisedThreadOptions<Reply>,
): SupervisedThread<Request> {
  const { name, url, data, logger, clock, onReady, onReply, onDeath } = options;
  let thread: Worker | null = null;
  let isRunning = false;
  let isClosing = false;
  let restarts = 0;
  let restartMs = FIRST_RESTART_MS;
  let startedMs = clock();
  let downSinceMs = clock();
  let restartTimer: NodeJS.Timeout | undefined;
  let settleReady = (): void => undefined;
  const ready = new Promise<void>((resolve) => {
    settleReady = resolve;
  });

  function start(): void {
    startedMs = clock();
    const started = openThread(url, data);
    thread = started;
    started.on('message', (message: Reply | ReadyReply | LogReply) => {
      if (thread === started) take(message);
    });
    started.on('error', (error) => {
      replace(started, error.message);
    });
    started.on('exit', (code) => {
      replace(started, `it ended with code ${code}`);
    });
  }

  function take(message: Reply | ReadyReply | LogReply): void {
    if (isReady(message)) {
      isRunning = true;
      onReady();
      settleReady();
    } else if (isLog(message)) logger[message.level](message.fields, message.message);
    else onReply(message);
  }

  function replace(dead: Worker, reason: string): void {
    // Its exit follows its error.
    if (thread !== dead) return;
    thread = null;
    isRunning = false;
    downSinceMs = clock();
    if (isClosing) return;
    restarts++;
    onDeath();
    if (clock() - startedMs > STEADY_MS) restartMs = FIRST_RESTART_MS;
    logger.error({ reason, restartMs }, `the ${name} thread died; starting it again`);
    restartTimer = setTimeout(start, restartMs);
    restartTimer.unref();
    restartMs = Math.min(restartMs * 2, LONGEST_RESTART_MS);
  }

  start();
  return {
    ready,
    get isRunning() {
      return isRunning;
    },
    get restarts() {
      return restarts;
    },
    get downMs() {
      return isRunning ? 0 : clock() - downSinceMs;
    },
    send(request) {
      thread?.postMessage(request);
    },
    async close(request) {
      isClosing = true;
      clearTimeout(restartTimer);
      const closing = thread;
      if (closing === null) return;
      const ended = new Promise<void>((resolve) => closing.once('exit', () => resolve()));
      closing.postMessage(request);
      // Its transaction ends with its connection.
      const limit = setTimeout(() => void closing.terminate(), CLOSE_TIMEOUT_MS);
      await ended;
      clearTimeout(limit);
    },
  };
}

function isReady(message: { readonly kind: string }): message is ReadyReply {
  return message.kind === 'ready';
}

function isLog(message: { readonly kind: string }): message is LogReply {
  return message.kind === 'log';
}

/** Beside this folder in the sources, and beside the worker's bundle once built. */
const EXTENSION = extname(new URL(import.meta.url).pathname);

/** Where a thread lies, by its path under `workers` without the extension. */
export function threadUrl(path: string): URL {
  return new URL(`../${path}${EXTENSION}`, import.meta.url);
}

/** `data`: its `workerData`. Whoever opens it hears of its end. */
export function openThread(url: URL, data: object): Worker {
  // The worker's own arguments watch over a process.
  const execArgv = ['--enable-source-maps'];
  if (!url.pathname.endsWith('.ts')) return new Worker(url, { workerData: data, execArgv });
  // Sources: a thread does not inherit what loads them, and takes no loader for its entry.
  const load = `import('tsx/esm/api').then(({ register }) => (register(), import(${JSON.stringify(url.href)})))`;
  return new Worker(load, { eval: true, workerData: data, execArgv });
}
