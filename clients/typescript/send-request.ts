import { z } from 'zod';
import { parseRetryAfter } from './backoff';
import type { Compression } from './compression';

/**
 * What became of one request, as the sender has to act on it:
 *   done     stored; `body` is the reply
 *   retry    it may work later: no connection, time-out, 408, 429, 5xx, a page that is not ours
 *   fault    the server broke over this very request (500): worth a few tries, not endless ones
 *   denied   401 or 403: a token can be repaired while the job runs, so nothing is thrown away
 *   too_large  413: smaller pieces may pass
 *   refused  this request is wrong and will stay so
 *   closed   the run cannot take anything any more
 */
export type Outcome =
  | {
      readonly kind: 'done';
      readonly body: unknown;
      /** Fields of the body, or parameters of the query, that the server does not know. */
      readonly ignored: readonly string[];
    }
  | {
      readonly kind: 'retry' | 'fault' | 'denied' | 'too_large' | 'refused' | 'closed';
      readonly code: string;
      readonly message: string;
      readonly retryAfterMs: number | null;
    };

export type Failure = Exclude<Outcome, { kind: 'done' }>;

export function describeFailure({ code, message }: Failure): string {
  return `${message} (${code})`;
}

export interface Connection {
  /** Without a slash at its end. */
  readonly baseUrl: string;
  readonly token: string | null;
  readonly requestTimeoutMs: number;
  readonly fetch: typeof fetch;
  readonly now: () => number;
  readonly compression: Compression;
}

export interface RequestBody {
  readonly contentType: string;
  readonly bytes: Uint8Array<ArrayBuffer> | string;
}

const errorReplySchema = z.object({
  error: z.object({
    code: z.string(),
    message: z.string(),
    details: z.array(z.object({ path: z.string(), message: z.string() })).optional(),
  }),
});

const ignoredSchema = z.object({ ignored: z.array(z.string()) });

/** Never throws: every failure is an outcome. */
export async function sendRequest(
  connection: Connection,
  method: 'GET' | 'POST',
  path: string,
  body: RequestBody | null,
  timeoutMs: number = connection.requestTimeoutMs,
): Promise<Outcome> {
  const headers: Record<string, string> = { accept: 'application/json' };
  if (connection.token !== null) headers['authorization'] = `Bearer ${connection.token}`;
  if (body !== null) headers['content-type'] = body.contentType;
  let response: Response;
  let text: string;
  try {
    const sent = body === null ? null : await encodeBody(connection.compression, body);
    if (sent?.isCompressed === true) headers['content-encoding'] = 'gzip';
    const startMs = performance.now();
    response = await connection.fetch(`${connection.baseUrl}${path}`, {
      method,
      headers,
      ...(sent === null ? {} : { body: sent.bytes }),
      signal: AbortSignal.timeout(Math.ceil(timeoutMs)),
    });
    // Headers come once the body is up.
    if (sent !== null) {
      connection.compression.measure(sent.bytes.length, performance.now() - startMs);
    }
    text = await response.text();
  } catch (error) {
    const message = `${connection.baseUrl} cannot be reached: ${explain(error)}`;
    return { kind: 'retry', code: 'no_connection', message, retryAfterMs: null };
  }
  return classify(response, text, connection);
}

async function encodeBody(compression: Compression, { bytes }: RequestBody) {
  if (typeof bytes === 'string' || !compression.pays(bytes)) return { bytes, isCompressed: false };
  return { bytes: await compression.compress(bytes), isCompressed: true };
}

function classify(response: Response, text: string, { baseUrl, now }: Connection): Outcome {
  const body = parseReply(text);
  if (response.ok) {
    if (body !== undefined) return { kind: 'done', body, ignored: ignoredFields(response, body) };
    return {
      kind: 'retry',
      code: `http_${response.status}`,
      message: `${baseUrl} answers, but not as Spikescope does: is the address right?`,
      retryAfterMs: null,
    };
  }
  const parsed = errorReplySchema.safeParse(body);
  const error = parsed.success ? parsed.data.error : null;
  const code = error?.code ?? `http_${response.status}`;
  const [detail] = error?.details ?? [];
  const message =
    error === null
      ? describeAnother(response, baseUrl)
      : detail === undefined || error.message.includes(detail.path)
        ? error.message
        : `${error.message} (${detail.path}: ${detail.message})`;
  const retryAfterMs = parseRetryAfter(response.headers.get('retry-after'), now());
  return { kind: kindOf(response.status, error !== null), code, message, retryAfterMs };
}

/** Of a post as its reply says, of a query as the header does. */
function ignoredFields({ headers }: Response, body: unknown): string[] {
  const parsed = ignoredSchema.safeParse(body);
  const parameters = headers.get('x-ignored-parameters')?.split(',') ?? [];
  return [...(parsed.success ? parsed.data.ignored : []), ...parameters.map((name) => name.trim())];
}

/** Something between answered, or another server: faults of Spikescope name a code. */
function describeAnother({ status, statusText }: Response, baseUrl: string): string {
  const answer = `${baseUrl} answered ${status} ${statusText}`;
  const mayBeOurs = status >= 500 || status === 408 || status === 429;
  return mayBeOurs ? answer : `${answer}, but not as Spikescope does: is the address right?`;
}

function kindOf(status: number, isOurs: boolean): Failure['kind'] {
  if (status === 401 || status === 403) return 'denied';
  if (status === 413) return 'too_large';
  if (status === 500) return 'fault';
  if (status === 408 || status === 429 || status > 500) return 'retry';
  // A proxy in between answers 404 while the server behind it starts; ours names a code.
  if (!isOurs) return 'retry';
  if (status === 404 || status === 410) return 'closed';
  return 'refused';
}

function parseReply(text: string): unknown {
  try {
    const body: unknown = JSON.parse(text);
    return body;
  } catch {
    // undefined is no JSON value, so it says "not JSON" to the caller, which decides.
    return undefined;
  }
}

/** `fetch failed` says nothing; its cause does. */
function explain(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { cause } = error;
  return cause instanceof Error && cause.message !== '' ? cause.message : error.message;
}
