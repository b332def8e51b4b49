import { once } from 'node:events';
import { type IncomingMessage, type ServerResponse, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { FrameRequest } from '@/lib/contract/frame';
import { decodeSafetensorsFrames } from '@/lib/contract/frames-safetensors';
import { decodePostedSamples } from '@/lib/contract/posted-samples';

export interface Seen {
  readonly method: string;
  readonly path: string;
  readonly authorization: string | undefined;
  readonly body: Buffer;
}

/** What the server does with the n-th request (from 0) to a path; `null`: the usual reply. */
export type Misbehaviour = (
  request: Seen,
  response: ServerResponse,
  index: number,
) => boolean | Promise<boolean>;

/** A server on a port of its own that keeps what it is sent and misbehaves on demand. */
export async function startFakeServer(): Promise<FakeServer> {
  const server = new FakeServer();
  await server.listen();
  return server;
}

export class FakeServer {
  readonly requests: Seen[] = [];
  readonly events: unknown[] = [];
  readonly finishes: unknown[] = [];
  readonly creates: Record<string, unknown>[] = [];
  readonly frameRequests: FrameRequest[] = [];
  readonly sampleRequests: FrameRequest[] = [];
  /** Returns true when it has dealt with the request itself. */
  misbehave: Misbehaviour = () => false;
  /** What detectors find in the next post of frames. */
  found: Record<string, unknown>[] = [];
  /** What a training loop is advised; null: a server that knows no such path. */
  advised: Record<string, unknown>[] | null = null;
  private readonly stored = new Set<string>();
  private attempt = 1;
  private isGone = false;
  private listeners: (() => void)[] = [];
  private readonly server = createServer((request, response) => {
    void this.handle(request, response);
  });

  async listen(): Promise<void> {
    this.server.listen(0, '127.0.0.1');
    await once(this.server, 'listening');
    this.server.on('connection', (connection) => {
      if (this.isGone) connection.destroy();
    });
  }

  /** Ends every connection. It keeps its port, which another process may be given otherwise. */
  set isAway(isAway: boolean) {
    this.isGone = isAway;
    if (isAway) this.server.closeAllConnections();
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  get steps(): number[] {
    return this.frameRequests.flatMap(({ frames }) => frames.map(({ step }) => step));
  }

  /** Resolves once `condition` holds; it is looked at after each request. */
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise<void>((resolve) => this.listeners.push(resolve));
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    this.server.close();
    if (this.server.listening) await once(this.server, 'close');
  }

  private async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const seen: Seen = {
      method: request.method ?? '',
      path: request.url ?? '',
      authorization: request.headers.authorization,
      body: Buffer.concat(chunks),
    };
    const index = this.requests.filter(({ path }) => path === seen.path).length;
    this.requests.push(seen);
    if (!(await this.misbehave(seen, response, index))) this.reply(seen, response);
    for (const listener of this.listeners.splice(0)) listener();
  }

  private reply({ path, body }: Seen, response: ServerResponse): void {
    if (path === '/api/v1/runs') {
      const create = JSON.parse(body.toString()) as Record<string, unknown>;
      this.creates.push(create);
      if (create['resumeFromStep'] !== undefined) this.attempt += 1;
      answer(response, 201, {
        id: create['id'],
        attempt: this.attempt,
        nextStep: create['resumeFromStep'] ?? 0,
        url: `${this.url}/runs/${String(create['id'])}`,
      });
    } else if (path.endsWith('/frames')) {
      const frames = decodeSafetensorsFrames(new Uint8Array(body));
      this.frameRequests.push(frames);
      const keys = frames.frames.map(({ step }) => `${frames.attempt ?? 0}/${step}`);
      const fresh = keys.filter((key) => !this.stored.has(key));
      for (const key of fresh) this.stored.add(key);
      answer(response, 200, {
        accepted: fresh.length,
        duplicates: keys.length - fresh.length,
        rejected: frames.rejected,
        events: this.found.splice(0),
      });
    } else if (path.endsWith('/samples')) {
      const samples = decodePostedSamples(new Uint8Array(body));
      this.sampleRequests.push(samples);
      answer(response, 200, { accepted: samples.frames.length, duplicates: 0, rejected: [] });
    } else if (path.endsWith('/events')) {
      this.events.push(JSON.parse(body.toString()));
      answer(response, 200, { id: 'event' });
    } else if (path.endsWith('/finish')) {
      this.finishes.push(JSON.parse(body.toString()));
      answer(response, 200, { status: 'finished' });
    } else if (path.endsWith('/advice')) {
      const reply = { runId: 'run-1', attempt: this.attempt, step: Math.max(...this.steps, 0) };
      if (this.advised === null) refuse(response, 404, 'not_found');
      else answer(response, 200, { ...reply, version: 'v', items: this.advised });
    } else {
      answer(response, 404, { error: { code: 'run_not_found', message: 'no such run' } });
    }
  }
}

export function answer(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Record<string, string> = {},
): true {
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(JSON.stringify(body));
  return true;
}

export function refuse(
  response: ServerResponse,
  status: number,
  code: string,
  headers: Record<string, string> = {},
): true {
  return answer(response, status, { error: { code, message: `${code} it is` } }, headers);
}
