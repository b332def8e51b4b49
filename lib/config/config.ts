import { z } from 'zod';
import { isLoopback } from '../contract/loopback';

/** The environment, parsed once by a `server.ts`; nothing else reads `process.env`. */

const port = z.coerce.number().pipe(z.int().min(1).max(65_535));
const flag = z
  .enum(['', '0', '1', 'true', 'false', 'yes', 'no'])
  .transform((text) => text === '1' || text === 'true' || text === 'yes');
const logLevel = z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']);
const statisticsBackend = z.enum(['auto', 'tensorflow', 'webgpu', 'cpu']);
const list = z.string().transform((text) =>
  text
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item.length > 0),
);

/** As a browser names a page's origin: scheme, host and port, nothing behind. */
const origins = list.pipe(
  z.array(
    z
      .string()
      .regex(
        /^https?:\/\/(\*\.)?[A-Za-z0-9.-]+(:\d{1,5})?$/,
        'expected origins such as https://wiki.example.org, comma-separated',
      ),
  ),
);

const commonSchema = z.object({
  DATABASE_URL: z.string().min(1, 'expected a PostgreSQL URL'),
  HOST: z.string().default('127.0.0.1'),
  PORT: port.default(3000),
  SPIKESCOPE_REQUIRE_TOKENS: flag.default(false),
  /** Hosts under which the product is reached besides the one it is bound to; `host` or `host:port`. */
  SPIKESCOPE_ALLOWED_HOSTS: list.default([]),
  LOG_LEVEL: logLevel.default('info'),
});

const apiSchema = commonSchema.extend({
  INGEST_URL: z.url(),
  WEB_URL: z.url(),
  /** Origins whose pages may show ours within a frame. */
  SPIKESCOPE_EMBED_ORIGINS: origins.default([]),
});
const ingestSchema = commonSchema.extend({
  INGEST_PORT: port,
  /** What computes statistics of raw samples; auto is the first that works, the single pass last. */
  STATISTICS_BACKEND: statisticsBackend.default('auto'),
});

export interface CommonConfig {
  readonly databaseUrl: string;
  readonly host: string;
  readonly port: number;
  readonly requireTokens: boolean;
  readonly allowedHosts: readonly string[];
  readonly logLevel: z.infer<typeof logLevel>;
}
export interface ApiConfig extends CommonConfig {
  readonly ingestUrl: string;
  readonly webUrl: string;
  readonly embedOrigins: readonly string[];
}
export interface IngestConfig extends CommonConfig {
  readonly ingestPort: number;
  readonly statisticsBackend: z.infer<typeof statisticsBackend>;
}

export type Environment = Readonly<Record<string, string | undefined>>;

/** A setting that cannot stand; its message is meant for the person who starts the product. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

function parse<T extends z.ZodType>(schema: T, environment: Environment): z.output<T> {
  const result = schema.safeParse(environment);
  if (result.success) return result.data;
  const faults = result.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`);
  throw new ConfigError(`These settings cannot stand: ${faults.join('; ')}`);
}

function toCommonConfig(settings: z.infer<typeof commonSchema>): CommonConfig {
  const { HOST: host, SPIKESCOPE_REQUIRE_TOKENS: requireTokens } = settings;
  checkExposure(host, requireTokens);
  return {
    databaseUrl: settings.DATABASE_URL,
    host,
    port: settings.PORT,
    requireTokens,
    allowedHosts: settings.SPIKESCOPE_ALLOWED_HOSTS,
    logLevel: settings.LOG_LEVEL,
  };
}

/**
 * Without tokens everybody who reaches the port reads and writes every run, so only
 * this machine may reach it.
 *
 * Throws  ConfigError
 */
export function checkExposure(host: string, requireTokens: boolean): void {
  if (isLoopback(host) || requireTokens) return;
  throw new ConfigError(
    `HOST=${host} would serve every run to everybody who reaches this machine. ` +
      'Set SPIKESCOPE_REQUIRE_TOKENS=true and create tokens with "npm run token", or leave HOST at 127.0.0.1.',
  );
}

/** Settings of the front door. Throws ConfigError. */
export function parseApiConfig(environment: Environment): ApiConfig {
  const settings = parse(apiSchema, environment);
  return {
    ...toCommonConfig(settings),
    ingestUrl: settings.INGEST_URL,
    webUrl: settings.WEB_URL,
    embedOrigins: settings.SPIKESCOPE_EMBED_ORIGINS,
  };
}

/** Settings of the ingestion worker. Throws ConfigError. */
export function parseIngestConfig(environment: Environment): IngestConfig {
  const settings = parse(ingestSchema, environment);
  return {
    ...toCommonConfig(settings),
    ingestPort: settings.INGEST_PORT,
    statisticsBackend: settings.STATISTICS_BACKEND,
  };
}
