import { randomBytes } from 'node:crypto';
import type { CreateRun, Layer, Optimizer } from '../../lib/contract/runs';
import type { ClientLogger } from './notices';
import { Compression } from './compression';
import { type ClientMode, RunHandle } from './run-handle';
import { type Outcome, sendRequest } from './send-request';

export interface ClientOptions {
  /** Where the product answers, as in `http://127.0.0.1:3000`. */
  readonly url: string;
  readonly token?: string | undefined;
  /** Left out: warnings go to standard error. */
  readonly logger?: ClientLogger;
  /** What may wait in memory; beyond it steps go to disk, or are dropped, oldest first, and counted. */
  readonly maxQueueBytes?: number;
  /**
   * Where steps are kept while the server is away, for the next job of the same id or
   * `spikescope sync`; left out: `.spikescope`; null: in memory alone.
   */
  readonly directory?: string | null;
  /** What may wait on disk, a run. */
  readonly maxSpoolBytes?: number;
  readonly mode?: ClientMode;
  readonly requestTimeoutMs?: number;
  readonly fetch?: typeof fetch;
  readonly now?: () => number;
  readonly random?: () => number;
}

export interface StartRun {
  readonly project: string;
  /** Left out: one is made up, so that opening the run may be repeated. */
  readonly id?: string | undefined;
  readonly name?: string | undefined;
  readonly optimizer: Optimizer;
  readonly layers: readonly Layer[];
  readonly config?: CreateRun['config'];
  readonly tags?: readonly string[] | undefined;
  /**
   * Opens a new attempt that takes over the steps before this one. Left out, a run that has steps
   * already is gone on with from the first step logged; not of a shard or a given attempt.
   */
  readonly resumeFromStep?: number | undefined;
  /** Posts into this attempt; left out: the one that opening the run answers. */
  readonly attempt?: number | undefined;
  /** Which layers this process posts; left out: all of them. */
  readonly shard?: { readonly layerOffset: number; readonly layerCount: number } | undefined;
  /**
   * Whether the run ends as the process does where nobody calls finish(); left out: true, save
   * for a shard and a given attempt, whose run is of others too.
   */
  readonly endsWithProcess?: boolean | undefined;
}

export interface Client {
  /** Returns at once: the run is opened in the background, and steps may be logged before it is. */
  startRun(run: StartRun): RunHandle;
  /** One GET of the contract, for tools; never throws. `path` begins with a slash. */
  get(path: string): Promise<Outcome>;
}

/** About a minute of a thousand layers with histograms. */
const DEFAULT_QUEUE_BYTES = 64 * 1024 * 1024;
/** As the Python client. */
const DEFAULT_SPOOL_BYTES = 12 * 1024 * 1024 * 1024;
const DEFAULT_DIRECTORY = '.spikescope';
/** Far above any healthy acknowledgement (25 ms) and below what a person waits for. */
const DEFAULT_TIMEOUT_MS = 15_000;

const standardError: ClientLogger = {
  info: (message) => void process.stderr.write(`spikescope: ${message}\n`),
  warn: (message) => void process.stderr.write(`spikescope: ${message}\n`),
};

/** Throws  TypeError when `url` is no http address: a mistake to be seen before training starts. */
export function createClient(options: ClientOptions): Client {
  const { protocol, href, hostname } = new URL(options.url);
  if (protocol !== 'http:' && protocol !== 'https:') {
    throw new TypeError(`url: expected http:// or https://, got ${options.url}`);
  }
  const now = options.now ?? Date.now;
  const connection = {
    baseUrl: href.replace(/\/+$/, ''),
    token: options.token ?? null,
    requestTimeoutMs: options.requestTimeoutMs ?? DEFAULT_TIMEOUT_MS,
    fetch: options.fetch ?? fetch,
    now,
    compression: new Compression(isLoopback(hostname)),
  };
  const dependencies = {
    connection,
    logger: options.logger ?? standardError,
    random: options.random ?? Math.random,
    maxQueueBytes: options.maxQueueBytes ?? DEFAULT_QUEUE_BYTES,
    directory: options.directory === undefined ? DEFAULT_DIRECTORY : options.directory,
    maxSpoolBytes: options.maxSpoolBytes ?? DEFAULT_SPOOL_BYTES,
    mode: options.mode ?? 'online',
  };
  return {
    startRun: ({ shard, attempt, endsWithProcess, ...run }) =>
      new RunHandle(
        {
          create: { ...toCreateRun(run), id: run.id ?? makeRunId(now()) },
          layerCount: shard?.layerCount ?? run.layers.length,
          layerOffset: shard?.layerOffset ?? null,
          attempt: attempt ?? null,
          endsWithProcess: endsWithProcess ?? (shard === undefined && attempt === undefined),
        },
        dependencies,
      ),
    get: (path) => sendRequest(connection, 'GET', path, null),
  };
}

function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || hostname.startsWith('127.');
}

/**
 * Options from the variables that the Python client knows: SPIKESCOPE_URL, _TOKEN, _DIR, _MODE.
 *
 * Throws  TypeError naming the variable
 */
export function readClientOptions(
  environment: Readonly<Record<string, string | undefined>>,
): ClientOptions {
  const { SPIKESCOPE_URL: url, SPIKESCOPE_TOKEN: token, SPIKESCOPE_DIR: directory } = environment;
  const mode = environment['SPIKESCOPE_MODE'] ?? 'online';
  if (mode !== 'online' && mode !== 'offline' && mode !== 'disabled') {
    throw new TypeError(`SPIKESCOPE_MODE: expected online, offline or disabled, got ${mode}`);
  }
  return {
    url: url || 'http://127.0.0.1:3000',
    token: token || undefined,
    ...(directory ? { directory } : {}),
    mode,
  };
}

/**
 * What a run is called, from the variables that the Python client knows: SPIKESCOPE_PROJECT,
 * _RUN_ID, _NAME, _TAGS (with commas), _RESUME (a step; `allow`, as without it).
 *
 * Throws  TypeError naming the variable
 */
export function readRunOptions(
  environment: Readonly<Record<string, string | undefined>>,
): Pick<StartRun, 'project' | 'id' | 'name' | 'tags' | 'resumeFromStep'> {
  const { SPIKESCOPE_PROJECT: project, SPIKESCOPE_RUN_ID: id } = environment;
  const { SPIKESCOPE_NAME: name, SPIKESCOPE_TAGS: tags } = environment;
  const resume = environment['SPIKESCOPE_RESUME'] || 'allow';
  if (resume !== 'allow' && !/^\d{1,15}$/.test(resume)) {
    throw new TypeError(`SPIKESCOPE_RESUME: expected a step or allow, got ${resume}`);
  }
  return {
    project: project || 'default',
    id: id || undefined,
    name: name || undefined,
    tags: tags
      ?.split(',')
      .map((tag) => tag.trim())
      .filter((tag) => tag !== ''),
    resumeFromStep: resume === 'allow' ? undefined : Number(resume),
  };
}

function toCreateRun(run: Omit<StartRun, 'shard' | 'attempt' | 'endsWithProcess'>): CreateRun {
  return {
    project: run.project,
    optimizer: run.optimizer,
    layers: [...run.layers],
    ...(run.name === undefined ? {} : { name: run.name }),
    ...(run.config === undefined ? {} : { config: run.config }),
    ...(run.tags === undefined ? {} : { tags: [...run.tags] }),
    ...(run.resumeFromStep === undefined ? {} : { resumeFromStep: run.resumeFromStep }),
  };
}

/** Sorts by time and does not collide: 2026-01-31T12-00-00-5f0c9a. */
function makeRunId(nowMs: number): string {
  const time = new Date(nowMs).toISOString().slice(0, 19).replaceAll(':', '-');
  return `${time}-${randomBytes(3).toString('hex')}`;
}
