import { join } from 'node:path';
import type { Environment } from '../../lib/config/config';
import type { ProcessDescription } from './supervised-process';

/** Where the parts of one running product are, decided before any of them starts. */
export interface ProductAddresses {
  readonly host: string;
  readonly port: number;
  readonly ingestPort: number;
  readonly webPort: number;
  readonly databaseUrl: string;
}

export interface ProductOptions {
  readonly root: string;
  /** Bundles in `.build` and built pages, or sources that reload when they change. */
  readonly isDevelopment: boolean;
  readonly environment: Environment;
}

export type ProductPart = 'ingest' | 'web' | 'api';

/** How the front door is reached from this machine: an address that means all of them is none to connect to. */
export function toLocalUrl({ host, port }: { host: string; port: number }): string {
  const anyAddress = host === '0.0.0.0' || host === '::' || host === '[::]';
  const local = anyAddress ? '127.0.0.1' : host;
  return `http://${local.includes(':') && !local.startsWith('[') ? `[${local}]` : local}:${port}`;
}

/**
 * Bodies and rows lie outside the heap and count towards the size at which the engine marks
 * all of it. Its own estimate starts from what lives, which is little: under load it marked
 * the worker's heaps ten times a second, a fifth of the processor time of a step. Heaps of an
 * idle worker stay as they are.
 */
const MARK_FROM_MB = 192;

/**
 * How glibc's allocator, which others do not read this of, gives memory back. By itself it
 * learns from buffers that are freed to keep ever larger ones for itself, in an area for each
 * thread: of what an ingestion worker held after a load, two thirds was free. Buffers of
 * 128 KB and more, its own first choice, are from the system and go back there; those of
 * the hot path are pooled, so that this costs no measurable time of an ingested step.
 */
const ALLOCATOR_SETTINGS: Environment = {
  MALLOC_ARENA_MAX: '2',
  MALLOC_MMAP_THRESHOLD_: '131072',
  MALLOC_TRIM_THRESHOLD_: '131072',
};

function nodeArgumentsFor(part: ProductPart, options: ProductOptions, webPort: number): string[] {
  const { root, isDevelopment } = options;
  const preload = ['--import', join(root, 'workers/launcher/exit-with-parent.mjs')];
  if (part === 'web') {
    const next = join(root, 'node_modules/next/dist/bin/next');
    const command = isDevelopment ? 'dev' : 'start';
    return [...preload, next, command, '-H', '127.0.0.1', '-p', String(webPort)];
  }
  if (!isDevelopment) {
    const bundle = join(root, '.build/workers', part, 'server.mjs');
    const heap = part === 'ingest' ? [`--initial-old-space-size=${MARK_FROM_MB}`] : [];
    return [...preload, ...heap, '--enable-source-maps', bundle];
  }
  const source = join(root, 'workers', part, 'server.ts');
  return [...preload, join(root, 'node_modules/tsx/dist/cli.mjs'), 'watch', source];
}

/** The three processes of the product, in the order in which data passes them. */
export function describeProcesses(
  addresses: ProductAddresses,
  options: ProductOptions,
): Record<ProductPart, ProcessDescription> {
  const shared: NodeJS.ProcessEnv = {
    ...ALLOCATOR_SETTINGS,
    ...options.environment,
    NODE_ENV: options.isDevelopment ? 'development' : 'production',
    HOST: addresses.host,
    PORT: String(addresses.port),
  };
  const withDatabase = { ...shared, DATABASE_URL: addresses.databaseUrl };
  const environments: Record<ProductPart, NodeJS.ProcessEnv> = {
    ingest: { ...withDatabase, INGEST_PORT: String(addresses.ingestPort) },
    // Pages read through the API alone, which is where access is checked: no database for Next.
    web: { ...shared, DATABASE_URL: undefined, NEXT_TELEMETRY_DISABLED: '1' },
    api: {
      ...withDatabase,
      INGEST_URL: `http://127.0.0.1:${addresses.ingestPort}`,
      WEB_URL: `http://127.0.0.1:${addresses.webPort}`,
    },
  };
  const describe = (part: ProductPart): ProcessDescription => ({
    name: part,
    nodeArguments: nodeArgumentsFor(part, options, addresses.webPort),
    cwd: options.root,
    environment: environments[part],
  });
  return { ingest: describe('ingest'), web: describe('web'), api: describe('api') };
}
