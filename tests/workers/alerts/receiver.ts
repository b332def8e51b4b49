import {
  type IncomingHttpHeaders,
  type RequestListener,
  type Server,
  createServer,
} from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { readFileSync } from 'node:fs';
import { type AddressInfo, type Socket } from 'node:net';

export interface Received {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** What a receiver answers with; null: nothing, ever. */
export type Answer = {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
} | null;

/** A real HTTP server on this machine that keeps what it is sent. */
export interface Receiver {
  readonly port: number;
  readonly url: string;
  readonly received: readonly Received[];
  /** Connections that were ever made. */
  readonly connections: () => number;
  /** Resolves once so many have come. */
  readonly waitFor: (count: number) => Promise<readonly Received[]>;
  readonly close: () => Promise<void>;
}

const fixture = (name: string) =>
  readFileSync(new URL(`../../fixtures/tls/${name}`, import.meta.url), 'utf8');
export const CERTIFICATE = fixture('hooks.test.crt.pem');
export const CERTIFICATE_KEY = fixture('hooks.test.key.pem');

const OK: Answer = { status: 200 };

export async function startReceiver(
  answer: (received: Received, index: number) => Answer | Promise<Answer> = () => OK,
  { isTls = false }: { isTls?: boolean } = {},
): Promise<Receiver> {
  const received: Received[] = [];
  const sockets = new Set<Socket>();
  let connections = 0;
  let waiting: { count: number; resolve: () => void }[] = [];
  const listener: RequestListener = (request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { url = '', headers } = request;
      const one = { path: url, headers, body: Buffer.concat(chunks).toString() };
      received.push(one);
      for (const { count, resolve } of waiting) if (received.length >= count) resolve();
      waiting = waiting.filter(({ count }) => received.length < count);
      void Promise.resolve(answer(one, received.length - 1)).then((reply) => {
        if (reply === null) return;
        response.writeHead(reply.status, reply.headers).end(reply.body ?? '');
      });
    });
  };
  const server: Server = isTls
    ? createTlsServer({ cert: CERTIFICATE, key: CERTIFICATE_KEY }, listener)
    : createServer(listener);
  server.on('connection', (socket: Socket) => {
    connections++;
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    port,
    url: `${isTls ? 'https' : 'http'}://127.0.0.1:${port}`,
    received,
    connections: () => connections,
    waitFor: async (count) => {
      if (received.length < count) {
        await new Promise<void>((resolve) => waiting.push({ count, resolve }));
      }
      return received;
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
