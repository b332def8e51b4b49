import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { afterEach, describe, expect, inject, it } from 'vitest';
import { findLoopbackPort } from '@/workers/launcher/loopback-port';
import { waitForDatabase } from '@/workers/launcher/wait-for-database';

const LONG_MS = 600_000;
const closing: (() => void)[] = [];

afterEach(() => closing.splice(0).forEach((close) => close()));

/** Passes on what arrives at `port` to the tests' server. */
async function openWay(port: number): Promise<void> {
  const { hostname, port: serverPort } = new URL(inject('databaseServerUrl'));
  const way = createServer((socket) => {
    const server = connect(Number(serverPort), hostname);
    socket.on('error', () => server.destroy());
    server.on('error', () => socket.destroy());
    socket.pipe(server).pipe(socket);
  });
  closing.push(() => way.close());
  way.listen(port, '127.0.0.1');
  await once(way, 'listening');
}

describe('waitForDatabase', () => {
  it('says once why it waits, and goes on when the server has come up', async () => {
    const port = await findLoopbackPort();
    const url = new URL(inject('databaseServerUrl'));
    url.port = String(port);
    const waits: string[] = [];
    let way: Promise<void> = Promise.resolve();
    await waitForDatabase(url.href, {
      patienceMs: LONG_MS,
      onWait: (why) => {
        waits.push(why);
        way = openWay(port);
      },
    });
    await way;
    expect(waits).toHaveLength(1);
    expect(waits[0]).toContain('ECONNREFUSED');
    expect(waits[0]).toContain('Does the server run');
  });

  it.each([
    ['a wrong password', (url: URL) => (url.password = 'wrong'), 'Are user and password right?'],
    ['a database that is not there', (url: URL) => (url.pathname = 'nosuch'), 'createdb'],
    ['a file that is not there', (url: URL) => (url.search = 'sslrootcert=/no/ca'), '/no/ca'],
    ['a server without TLS', (url: URL) => (url.search = 'sslmode=verify-full'), 'Leave sslmode'],
  ])('does not wait for %s', async (_what, change, words) => {
    const url = new URL(inject('databaseServerUrl'));
    change(url);
    await expect(waitForDatabase(url.href, { patienceMs: LONG_MS })).rejects.toThrow(words);
  });

  it('leaves off when it is told to', async () => {
    const stop = new AbortController();
    await waitForDatabase(`postgres://ana@127.0.0.1:${await findLoopbackPort()}/x`, {
      patienceMs: LONG_MS,
      signal: stop.signal,
      onWait: () => stop.abort(),
    });
    expect(stop.signal.aborted).toBe(true);
  });
});
