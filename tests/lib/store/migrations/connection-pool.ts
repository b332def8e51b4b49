/**
 * A pool in front of PostgreSQL as PgBouncer is one: it signs in by itself, says a process id
 * of its own, and lends its connections for a session or for a transaction at a time. The last
 * one given back is the first to be lent again; who finds none waits.
 */
import { createServer, type AddressInfo, Socket } from 'node:net';
import pg from 'pg';

export interface ConnectionPool {
  readonly url: string;
  close(): Promise<void>;
}

const OWN_PID = 7_000_001;
const TERMINATE = 'X'.charCodeAt(0);
const READY = 'Z'.charCodeAt(0);
const IDLE = 'I'.charCodeAt(0);

export async function startConnectionPool(
  targetUrl: string,
  { mode, size }: { readonly mode: 'session' | 'transaction'; readonly size: number },
): Promise<ConnectionPool> {
  const members = await Promise.all(
    Array.from({ length: size }, () => openServerSocket(targetUrl)),
  );
  const free = [...members];
  const waiting: ((member: Socket) => void)[] = [];
  const clients = new Set<Socket>();
  const giveBack = (member: Socket): void => {
    const next = waiting.shift();
    if (next === undefined) free.push(member);
    else next(member);
  };

  const server = createServer((client) => {
    clients.add(client);
    client.on('error', () => undefined);
    let lent: Socket | null = null;
    let isWaiting = false;
    let hasStarted = false;
    let unsent: Buffer[] = [];
    let received = Buffer.alloc(0);
    const release = (): void => {
      const member = lent;
      lent = null;
      member?.removeAllListeners('data');
      if (member !== null) giveBack(member);
    };
    const take = (member: Socket): void => {
      isWaiting = false;
      if (client.destroyed) {
        giveBack(member);
        return;
      }
      lent = member;
      let answer = Buffer.alloc(0);
      member.on('data', (chunk) => {
        client.write(chunk);
        answer = Buffer.concat([answer, chunk]);
        let isOver = false;
        while (answer.length >= 5 && answer.length > answer.readInt32BE(1)) {
          const end = answer.readInt32BE(1) + 1;
          isOver = answer[0] === READY && answer[5] === IDLE;
          answer = answer.subarray(end);
        }
        if (isOver && answer.length === 0 && mode === 'transaction') release();
      });
      for (const message of unsent.splice(0)) member.write(message);
    };
    client.on('data', (chunk) => {
      received = Buffer.concat([received, chunk]);
      for (;;) {
        // What opens a connection has no letter before its length.
        const lengthAt = hasStarted ? 1 : 0;
        if (received.length < lengthAt + 4) return;
        const end = received.readInt32BE(lengthAt) + lengthAt;
        if (received.length < end) return;
        const message = received.subarray(0, end);
        received = received.subarray(end);
        if (!hasStarted) {
          hasStarted = true;
          client.write(GREETING);
        } else if (message[0] === TERMINATE) client.end();
        else if (lent !== null) lent.write(message);
        else {
          unsent.push(message);
          if (isWaiting) continue;
          isWaiting = true;
          const member = free.pop();
          if (member === undefined) waiting.push(take);
          else take(member);
        }
      }
    });
    client.on('close', () => {
      clients.delete(client);
      unsent = [];
      release();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = new URL(targetUrl);
  url.port = String((server.address() as AddressInfo).port);
  return {
    url: url.href,
    async close() {
      for (const socket of [...clients, ...members]) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** A connection that has signed in, as bare bytes. */
async function openServerSocket(url: string): Promise<Socket> {
  const socket = new Socket();
  const client = new pg.Client({ connectionString: url, stream: () => socket });
  await client.connect();
  // The driver has done its part; from here on nobody but us listens.
  socket.removeAllListeners();
  socket.on('error', () => undefined);
  return socket;
}

function message(letter: string, ...parts: readonly (number | string)[]): Buffer {
  const body = Buffer.concat(
    parts.map((part) => {
      if (typeof part === 'string') return Buffer.from(`${part}\0`);
      const bytes = Buffer.alloc(4);
      bytes.writeInt32BE(part);
      return bytes;
    }),
  );
  const head = Buffer.alloc(5, letter);
  head.writeInt32BE(body.length + 4, 1);
  return Buffer.concat([head, body]);
}

const GREETING = Buffer.concat([
  message('R', 0),
  message('S', 'server_version', '18.0'),
  message('S', 'client_encoding', 'UTF8'),
  message('K', OWN_PID, 1),
  Buffer.concat([Buffer.from('Z'), Buffer.from([0, 0, 0, 5, IDLE])]),
]);
