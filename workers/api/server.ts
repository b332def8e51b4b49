/** Starts the front door: settings in, the one public port out; SIGTERM drains and ends it. */
import pino from 'pino';
import packageJson from '../../package.json' with { type: 'json' };
import { type ApiConfig, ConfigError, parseApiConfig } from '../../lib/config/config';
import { openDatabase } from '../../lib/store/database';
import { onShutdown } from '../http/shutdown';
import { createFrontDoor } from './front-door';

async function start(config: ApiConfig): Promise<void> {
  const logger = pino({
    name: 'api',
    level: config.logLevel,
    timestamp: pino.stdTimeFunctions.isoTime,
    // The store logs what failed as `error`; without this its message and stack are lost.
    serializers: { error: pino.stdSerializers.err },
  });
  const db = openDatabase({ url: config.databaseUrl, maxConnections: 8, logger });
  const frontDoor = createFrontDoor({
    db,
    logger,
    version: packageJson.version,
    requireTokens: config.requireTokens,
    hosts: { host: config.host, allowedHosts: config.allowedHosts },
    embedOrigins: config.embedOrigins,
    canSendEmail: config.canSendEmail,
    ingestUrl: config.ingestUrl,
    webUrl: config.webUrl,
  });
  onShutdown(logger, async () => {
    frontDoor.startDraining();
    await frontDoor.close();
    await db.close();
  });
  await new Promise<void>((resolve, reject) => {
    frontDoor.server.once('error', reject);
    frontDoor.server.listen(config.port, config.host, resolve);
  });
  logger.info({ host: config.host, port: config.port }, 'listening');
}

try {
  await start(parseApiConfig(process.env));
} catch (error) {
  if (!(error instanceof ConfigError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 78;
}
