import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** A TCP proxy before PostgreSQL that can lose connections as networks do. */
export interface LossyProxy {
  readonly url: string;
  /** Breaks all connections and refuses new ones. */
  cut(): void;
  restore(): void;
  /** The next COMMIT reaches the server, its answer never comes back. */
  loseNextCommit(): void;
  readonly lostCommits: () => number;
  close(): Promise<void>;
}

export async function startLossyProxy(targetUrl: string): Promise<LossyProxy> {
  const target = new URL(targetUrl);
  const sockets = new Set<Socket>();
  let isCut = false;
  let isArmed = false;
  let lostCommits = 0;
  const server = createServer((client) => {
    if (isCut) {
      client.destroy();
      return;
    }
    const upstream = connect(Number(target.port), target.hostname);
    let isLosing = false;
    sockets.add(client).add(upstream);
    const end = (): void => {
      client.destroy();
      upstream.destroy();
    };
    for (const socket of [client, upstream]) {
      socket.on('error', end);
      socket.on('close', () => {
        sockets.delete(socket);
        end();
      });
    }
    client.on('data', (chunk) => {
      if (isArmed && chunk.includes('COMMIT')) {
        isArmed = false;
        isLosing = true;
      }
      upstream.write(chunk);
    });
    upstream.on('data', (chunk) => {
      // The server has answered, so the transaction is over; the answer is lost.
      if (isLosing) {
        lostCommits++;
        end();
      } else client.write(chunk);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = new URL(targetUrl);
  url.port = String((server.address() as AddressInfo).port);
  return {
    url: url.href,
    cut() {
      isCut = true;
      for (const socket of sockets) socket.destroy();
    },
    restore() {
      isCut = false;
    },
    loseNextCommit() {
      isArmed = true;
    },
    lostCommits: () => lostCommits,
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
