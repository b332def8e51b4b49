import { Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client';
import type { Readiness } from './readiness';

export interface ApiMetricsOptions {
  readonly version: string;
  /** Of the routes of the API. */
  readonly paths: readonly string[];
  /** Requests that wait for another advice than they have. */
  readonly waitingForAdvice: () => number;
  readonly ingestUrl: string;
  readonly readReadiness: () => Promise<Pick<Readiness, 'checks'>>;
  readonly readDatabaseSize: () => Promise<number>;
}

/** What the front door says of itself to Prometheus, with the ingestion worker's beside it. */
export class ApiMetrics {
  private readonly registry = new Registry();
  private readonly kinds: ReadonlySet<string>;
  private readonly duration = new Histogram({
    name: 'spikescope_api_request_seconds',
    help: 'Time to answer by kind of request and status class',
    labelNames: ['kind', 'status'],
    buckets: [0.001, 0.003, 0.005, 0.01, 0.015, 0.025, 0.05, 0.1, 0.25, 1, 5],
    registers: [this.registry],
  });
  private readonly ready = new Gauge({
    name: 'spikescope_ready',
    help: 'Whether a part serves: database, ingest, web; /readyz says what is wrong',
    labelNames: ['part'],
    registers: [this.registry],
  });

  private readonly databaseBytes = new Gauge({
    name: 'spikescope_database_bytes',
    help: 'Tables and indices on disk; not said while the database is away',
    registers: [this.registry],
  });

  constructor(private readonly options: ApiMetricsOptions) {
    const { version, paths, waitingForAdvice } = options;
    collectDefaultMetrics({ register: this.registry, prefix: 'spikescope_api_' });
    this.kinds = new Set(paths.map(lastWord));
    new Gauge({
      name: 'spikescope_build_info',
      help: 'The version that runs',
      labelNames: ['version'],
      registers: [this.registry],
    }).set({ version }, 1);
    new Gauge({
      name: 'spikescope_api_advice_waiting',
      help: 'Training loops that wait for other advice than they have',
      registers: [this.registry],
      collect() {
        this.set(waitingForAdvice());
      },
    });
  }

  get contentType(): string {
    return this.registry.contentType;
  }

  observe(url: string, status: number, durationMs: number): void {
    const kind = this.kindOf(url);
    // These last as long as a browser, a reader of a file, a loop that waits: no latency.
    if (kind === 'live' || kind === 'export' || LONG_POLL.test(url)) return;
    this.duration.observe({ kind, status: `${Math.floor(status / 100)}xx` }, durationMs / 1000);
  }

  /** Both processes' metrics in one exposition; the worker's are left out while it is away. */
  async collect(): Promise<string> {
    const [, ofIngest] = await Promise.all([this.look(), readMetrics(this.options.ingestUrl)]);
    return `${await this.registry.metrics()}\n${ofIngest}`;
  }

  /** Asks the parts; a database that has just answered is asked for its size. */
  private async look(): Promise<void> {
    const { checks } = await this.options.readReadiness();
    const bytes = checks.database === 'ok' ? await this.askDatabaseSize() : null;
    for (const [part, state] of Object.entries(checks)) {
      this.ready.set({ part }, state === 'ok' ? 1 : 0);
    }
    if (bytes === null) this.databaseBytes.remove();
    else this.databaseBytes.set(bytes);
  }

  /** null where the database has gone since it was asked whether it is there: the next look says so. */
  private async askDatabaseSize(): Promise<number | null> {
    try {
      return await this.options.readDatabaseSize();
    } catch {
      return null;
    }
  }

  /** The last word of an API path, which is what it reads; runs and layers are not labels. */
  private kindOf(url: string): string {
    const [path = ''] = url.split('?', 1);
    if (path.startsWith('/socket.io/')) return 'live';
    if (!path.startsWith('/api/')) return 'page';
    const word = lastWord(path);
    return this.kinds.has(word) ? word : 'run';
  }
}

const LONG_POLL = /\/advice\?(.*&)?waitSeconds=/;

function lastWord(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

async function readMetrics(ingestUrl: string): Promise<string> {
  try {
    const response = await fetch(new URL('/metrics', ingestUrl), {
      signal: AbortSignal.timeout(2_000),
    });
    if (response.ok) return await response.text();
    return `# the ingestion worker answers ${response.status}\n`;
  } catch {
    return '# the ingestion worker does not answer\n';
  }
}
