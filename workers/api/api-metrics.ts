import { Histogram, Registry, collectDefaultMetrics } from 'prom-client';

/** What the front door says of itself to Prometheus, with the ingestion worker's beside it. */
export class ApiMetrics {
  private readonly registry = new Registry();
  private readonly duration = new Histogram({
    name: 'spikescope_api_request_seconds',
    help: 'Time to answer by kind of request and status class',
    labelNames: ['kind', 'status'],
    buckets: [0.001, 0.003, 0.005, 0.01, 0.015, 0.025, 0.05, 0.1, 0.25, 1, 5],
    registers: [this.registry],
  });

  constructor() {
    collectDefaultMetrics({ register: this.registry, prefix: 'spikescope_api_' });
  }

  get contentType(): string {
    return this.registry.contentType;
  }

  observe(url: string, status: number, durationMs: number): void {
    const kind = kindOf(url);
    // A socket's request lasts as long as its browser, an export as its reader: no latency.
    if (kind === 'live' || kind === 'export') return;
    this.duration.observe({ kind, status: `${Math.floor(status / 100)}xx` }, durationMs / 1000);
  }

  /** Both processes' metrics in one exposition; the worker's are left out while it is away. */
  async collect(ingestUrl: string): Promise<string> {
    const own = await this.registry.metrics();
    try {
      const response = await fetch(new URL('/metrics', ingestUrl), {
        signal: AbortSignal.timeout(2_000),
      });
      return `${own}\n${await response.text()}`;
    } catch {
      return `${own}\n# the ingestion worker does not answer\n`;
    }
  }
}

/** The last word of an API path, which is what it reads; runs and layers are not labels. */
function kindOf(url: string): string {
  const [path = ''] = url.split('?', 1);
  if (path.startsWith('/socket.io/')) return 'live';
  if (!path.startsWith('/api/')) return 'page';
  const known =
    /\/(timeline|heatmap|series|distributions|spikes|stages|events|frames|finish|metrics|projects|runs|export)$/.exec(
      path,
    );
  return known?.[1] ?? 'run';
}
