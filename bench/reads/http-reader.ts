/**
 * One kept-alive HTTP/1.1 connection that asks, one request at a time, and counts the bytes
 * that come. On the bare socket, so that a reader costs no more than the reading.
 */
import { connect, type Socket } from 'node:net';

export class HttpReader {
  readonly #socket: Socket;
  readonly #host: string;
  #expected = -1;
  #received = 0;
  #head = Buffer.alloc(0);
  #resolve: ((bytes: number) => void) | null = null;
  #reject: ((error: Error) => void) | null = null;

  constructor(url: string) {
    const { host, hostname, port } = new URL(url);
    this.#host = host;
    this.#socket = connect({ host: hostname, port: Number(port), noDelay: true });
    this.#socket.on('data', (chunk: Buffer) => {
      this.#take(chunk);
    });
    this.#socket.on('error', (error) => this.#reject?.(error));
    this.#socket.on('close', () => this.#reject?.(new Error('the connection was closed')));
  }

  /** Resolves with the body's length once its last byte is here. */
  get(path: string, accept = 'application/json'): Promise<number> {
    this.#expected = -1;
    this.#received = 0;
    this.#head = Buffer.alloc(0);
    return new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
      this.#socket.write(
        `GET ${path} HTTP/1.1\r\nHost: ${this.#host}\r\nAccept: ${accept}\r\n\r\n`,
      );
    });
  }

  close(): void {
    this.#reject = null;
    this.#socket.destroy();
  }

  #take(chunk: Buffer): void {
    if (this.#expected < 0) {
      this.#head = Buffer.concat([this.#head, chunk]);
      const end = this.#head.indexOf('\r\n\r\n');
      if (end < 0) return;
      const head = this.#head.subarray(0, end).toString('latin1');
      if (!head.startsWith('HTTP/1.1 200')) {
        this.#reject?.(new Error(this.#head.toString('utf8')));
        return;
      }
      this.#expected = Number(/^content-length: *(\d+)/im.exec(head)?.[1] ?? NaN);
      this.#received = this.#head.length - end - 4;
    } else this.#received += chunk.length;
    if (this.#received >= this.#expected) this.#resolve?.(this.#received);
  }
}
