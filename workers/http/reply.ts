import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Logger } from 'pino';
import { AppError, toErrorReply } from '../../lib/contract/app-error';

/** What a handler answers with. */
export interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array | ReplyStream;
  /** Called once nobody reads the body any more; not at all where it is not sent. */
  readonly onSent?: () => void;
}

/** A body that is made while it is sent, chunk by chunk, each when the one before is taken. */
export interface ReplyStream {
  readonly chunks: AsyncIterable<Uint8Array>;
  /** Sent after the last chunk, where the headers name them as `Trailer`. */
  readonly trailers: () => Readonly<Record<string, string>>;
}

const JSON_TYPE = 'application/json; charset=utf-8';

export function json(status: number, value: unknown): Reply {
  return { status, headers: { 'Content-Type': JSON_TYPE }, body: JSON.stringify(value) };
}

export function ok(value: unknown): Reply {
  return json(200, value);
}

/** What is JSON already. */
export function jsonBytes(body: Uint8Array): Reply {
  return bytes(JSON_TYPE, body);
}

export function bytes(contentType: string, body: Uint8Array): Reply {
  return { status: 200, headers: { 'Content-Type': contentType }, body };
}

export function text(status: number, contentType: string, body: string): Reply {
  return { status, headers: { 'Content-Type': contentType }, body };
}

/** See Other, the answer to a form: the browser reads the next page with GET. */
export function redirect(location: string, headers: Readonly<Record<string, string>> = {}): Reply {
  return { status: 303, headers: { Location: location, ...headers }, body: '' };
}

export function errorReply(error: AppError): Reply {
  const reply = json(error.status, toErrorReply(error));
  const { retryAfterSeconds, allowedMethods } = error;
  const headers: Record<string, string> = { ...reply.headers };
  if (retryAfterSeconds !== null) headers['Retry-After'] = `${retryAfterSeconds}`;
  if (error.status === 401) headers['WWW-Authenticate'] = 'Bearer';
  if (allowedMethods.length > 0) headers['Allow'] = allowedMethods.join(', ');
  return { ...reply, headers };
}

/** An unknown failure as an answer: expected ones speak, bugs are logged and stay silent. */
export function toReply(error: unknown, logger: Logger, request: IncomingMessage): Reply {
  if (error instanceof AppError) {
    logFailure(error, logger, request);
    return errorReply(error);
  }
  logger.error({ err: error, method: request.method, url: request.url }, 'request crashed');
  return errorReply(new AppError('internal', 'The server failed to answer; its log says why.'));
}

/**
 * An outage is logged by whom it hits first, in a line and with its cause; the requests that
 * are turned away while it lasts may be thousands a second.
 */
function logFailure(error: AppError, logger: Logger, request: IncomingMessage): void {
  if (error.status < 500) return;
  if (error.code !== 'unavailable') {
    logger.error({ err: error, url: request.url }, 'request failed');
  } else if (error.cause !== undefined) {
    const cause = error.cause instanceof Error ? error.cause.message : undefined;
    logger.warn({ url: request.url, cause }, error.message);
  }
}

/** A client that takes nothing for so long has gone, or keeps a place that another waits for. */
const STALLED_MS = 10 * 60_000;

/** Writes a reply. Nothing of the API may be cached: the next frame changes it. */
export function send(
  request: IncomingMessage,
  response: ServerResponse,
  reply: Reply,
  logger?: Logger,
): void {
  if (response.headersSent || response.destroyed) return;
  const headers = {
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
    ...reply.headers,
  };
  if (typeof reply.body !== 'string' && 'chunks' in reply.body) {
    response.writeHead(reply.status, headers);
    void sendStream(request, response, reply.body, logger);
    return;
  }
  const body = typeof reply.body === 'string' ? Buffer.from(reply.body) : reply.body;
  if (reply.onSent !== undefined) response.once('close', reply.onSent);
  response.writeHead(reply.status, { ...headers, 'Content-Length': `${body.byteLength}` });
  response.end(request.method === 'HEAD' ? undefined : body);
}

/** After the headers a failure can only be told by a body that breaks off. */
async function sendStream(
  request: IncomingMessage,
  response: ServerResponse,
  { chunks, trailers }: ReplyStream,
  logger: Logger | undefined,
): Promise<void> {
  async function* body(): AsyncGenerator<Uint8Array> {
    yield* chunks;
    response.addTrailers(trailers());
  }
  response.setTimeout(STALLED_MS);
  try {
    // One chunk ahead: a slow client stops whoever makes them.
    await pipeline(Readable.from(body(), { highWaterMark: 1 }), response);
  } catch (error) {
    if (response.destroyed && isClientGone(error)) return;
    logger?.error({ err: error, url: request.url }, 'a reply broke off');
  }
}

function isClientGone(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ERR_STREAM_PREMATURE_CLOSE';
}
