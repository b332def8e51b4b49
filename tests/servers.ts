import { type Server, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import pino from 'pino';
import { type Database, openDatabase } from '@/lib/store/database';
import { type FrameWriter, createFrameWriter } from '@/lib/store/writing/frame-writer';
import { createFrontDoor } from '@/workers/api/front-door';
import {
  type StatisticsClient,
  createStatisticsClient,
} from '@/workers/accelerator/statistics-client';
import type { AlertSettings } from '@/workers/alerts/alert-settings';
import {
  type AlertsClient,
  createAlertsClient,
  NO_ALERT_PROGRESS,
} from '@/workers/alerts/alerts-client';
import { createMessageSender } from '@/workers/alerts/deliver/message-sender';
import {
  type CompactionClient,
  NO_PROGRESS,
  createCompactionClient,
} from '@/workers/compaction/compaction-client';
import { createIngestServer } from '@/workers/ingest/ingest-server';
import { type ClonedDatabase, createTestDatabase } from './database';

/**
 * The front door and the ingestion worker on a database of their own, in this process.
 * The pages' upstream is a bare server that says which path it was asked for.
 */
export interface TestServers {
  readonly url: string;
  readonly ingestUrl: string;
  readonly db: Database;
  readonly writer: FrameWriter;
  readonly statistics: StatisticsClient;
  /** Looks at what earlier servers on this database left. */
  readonly catchUp: () => Promise<void>;
  /** Resolves when no batch job runs or waits. */
  readonly jobsSettled: () => Promise<void>;
  readonly api: (path: string, init?: RequestInit) => Promise<Response>;
  /** POST of a JSON value. */
  readonly post: (
    path: string,
    value: unknown,
    headers?: Record<string, string>,
  ) => Promise<ApiResult>;
  readonly get: (path: string, headers?: Record<string, string>) => Promise<ApiResult>;
  readonly stop: () => Promise<void>;
}

export interface ApiResult {
  readonly status: number;
  // A test reads what it expects of a reply; a wrong shape fails it there.
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  readonly body: any;
  readonly headers: Headers;
}

/** Everything stays hot. */
const NO_COMPACTION: Omit<CompactionClient, 'ready' | 'close'> = {
  noteStored: () => undefined,
  noteChanged: () => undefined,
  forget: () => undefined,
  check: () => 'ok',
  status: () => ({ ...NO_PROGRESS, isRunning: false, restarts: 0, stalledMs: 0, downMs: 0 }),
};

/** Rules are saved, and nobody looks at them. */
const NO_ALERTS: Omit<AlertsClient, 'ready' | 'close'> = {
  onIncident: () => undefined,
  noteStored: () => undefined,
  noteSettled: () => undefined,
  noteChanged: () => undefined,
  noteRules: () => undefined,
  noteDeliveries: () => undefined,
  forget: () => undefined,
  check: () => 'ok',
  status: () => ({ ...NO_ALERT_PROGRESS, isRunning: false, restarts: 0, downMs: 0 }),
};

async function listen(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

export async function startServers(
  options: {
    requireTokens?: boolean;
    bodyTimeoutMs?: number;
    maxQueuedBytes?: number;
    maxBodyBytesHeld?: number;
    /** A database of an earlier start; it is left when these stop. */
    database?: ClonedDatabase;
    now?: () => Date;
    /** Moves frames into blocks meanwhile, as the worker does. */
    compacts?: boolean;
    /** How messages leave; without it to public addresses and by no mail server. */
    alerts?: AlertSettings;
    /** Folds alert rules and sends messages meanwhile, as the worker does. */
    foldsAlerts?: boolean;
  } = {},
): Promise<TestServers> {
  const logger = pino({ level: process.env['TEST_LOG_LEVEL'] ?? 'silent' });
  const database = options.database ?? (await createTestDatabase());
  const db = openDatabase({ url: database.url, maxConnections: 4 });
  const writer = createFrameWriter({
    url: database.url,
    logger,
    maxQueuedBytes: options.maxQueuedBytes ?? 64 * 1024 * 1024,
  });
  const statistics = createStatisticsClient({ choice: 'cpu', logger });
  const compaction =
    options.compacts === true
      ? createCompactionClient({ databaseUrl: database.url, logger })
      : null;
  const requireTokens = options.requireTokens ?? false;
  const hosts = { host: '127.0.0.1', allowedHosts: ['spikes.example.org'] };
  const now = options.now ?? (() => new Date());
  const alerts = options.alerts ?? {
    publicUrl: 'http://spikes.example.org',
    allowedHosts: [],
    mail: null,
  };
  const folding =
    options.foldsAlerts === true
      ? createAlertsClient({ databaseUrl: database.url, settings: alerts, logger })
      : null;
  const ingest = createIngestServer({
    db,
    writer,
    statistics,
    compaction: compaction ?? NO_COMPACTION,
    alerts: folding ?? NO_ALERTS,
    logger,
    now,
    sender: createMessageSender({ settings: alerts, now }),
    requireTokens,
    hosts,
    ...(options.bodyTimeoutMs === undefined ? {} : { bodyTimeoutMs: options.bodyTimeoutMs }),
    ...(options.maxBodyBytesHeld === undefined
      ? {}
      : { maxBodyBytesHeld: options.maxBodyBytesHeld }),
  });
  const ingestUrl = await listen(ingest.server);
  const web = createServer((request, response) => {
    response.end(`page ${request.url ?? ''}`);
  });
  const webUrl = await listen(web);
  const frontDoor = createFrontDoor({
    db,
    logger,
    version: '0.0.0',
    requireTokens,
    hosts,
    embedOrigins: [],
    canSendEmail: alerts.mail !== null,
    ingestUrl,
    webUrl,
  });
  const url = await listen(frontDoor.server);

  const api = (path: string, init: RequestInit = {}) =>
    fetch(`${url}${path}`, { redirect: 'manual', ...init });
  const toResult = async (response: Response): Promise<ApiResult> => {
    const text = await response.text();
    const isJson = (response.headers.get('content-type') ?? '').includes('json');
    return {
      status: response.status,
      body: isJson ? (JSON.parse(text) as unknown) : text,
      headers: response.headers,
    };
  };
  return {
    url,
    ingestUrl,
    db,
    writer,
    statistics,
    catchUp: () => ingest.catchUp(),
    jobsSettled: () => ingest.jobsSettled(),
    api,
    async post(path, value, headers = {}) {
      return toResult(
        await api(path, {
          method: 'POST',
          headers: { 'Content-Type': 'application/json', ...headers },
          body: JSON.stringify(value),
        }),
      );
    },
    async get(path, headers = {}) {
      return toResult(await api(path, { headers }));
    },
    async stop() {
      await frontDoor.close();
      await ingest.close();
      await statistics.close();
      await compaction?.close();
      await folding?.close();
      web.closeAllConnections();
      web.close();
      await writer.close();
      await db.close();
      if (options.database === undefined) await database.drop();
    },
  };
}

/** A run of `layerCount` layers, as its POST body. */
export function aRun(id: string, layerCount = 2, overrides: Record<string, unknown> = {}) {
  return {
    id,
    project: 'tests',
    optimizer: { name: 'adamw', beta1: 0.9, beta2: 0.95, epsilon: 1e-8 },
    layers: Array.from({ length: layerCount }, (_, i) => ({
      name: `layer.${i}`,
      parameterCount: 100,
    })),
    ...overrides,
  };
}
