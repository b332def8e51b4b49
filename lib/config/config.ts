import { z } from 'zod';
import { isLoopback } from '../contract/loopback';
import { databaseUrlSchema } from './database-url';

/** The environment, parsed once by a `server.ts`; nothing else reads `process.env`. */

const PORT_EXPECTED = 'expected a number from 1 to 65535';
const port = z.coerce
  .number(PORT_EXPECTED)
  .pipe(z.int(PORT_EXPECTED).min(1, PORT_EXPECTED).max(65_535, PORT_EXPECTED));
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

/** `host`, `host:port`, `[v6]` or `[v6]:port`: the operator's word that requests may go there. */
const hosts = list.pipe(
  z.array(
    z
      .string()
      .regex(
        /^(\[[0-9A-Fa-f:.]+\]|[^:/@\s[\]]+)(:\d{1,5})?$/,
        'expected host or host:port, comma-separated, such as hooks.example.org:8443',
      ),
  ),
);

const smtpUrl = z
  .url({ protocol: /^smtps?$/, error: 'expected smtp://user:password@host:port or smtps://…' })
  .or(z.literal(''));
const webUrl = z
  .url({ protocol: /^https?$/, error: 'expected an http or https URL' })
  .or(z.literal(''));

const commonSchema = z.object({
  DATABASE_URL: databaseUrlSchema,
  HOST: z.string().default('127.0.0.1'),
  PORT: port.default(3000),
  SPIKESCOPE_REQUIRE_TOKENS: flag.default(false),
  /** Hosts under which the product is reached besides the one it is bound to; `host` or `host:port`. */
  SPIKESCOPE_ALLOWED_HOSTS: list.default([]),
  LOG_LEVEL: logLevel.default('info'),
  /** The operator's own mail server, `smtp://` or `smtps://`; without one no channel is an e-mail. */
  SPIKESCOPE_SMTP_URL: smtpUrl.default(''),
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
  /** Where people reach the product, for links in messages; without it, where it is bound. */
  SPIKESCOPE_PUBLIC_URL: webUrl.default(''),
  SPIKESCOPE_MAIL_FROM: z.email('expected an address such as spikes@example.org').optional(),
  /** Hosts that messages may be sent to although their addresses are private. */
  SPIKESCOPE_ALERT_ALLOWED_HOSTS: hosts.default([]),
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
  readonly canSendEmail: boolean;
}
export interface IngestConfig extends CommonConfig {
  readonly ingestPort: number;
  readonly statisticsBackend: z.infer<typeof statisticsBackend>;
  readonly alerts: AlertConfig;
}
/** How messages of incidents leave; plain, since it goes to a thread. */
export interface AlertConfig {
  /** Without a slash at its end. */
  readonly publicUrl: string;
  readonly allowedHosts: readonly string[];
  /** null: no mail server is set up. */
  readonly mail: { readonly smtpUrl: string; readonly from: string } | null;
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
function checkExposure(host: string, requireTokens: boolean): void {
  if (isLoopback(host) || requireTokens) return;
  throw new ConfigError(
    `HOST=${host} would serve every run to everybody who reaches this machine. ` +
      'Set SPIKESCOPE_REQUIRE_TOKENS=true and create tokens with "npm run token", or leave HOST at 127.0.0.1.',
  );
}

/** A database of one's own; null where none is named. Throws ConfigError. */
export function readDatabaseUrl(environment: Environment): string | null {
  // An empty variable is one that is not set, as files of variables write it.
  const { DATABASE_URL: url } = environment;
  if (url === undefined || url === '') return null;
  return parse(commonSchema.pick({ DATABASE_URL: true }), { DATABASE_URL: url }).DATABASE_URL;
}

/** Settings of the front door. Throws ConfigError. */
export function parseApiConfig(environment: Environment): ApiConfig {
  const settings = parse(apiSchema, environment);
  return {
    ...toCommonConfig(settings),
    ingestUrl: settings.INGEST_URL,
    webUrl: settings.WEB_URL,
    embedOrigins: settings.SPIKESCOPE_EMBED_ORIGINS,
    canSendEmail: settings.SPIKESCOPE_SMTP_URL !== '',
  };
}

/** Settings of the ingestion worker. Throws ConfigError. */
export function parseIngestConfig(environment: Environment): IngestConfig {
  const settings = parse(ingestSchema, environment);
  return {
    ...toCommonConfig(settings),
    ingestPort: settings.INGEST_PORT,
    statisticsBackend: settings.STATISTICS_BACKEND,
    alerts: toAlertConfig(settings),
  };
}

function toAlertConfig(settings: z.infer<typeof ingestSchema>): AlertConfig {
  const { SPIKESCOPE_SMTP_URL: smtpUrl, SPIKESCOPE_MAIL_FROM: from } = settings;
  if (smtpUrl !== '' && from === undefined) {
    throw new ConfigError(
      'SPIKESCOPE_SMTP_URL is set, so SPIKESCOPE_MAIL_FROM must say whom mail comes from: ' +
        'an address such as spikes@example.org that the mail server lets through.',
    );
  }
  const publicUrl = settings.SPIKESCOPE_PUBLIC_URL || boundUrl(settings.HOST, settings.PORT);
  return {
    publicUrl: publicUrl.replace(/\/+$/, ''),
    allowedHosts: settings.SPIKESCOPE_ALERT_ALLOWED_HOSTS,
    mail: smtpUrl === '' || from === undefined ? null : { smtpUrl, from },
  };
}

/** An address that means all of this machine's is none to follow a link to. */
function boundUrl(host: string, boundPort: number): string {
  const isAny = host === '0.0.0.0' || host === '::' || host === '[::]';
  const name = isAny ? 'localhost' : host;
  return `http://${name.includes(':') && !name.startsWith('[') ? `[${name}]` : name}:${boundPort}`;
}
