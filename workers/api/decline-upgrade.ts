import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';

const OF_THE_UPGRADE: ReadonlySet<string> = new Set(['upgrade', 'http2-settings']);

/**
 * Answers a request that asks for another protocol as if it had not asked, which HTTP allows.
 * Clients ask for `h2c` by themselves (Java's, `curl --http2`), and Node hands every such
 * request over as a bare socket: it is given back, without the question, before what follows.
 */
export function declineUpgrade(
  server: Server,
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
): void {
  const { method, url, httpVersion, rawHeaders } = request;
  const lines = [`${method ?? 'GET'} ${url ?? '/'} HTTP/${httpVersion}`];
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] ?? '';
    const value = rawHeaders[index + 1] ?? '';
    if (OF_THE_UPGRADE.has(name.toLowerCase())) continue;
    lines.push(`${name}: ${name.toLowerCase() === 'connection' ? withoutUpgrade(value) : value}`);
  }
  const text = `${lines.join('\r\n')}\r\n\r\n`;
  socket.unshift(Buffer.concat([Buffer.from(text, 'latin1'), head]));
  server.emit('connection', socket);
}

function withoutUpgrade(connection: string): string {
  const rest = connection
    .split(',')
    .map((token) => token.trim())
    .filter((token) => !OF_THE_UPGRADE.has(token.toLowerCase()));
  return rest.length === 0 ? 'keep-alive' : rest.join(', ');
}

/** The end of a connection that asked for a WebSocket where there is none for it. */
export function refuseUpgrade(socket: Duplex, status: '403 Forbidden' | '404 Not Found'): void {
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\n\r\n`, () => socket.destroy());
}
