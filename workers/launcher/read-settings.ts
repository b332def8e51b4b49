import {
  ConfigError,
  parseApiConfig,
  parseIngestConfig,
  readDatabaseUrl,
  type Environment,
} from '../../lib/config/config';
import { findListenFault, findLoopbackPort } from './loopback-port';
import { toLocalUrl, type ProductAddresses } from './product-processes';
import { findRunningProduct } from './running-product';

/** Stands where a database will be, so that all settings are judged before one is started. */
const PENDING_DATABASE_URL = 'postgres://pending';

export interface LaunchSettings {
  readonly addresses: Omit<ProductAddresses, 'databaseUrl'>;
  readonly requireTokens: boolean;
  /** null: the embedded server. */
  readonly databaseUrl: string | null;
}

/**
 * All that the environment says, judged before anything is started.
 *
 * Throws  ConfigError, with what to do instead
 */
export async function readSettings(
  environment: Environment,
  dataDir: string,
): Promise<LaunchSettings> {
  const ingestPort = await findLoopbackPort();
  const webPort = await findLoopbackPort([ingestPort]);
  const databaseUrl = readDatabaseUrl(environment);
  const complete = {
    ...environment,
    DATABASE_URL: databaseUrl ?? PENDING_DATABASE_URL,
    INGEST_PORT: String(ingestPort),
    INGEST_URL: `http://127.0.0.1:${ingestPort}`,
    WEB_URL: `http://127.0.0.1:${webPort}`,
  };
  const { host, port, requireTokens } = parseApiConfig(complete);
  parseIngestConfig(complete);
  const fault = await findListenFault(port, host);
  if (fault !== null) throw new ConfigError(describeListenFault(fault, host, port, dataDir));
  return { addresses: { host, port, ingestPort, webPort }, requireTokens, databaseUrl };
}

function describeListenFault(fault: string, host: string, port: number, dataDir: string): string {
  const spare = port < 65_535 ? port + 1 : port - 1;
  switch (fault) {
    case 'EADDRINUSE': {
      const running = findRunningProduct(dataDir);
      if (running?.url === toLocalUrl({ host, port })) {
        return (
          `Spikescope runs already: ${running.url} (process ${running.pid}). A second one needs a port and a data ` +
          `folder of its own: PORT=${spare} SPIKESCOPE_DATA_DIR=.data-${spare} npm start`
        );
      }
      return `PORT=${port} is in use on ${host}. Stop what listens there, or choose another: PORT=${spare} npm start`;
    }
    case 'EACCES':
      return `PORT=${port} may not be opened by this user. Choose one above 1023: PORT=3000 npm start`;
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return `HOST=${host} is no address of this machine.`;
    default:
      return `Nothing can listen on HOST=${host} PORT=${port}: ${fault}`;
  }
}

/** Where a database of one's own is, for a message: without user and password. */
export function describeDatabase(url: string): string {
  const { host, pathname, searchParams } = new URL(url);
  return `${host || (searchParams.get('host') ?? 'localhost')}${pathname}`;
}
