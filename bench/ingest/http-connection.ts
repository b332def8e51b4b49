/**
 * One kept-alive HTTP/1.1 connection that posts frames, one at a time. Written on the bare
 * socket: Node's own client takes as long for a post as the front door does.
 */
import { connect, type Socket } from 'node:net';
import type { FrameBody } from './frame-bodies';

export interface PostReply {
  readonly status: number;
  readonly retryAfterSeconds: number;
  readonly body: string;
}

export class HttpConnection {
  readonly #socket: Socket;
  readonly #host: string;
  #received = '';
  #waiting: { resolve: (reply: PostReply) => void; reject: (error: Error) => void } | null = null;
  #failure: Error | null = null;

  constructor(url: string) {
    const { host, hostname, port } = new URL(url);
    this.#host = host;
    this.#socket = connect({ host: hostname, port: Number(port), noDelay: true });
    this.#socket.setEncoding('latin1');
    this.#socket.on('data', (chunk) => this.#take(String(chunk)));
    this.#socket.on('error', (error) => this.#fail(error));
    this.#socket.on('close', () => this.#fail(new Error('the connection was closed')));
  }

  post(path: string, { head, tail }: FrameBody, steps: number): Promise<PostReply> {
    if (this.#failure !== null) return Promise.reject(this.#failure);
    const length = head.length + tail.length;
    const reply = new Promise<PostReply>((resolve, reject) => {
      this.#waiting = { resolve, reject };
    });
    this.#socket.cork();
    this.#socket.write(
      `POST ${path} HTTP/1.1\r\nHost: ${this.#host}\r\nContent-Type: application/vnd.safetensors\r\nX-Steps: ${steps}\r\nContent-Length: ${length}\r\n\r\n`,
    );
    this.#socket.write(head);
    this.#socket.write(tail);
    this.#socket.uncork();
    return reply;
  }

  close(): void {
    this.#socket.destroy();
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    this.#waiting?.reject(error);
    this.#waiting = null;
  }

  #take(chunk: string): void {
    this.#received += chunk;
    const headEnd = this.#received.indexOf('\r\n\r\n');
    if (headEnd < 0) return;
    const head = this.#received.slice(0, headEnd);
    const length = Number(/^content-length: *(\d+)/im.exec(head)?.[1] ?? NaN);
    if (Number.isNaN(length)) {
      this.#fail(new Error(`a reply without Content-Length: ${head}`));
      return;
    }
    const end = headEnd + 4 + length;
    if (this.#received.length < end) return;
    const body = this.#received.slice(headEnd + 4, end);
    this.#received = this.#received.slice(end);
    const waiting = this.#waiting;
    this.#waiting = null;
    waiting?.resolve({
      status: Number(head.slice(9, 12)),
      retryAfterSeconds: Number(/^retry-after: *(\d+)/im.exec(head)?.[1] ?? 1),
      body,
    });
  }
}
