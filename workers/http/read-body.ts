import type { IncomingMessage } from 'node:http';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { AppError } from '../../lib/contract/app-error';
import type { BodyPool } from './body-pool';

/** A request's body after decompression; DESIGN fixes it in the contract. */
const MAX_BODY_BYTES = 32 * 1024 * 1024;
/** A body of 32 MiB over a 10 Mbit/s line takes 27 s; slower ones hold memory for nothing. */
const BODY_TIMEOUT_MS = 30_000;

const gunzipAsync = promisify(gunzip);

/**
 * Bytes that all bodies being read may hold together, so that many large posts at once
 * are answered 429 rather than by the kernel.
 */
export class BodyBudget {
  private held = 0;

  constructor(private readonly maxBytes: number) {}

  get heldBytes(): number {
    return this.held;
  }

  take(sizeBytes: number): void {
    if (this.held + sizeBytes > this.maxBytes) {
      throw new AppError('writer_saturated', 'too many large requests at once', {
        retryAfterSeconds: 1,
      });
    }
    this.held += sizeBytes;
  }

  give(sizeBytes: number): void {
    this.held -= sizeBytes;
  }
}

export interface ReadBodyOptions {
  readonly budget: BodyBudget;
  /** Where the memory of bodies comes from that say how long they are. */
  readonly pool?: BodyPool;
  readonly timeoutMs?: number;
  readonly maxBytes?: number;
}

/**
 * Reads a body whole, decompresses it if it says gzip, and hands it to `use`; the
 * budget holds its bytes until `use` has ended. Its memory goes back to the pool only when
 * `use` has succeeded and has said by `release` that nobody reads the body afterwards.
 *
 * Throws  AppError `body_too_large`, `unsupported_encoding`, `request_timeout`,
 *         `writer_saturated`, `invalid_body` (broken gzip)
 */
export async function withBody<T>(
  request: IncomingMessage,
  options: ReadBodyOptions,
  use: (body: Uint8Array, release: () => void) => Promise<T>,
): Promise<T> {
  const { budget, pool, maxBytes = MAX_BODY_BYTES } = options;
  const encoding = request.headers['content-encoding']?.trim().toLowerCase() ?? 'identity';
  if (encoding !== 'identity' && encoding !== 'gzip') {
    throw new AppError(
      'unsupported_encoding',
      `Content-Encoding: expected gzip or none, got ${encoding}`,
    );
  }
  const declared = Number(request.headers['content-length'] ?? 0);
  if (declared > maxBytes) throw tooLarge(maxBytes);
  const lease = new Lease(budget);
  try {
    const timeoutMs = options.timeoutMs ?? BODY_TIMEOUT_MS;
    const raw = await readRaw(request, lease, maxBytes, timeoutMs, declared, pool);
    const body = encoding === 'gzip' ? await decompress(raw, lease, maxBytes) : raw;
    const memory = { isReleased: false };
    const result = await use(body, () => {
      memory.isReleased = true;
    });
    if (memory.isReleased) pool?.give(raw);
    return result;
  } finally {
    lease.release();
  }
}

/** What one request holds of the budget. */
class Lease {
  private sizeBytes = 0;

  constructor(private readonly budget: BodyBudget) {}

  take(sizeBytes: number): void {
    this.budget.take(sizeBytes);
    this.sizeBytes += sizeBytes;
  }

  release(): void {
    this.budget.give(this.sizeBytes);
    this.sizeBytes = 0;
  }
}

function tooLarge(maxBytes: number): AppError {
  return new AppError(
    'body_too_large',
    `the body is over ${maxBytes} bytes after decompression; post fewer steps a request`,
  );
}

async function readRaw(
  request: IncomingMessage,
  lease: Lease,
  maxBytes: number,
  timeoutMs: number,
  declared: number,
  pool: BodyPool | undefined,
): Promise<Uint8Array> {
  // A body that says how long it is goes where it will stay, chunk by chunk.
  const known = pool?.take(declared) ?? null;
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  return new Promise((resolve, reject) => {
    const fail = (error: Error): void => {
      clearTimeout(timer);
      request.removeAllListeners('data');
      // What still comes is thrown away unread, so that the answer can be sent first.
      request.resume();
      reject(error);
    };
    const timer = setTimeout(() => {
      fail(new AppError('request_timeout', `the body did not arrive within ${timeoutMs / 1000} s`));
    }, timeoutMs);
    request.on('data', (chunk: Buffer) => {
      const start = sizeBytes;
      sizeBytes += chunk.length;
      if (sizeBytes > maxBytes) {
        fail(tooLarge(maxBytes));
        return;
      }
      try {
        lease.take(chunk.length);
      } catch (error) {
        fail(error instanceof Error ? error : new Error('body budget'));
        return;
      }
      if (known === null) chunks.push(chunk);
      else known.set(chunk, start);
    });
    request.on('end', () => {
      clearTimeout(timer);
      resolve(known ?? concatAligned(chunks, sizeBytes));
    });
    const leave = (): void => {
      fail(new AppError('bad_request', 'the connection closed inside the body'));
    };
    // Its code is ECONNRESET, which further on would be an outage of the database.
    request.on('error', leave);
    request.on('close', () => {
      if (!request.complete) leave();
    });
  });
}

/**
 * One buffer whose first byte lies at a multiple of 8, so that the tensors of a
 * safetensors body can be viewed in place; pooled Buffers promise no alignment.
 */
function concatAligned(chunks: readonly Buffer[], sizeBytes: number): Uint8Array {
  const body = new Uint8Array(sizeBytes);
  let offset = 0;
  for (const chunk of chunks) {
    body.set(chunk, offset);
    offset += chunk.length;
  }
  return body;
}

async function decompress(raw: Uint8Array, lease: Lease, maxBytes: number): Promise<Uint8Array> {
  try {
    const body = await gunzipAsync(raw, { maxOutputLength: maxBytes });
    lease.take(body.byteLength);
    return body.byteOffset % 8 === 0 ? body : new Uint8Array(body);
  } catch (cause) {
    if (cause instanceof AppError) throw cause;
    if (cause instanceof RangeError) throw tooLarge(maxBytes);
    const message = cause instanceof Error ? cause.message : 'unreadable';
    throw new AppError('invalid_body', `body: broken gzip, ${message}`, {
      details: [{ path: 'body', message }],
      cause,
    });
  }
}
