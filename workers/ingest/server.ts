/** Starts the ingestion worker: settings in, an open port out; SIGTERM drains and ends it. */
import pino from 'pino';
import { ConfigError, type IngestConfig, parseIngestConfig } from '../../lib/config/config';
import { openDatabase } from '../../lib/store/database';
import { createFrameWriter } from '../../lib/store/writing/frame-writer';
import { finishDeletions } from '../../lib/store/runs/runs';
import { createStatisticsClient } from '../accelerator/statistics-client';
import { createAlertsClient } from '../alerts/alerts-client';
import { createMessageSender } from '../alerts/deliver/message-sender';
import { createCompactionClient } from '../compaction/compaction-client';
import { onShutdown } from '../http/shutdown';
import { createIngestServer } from './ingest-server';
import { restBehind } from './rest-behind';

/** What may wait for a commit before posts are answered 429: a second of the highest load measured. */
const MAX_QUEUED_BYTES = 256 * 1024 * 1024;

async function start(config: IngestConfig): Promise<void> {
  const logger = pino({
    name: 'ingest',
    level: config.logLevel,
    timestamp: pino.stdTimeFunctions.isoTime,
    // The store logs what failed as `error`; without this its message and stack are lost.
    serializers: { error: pino.stdSerializers.err },
  });
  const db = openDatabase({ url: config.databaseUrl, maxConnections: 8, logger });
  const compaction = createCompactionClient({ databaseUrl: config.databaseUrl, logger });
  const writer = createFrameWriter({
    url: config.databaseUrl,
    logger,
    maxQueuedBytes: MAX_QUEUED_BYTES,
    rest: restBehind(() => compaction.status().waitingBytes),
  });
  const statistics = createStatisticsClient({ choice: config.statisticsBackend, logger });
  const alerts = createAlertsClient({
    databaseUrl: config.databaseUrl,
    settings: config.alerts,
    logger,
  });
  const now = () => new Date();
  const ingest = createIngestServer({
    db,
    writer,
    statistics,
    compaction,
    alerts,
    logger,
    now,
    sender: createMessageSender({ settings: config.alerts, now }),
    requireTokens: config.requireTokens,
    hosts: { host: config.host, allowedHosts: config.allowedHosts },
  });
  onShutdown(logger, async () => {
    ingest.startDraining();
    await ingest.close();
    await statistics.close();
    await writer.close();
    await compaction.close();
    await alerts.close();
    await db.close();
  });
  const finished = await finishDeletions(db);
  if (finished > 0) logger.info({ runs: finished }, 'finished deletions that were interrupted');
  ingest.server.listen(config.ingestPort, '127.0.0.1', () => {
    logger.info({ port: config.ingestPort }, 'listening');
  });
  ingest.catchUp().catch((error: unknown) => {
    logger.error({ error }, 'earlier steps are looked at when their runs post again');
  });
}

try {
  await start(parseIngestConfig(process.env));
} catch (error) {
  if (!(error instanceof ConfigError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 78;
}
