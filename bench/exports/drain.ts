/**
 * Readers of exports, as a process of its own, so that taking their bytes delays nobody who is
 * timed. Takes one order over the IPC channel, asks for each path again whenever its file ends,
 * and answers a second message with what came.
 */
import { type IncomingMessage, request } from 'node:http';
import { once } from 'node:events';

export interface DrainOrder {
  readonly url: string;
  /** One export each, all at once. */
  readonly paths: readonly string[];
}

export interface Drained {
  /** By path, in the order's order. */
  readonly bytes: readonly number[];
  /** Files that came whole. */
  readonly files: number;
  /** Answers 429. */
  readonly refusals: number;
}

process.once('message', (order: DrainOrder) => {
  void drain(order);
});

async function drain({ url, paths }: DrainOrder): Promise<void> {
  const stopped = new AbortController();
  const bytes = paths.map(() => 0);
  let files = 0;
  let refusals = 0;
  const readers = paths.map(async (path, index) => {
    while (!stopped.signal.aborted) {
      try {
        const response = await ask(`${url}${path}`, stopped.signal);
        if (response.statusCode === 429) refusals++;
        else if (response.statusCode !== 200) throw new Error(`${path}: ${response.statusCode}`);
        for await (const chunk of response) bytes[index]! += (chunk as Buffer).length;
        if (response.statusCode === 200) files++;
      } catch (error) {
        if (!stopped.signal.aborted) throw error;
      }
    }
  });
  await once(process, 'message');
  stopped.abort();
  await Promise.all(readers);
  process.send?.({ bytes, files, refusals } satisfies Drained, () => process.disconnect());
}

async function ask(url: string, signal: AbortSignal): Promise<IncomingMessage> {
  const asked = request(url, { signal });
  asked.end();
  const [response] = (await once(asked, 'response')) as [IncomingMessage];
  return response;
}
