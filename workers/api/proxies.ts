import { Agent, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { createProxyServer } from 'httpxy';
import type { Logger } from 'pino';
import { AppError } from '../../lib/contract/app-error';
import { errorReply, send } from '../http/reply';

export interface Proxy {
  /** Passes a request on; an upstream that is away answers 503 with Retry-After. */
  pass(request: IncomingMessage, response: ServerResponse): Promise<void>;
  /** Passes a WebSocket upgrade on. */
  upgrade(request: IncomingMessage, socket: Socket, head: Buffer): Promise<void>;
  close(): void;
}

/** Below the upstreams' keep-alive of 65 s, so that we never write into a connection they close. */
const IDLE_SOCKET_MS = 30_000;
/** A restarted child listens again within this. */
const RETRY_AFTER_SECONDS = 1;

export function createProxy(target: string, name: string, logger: Logger): Proxy {
  const agent = new Agent({ keepAlive: true, maxFreeSockets: 64, timeout: IDLE_SOCKET_MS });
  // Host stays as the browser wrote it: the upstream checks it and builds URLs from it.
  const options = { target, agent, xfwd: true, changeOrigin: false };
  const proxy = createProxyServer(options);
  proxy.on('error', (error, request, response) => {
    logger.warn({ err: error, upstream: name, url: request?.url }, 'upstream did not answer');
    if (request === undefined || response === undefined) return;
    if (isServerResponse(response)) {
      send(
        request,
        response,
        errorReply(
          new AppError('unavailable', `the ${name} does not answer; it is being restarted`, {
            retryAfterSeconds: RETRY_AFTER_SECONDS,
          }),
        ),
      );
      if (!response.writableEnded) response.destroy();
    } else response.destroy();
  });
  return {
    async pass(request, response) {
      try {
        await proxy.web(request, response, options);
      } catch {
        // Answered and logged by the error listener.
      }
    },
    async upgrade(request, socket, head) {
      try {
        await proxy.ws(request, socket, { target }, head);
      } catch {
        socket.destroy();
      }
    },
    close() {
      agent.destroy();
    },
  };
}

function isServerResponse(value: ServerResponse | Socket): value is ServerResponse {
  return 'writeHead' in value;
}
