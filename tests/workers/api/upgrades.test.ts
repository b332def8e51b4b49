import { once } from 'node:events';
import { type Server, createServer } from 'node:http';
import { type AddressInfo, type Socket, connect } from 'node:net';
import type { Duplex } from 'node:stream';
import pino from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Database } from '@/lib/store/database';
import { type FrontDoor, createFrontDoor } from '@/workers/api/front-door';

/** Refused before anything is asked of it. */
const NO_DATABASE = {} as Database;

let frontDoor: FrontDoor;
let port: number;

function aFrontDoor(upstream: string): FrontDoor {
  return createFrontDoor({
    db: NO_DATABASE,
    logger: pino({ level: 'silent' }),
    version: '0',
    requireTokens: false,
    hosts: { host: '127.0.0.1', allowedHosts: [] },
    embedOrigins: [],
    canSendEmail: false,
    ingestUrl: upstream,
    webUrl: upstream,
  });
}

async function listen(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

beforeEach(async () => {
  frontDoor = aFrontDoor('http://127.0.0.1:9');
  port = await listen(frontDoor.server);
});
afterEach(() => frontDoor.close());

/** A client that does not hang up when the server does. */
function ask(port: number, host: string): Socket {
  const client = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  client.write(
    `GET /socket.io/ HTTP/1.1\r\nHost: ${host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`,
  );
  return client;
}

/** Asks for a socket under a foreign name and stays; answers with both ends of the connection. */
async function askForSocket() {
  const upgrade = once(frontDoor.server, 'upgrade') as Promise<[unknown, Duplex]>;
  const client = ask(port, 'foreign.example');
  const [, socket] = await upgrade;
  return { client, socket };
}

describe('a socket that is passed on', () => {
  it('ends with the front door, though neither side hangs up', async () => {
    await frontDoor.close();
    const upstream = createServer().on('upgrade', (_request, socket: Duplex) => {
      socket.on('error', () => undefined);
      socket.write(
        'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n',
      );
    });
    const upstreamPort = await listen(upstream);
    frontDoor = aFrontDoor(`http://127.0.0.1:${upstreamPort}`);
    const port = await listen(frontDoor.server);
    const client = ask(port, `127.0.0.1:${port}`);
    const [chunk] = (await once(client, 'data')) as [Buffer];
    expect(chunk.toString()).toMatch(/^HTTP\/1\.1 101 /);
    const closed = once(client, 'close');
    await frontDoor.close();
    client.end();
    await closed;
    upstream.close();
  });
});

describe('a socket under a foreign name', () => {
  it('is refused, and nothing is held for a client that does not hang up', async () => {
    const { client, socket } = await askForSocket();
    const closed = once(socket, 'close');
    const [chunk] = (await once(client, 'data')) as [Buffer];
    expect(chunk.toString()).toMatch(/^HTTP\/1\.1 403 /);
    await closed;
    client.destroy();
  });

  it('may be cut by its client while it is refused', async () => {
    const { client, socket } = await askForSocket();
    // Without a listener this would be thrown, and end the process.
    expect(() => socket.emit('error', new Error('read ECONNRESET'))).not.toThrow();
    client.destroy();
  });
});
