import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Logger } from 'pino';
import { AppError, toErrorReply } from '../../lib/contract/app-error';

/** What a handler answers with. */
export interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array;
}

const JSON_TYPE = 'application/json; charset=utf-8';

export function json(status: number, value: unknown): Reply {
  return { status, headers: { 'Content-Type': JSON_TYPE }, body: JSON.stringify(value) };
}

export function ok(value: unknown): Reply {
  return json(200, value);
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
  if (error.retryAfterSeconds === null) return reply;
  return { ...reply, headers: { ...reply.headers, 'Retry-After': `${error.retryAfterSeconds}` } };
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

/** Writes a reply. Nothing of the API may be cached: the next frame changes it. */
export function send(request: IncomingMessage, response: ServerResponse, reply: Reply): void {
  if (response.headersSent || response.destroyed) return;
  const body = typeof reply.body === 'string' ? Buffer.from(reply.body) : reply.body;
  response.writeHead(reply.status, {
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
    ...reply.headers,
    'Content-Length': `${body.byteLength}`,
  });
  response.end(request.method === 'HEAD' ? undefined : body);
}
