import { createServer } from 'node:net';

/**
 * Below the range from which systems take the ports of outgoing connections (32768 on
 * Linux, 49152 elsewhere): no connection can take a worker's port while it is restarted.
 */
const LOWEST_PORT = 20_000;
const HIGHEST_PORT = 32_000;
const TRIES = 200;

/** Why nothing can listen there, as the system's code (`EADDRINUSE`), or null where it can. */
export function findListenFault(port: number, host: string): Promise<string | null> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    server.listen({ port, host, exclusive: true }, () => server.close(() => resolve(null)));
  });
}

/** A port on 127.0.0.1 that is free now and not among `taken`. */
export async function findLoopbackPort(taken: readonly number[] = []): Promise<number> {
  for (let attempt = 0; attempt < TRIES; attempt += 1) {
    const port = LOWEST_PORT + Math.floor(Math.random() * (HIGHEST_PORT - LOWEST_PORT));
    if (taken.includes(port)) continue;
    if ((await findListenFault(port, '127.0.0.1')) === null) return port;
  }
  throw new Error(`no free port between ${LOWEST_PORT} and ${HIGHEST_PORT} in ${TRIES} tries`);
}
