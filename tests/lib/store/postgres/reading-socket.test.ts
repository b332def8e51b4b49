import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { openDatabase } from '@/lib/store/database';
import { openReadingSocket, takeBytes } from '@/lib/store/postgres/reading-socket';

const servers: Server[] = [];

afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

async function serve(onConnection: (socket: Socket) => void): Promise<number> {
  const server = createServer(onConnection);
  servers.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

/** Longer than what is read at once, so that the memory is written over again and again. */
const SENT = Buffer.from(Uint8Array.from({ length: 3_000_000 }, (_, index) => index % 251));

describe('a reading socket', () => {
  it('gives listeners bytes that stay as they are', async () => {
    const port = await serve((socket) => socket.end(SENT));
    const socket = openReadingSocket();
    const kept: Buffer[] = [];
    socket.on('data', (bytes: Buffer) => kept.push(bytes));
    socket.connect(port, '127.0.0.1');
    await once(socket, 'close');
    expect(kept.length).toBeGreaterThan(1);
    expect(Buffer.concat(kept).equals(SENT)).toBe(true);
  });

  it('gives all bytes to whoever takes them, in their order, and none to the listeners before', async () => {
    const port = await serve((socket) => socket.end(SENT));
    const socket = openReadingSocket();
    const heard: Buffer[] = [];
    socket.on('data', (bytes: Buffer) => heard.push(bytes));
    const taken: Buffer[] = [];
    const memory = new Set<ArrayBufferLike>();
    const passOn = takeBytes(socket, (bytes) => {
      taken.push(Buffer.from(bytes));
      memory.add(bytes.buffer);
    });
    socket.connect(port, '127.0.0.1');
    await once(socket, 'close');
    expect(Buffer.concat(taken).equals(SENT)).toBe(true);
    expect(memory.size).toBe(1);
    expect(heard).toEqual([]);
    passOn(Buffer.from('for them'));
    expect(heard.map(String)).toEqual(['for them']);
  });

  it('says that the other side has ended', async () => {
    const port = await serve((socket) => socket.end('bye'));
    const socket = openReadingSocket();
    takeBytes(socket, () => undefined);
    const ended = once(socket, 'end');
    socket.connect(port, '127.0.0.1');
    await ended;
    await once(socket, 'close');
  });
});

describe('a database behind TLS', () => {
  it('is spoken to by TLS once it has agreed', async () => {
    let firstByte = 0;
    const port = await serve((socket) => {
      socket.on('error', () => undefined);
      // SSLRequest, answered by "yes"; then a ClientHello, answered by a fatal alert.
      socket.once('data', () => {
        socket.write('S');
        socket.once('data', (bytes) => {
          firstByte = bytes[0] ?? 0;
          socket.end(Buffer.from([0x15, 3, 3, 0, 2, 2, 40]));
        });
      });
    });
    const db = openDatabase({
      url: `postgresql://nobody:nothing@127.0.0.1:${port}/none?sslmode=no-verify`,
      maxConnections: 1,
    });
    await expect(db.ping()).rejects.toThrow(/handshake failure/);
    expect(firstByte).toBe(0x16);
    await db.close();
  });
});
