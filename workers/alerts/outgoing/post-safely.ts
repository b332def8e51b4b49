/**
 * One POST to an address that somebody typed in: the name is resolved once, its addresses are
 * judged, and the connection goes to an address that was judged, under the name. No redirect is
 * followed, no proxy of the environment is used, certificates are verified, and both the time
 * and the reply are bounded.
 */
import { type ClientRequest, type IncomingMessage, request as requestPlain } from 'node:http';
import { request as requestTls } from 'node:https';
import { isIP } from 'node:net';
import { portOf } from './allowed-hosts';
import { type AddressRules, findAddresses, hostOf, type ResolvedAddress } from './find-addresses';
import { OutgoingError } from './outgoing-error';

export interface OutgoingRules extends AddressRules {
  /** Until a connection stands, of each address. */
  readonly connectTimeoutMs?: number;
  /** For everything, from the name to the end of the reply. */
  readonly timeoutMs?: number;
  /** Further authorities, in PEM; without them those of this machine. */
  readonly ca?: string;
}

export interface OutgoingPost {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly signal?: AbortSignal;
}

export interface OutgoingReply {
  readonly status: number;
  /** As `Retry-After` says it, in seconds; null without one. */
  readonly retryAfterSeconds: number | null;
  /** Its first 64 kB. */
  readonly body: string;
}

/** Three round trips around the world, and a receiver that is busy. */
const CONNECT_TIMEOUT_MS = 5_000;
/** What Slack and others give a webhook of theirs is 3 to 10 s; behind a receiver others wait. */
const TIMEOUT_MS = 10_000;
/** A reply is read for its words when something is wrong. */
const MAX_REPLY_BYTES = 64 * 1024;

/** Throws OutgoingError, saying in words why no answer came. */
export async function postSafely(post: OutgoingPost, rules: OutgoingRules): Promise<OutgoingReply> {
  const url = parseUrl(post.url);
  const { timeoutMs = TIMEOUT_MS, connectTimeoutMs = CONNECT_TIMEOUT_MS } = rules;
  const limit = new AbortController();
  const timer = setTimeout(() => {
    limit.abort(new OutgoingError(`no answer from ${url.host} within ${timeoutMs / 1000} s`));
  }, timeoutMs);
  const stop = (): void => {
    limit.abort(new OutgoingError('this server is shutting down; the message is sent again'));
  };
  post.signal?.addEventListener('abort', stop, { once: true });
  if (post.signal?.aborted === true) stop();
  try {
    const addresses = await orAborted(findAddresses(url, rules), limit.signal);
    return await tryEach(url, addresses, post, {
      signal: limit.signal,
      connectTimeoutMs,
      ca: rules.ca,
    });
  } finally {
    clearTimeout(timer);
    post.signal?.removeEventListener('abort', stop);
  }
}

function parseUrl(text: string): URL {
  if (!URL.canParse(text)) throw new OutgoingError('the URL cannot be read');
  const url = new URL(text);
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw new OutgoingError(`expected an http or https URL, got ${url.protocol}`);
  }
  return url;
}

/** A name server that never answers is waited for no longer than anybody else. */
function orAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const onAbort = (): void => {
      reject(reasonOf(signal));
    };
    if (signal.aborted) onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    promise.then(resolve, reject).finally(() => {
      signal.removeEventListener('abort', onAbort);
    });
  });
}

interface Limits {
  readonly signal: AbortSignal;
  readonly connectTimeoutMs: number;
  readonly ca: string | undefined;
}

/** Another address is tried only where nothing was sent to the one before. */
async function tryEach(
  url: URL,
  addresses: readonly ResolvedAddress[],
  post: OutgoingPost,
  limits: Limits,
): Promise<OutgoingReply> {
  let failure = new OutgoingError(`the name ${url.hostname} has no address`);
  for (const address of addresses) {
    const result = await sendTo(url, address, post, limits);
    if (result.kind === 'answered') return result.reply;
    failure = result.error;
    if (result.isConnected || limits.signal.aborted) break;
  }
  throw failure;
}

type Sent =
  | { readonly kind: 'answered'; readonly reply: OutgoingReply }
  | { readonly kind: 'failed'; readonly error: OutgoingError; readonly isConnected: boolean };

function sendTo(
  url: URL,
  { address, family }: ResolvedAddress,
  { headers, body }: OutgoingPost,
  { signal, connectTimeoutMs, ca }: Limits,
): Promise<Sent> {
  const isTls = url.protocol === 'https:';
  const host = hostOf(url);
  const payload = Buffer.from(body);
  const options = {
    // An address, so that nothing is left to resolve; the name is in Host and in the handshake.
    host: address,
    family,
    port: portOf(url),
    path: `${url.pathname}${url.search}`,
    method: 'POST',
    setHost: false,
    headers: { ...headers, Host: url.host, 'Content-Length': payload.byteLength },
    ...(url.username === '' ? {} : { auth: credentialsOf(url) }),
    // A connection of its own, by no proxy, that ends with the reply.
    agent: false,
    ...(isTls
      ? {
          // An address is no server name; its certificate is checked against the address.
          servername: isIP(host) === 0 ? host : '',
          rejectUnauthorized: true,
          ...(ca === undefined ? {} : { ca }),
        }
      : {}),
  };
  return new Promise((resolve) => {
    let isConnected = false;
    let isAnswered = false;
    const request: ClientRequest = isTls ? requestTls(options) : requestPlain(options);
    const connectTimer = setTimeout(() => {
      request.destroy(
        new OutgoingError(`no connection to ${url.host} within ${connectTimeoutMs / 1000} s`),
      );
    }, connectTimeoutMs);
    const onAbort = (): void => {
      request.destroy(reasonOf(signal));
    };
    const settle = (sent: Sent): void => {
      clearTimeout(connectTimer);
      signal.removeEventListener('abort', onAbort);
      resolve(sent);
    };
    if (signal.aborted) onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    request.on('socket', (socket) => {
      socket.once(isTls ? 'secureConnect' : 'connect', () => {
        isConnected = true;
        clearTimeout(connectTimer);
      });
    });
    request.on('error', (error) => {
      if (isAnswered) return;
      settle({ kind: 'failed', error: toOutgoingError(error, url), isConnected });
    });
    request.on('response', (response) => {
      isAnswered = true;
      void readStart(response).then((start) => {
        settle({ kind: 'answered', reply: toReply(response, start) });
        request.destroy();
      });
    });
    request.end(payload);
  });
}

/**
 * The reply's first bytes. It was answered as soon as its status came, so a body that breaks
 * off, or takes longer than there is time for, is read as far as it came.
 */
function readStart(response: IncomingMessage): Promise<Buffer> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let sizeBytes = 0;
    const end = (): void => {
      resolve(Buffer.concat(chunks).subarray(0, MAX_REPLY_BYTES));
    };
    response.on('data', (chunk: Buffer) => {
      chunks.push(chunk);
      sizeBytes += chunk.byteLength;
      if (sizeBytes >= MAX_REPLY_BYTES) end();
    });
    response.on('end', end);
    response.on('error', end);
    response.on('close', end);
  });
}

function toReply({ statusCode, headers }: IncomingMessage, start: Buffer): OutgoingReply {
  const seconds = Number(headers['retry-after']);
  const isNumber = headers['retry-after'] !== undefined && Number.isFinite(seconds) && seconds >= 0;
  return {
    status: statusCode ?? 0,
    retryAfterSeconds: isNumber ? seconds : null,
    body: start.toString('utf8'),
  };
}

function credentialsOf({ username, password }: URL): string {
  return [username, password].map(decodePercent).join(':');
}

function decodePercent(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    // A lone "%" stands for itself.
    return text;
  }
}

function reasonOf({ reason }: AbortSignal): OutgoingError {
  return reason instanceof OutgoingError ? reason : new OutgoingError('the request was stopped');
}

const WORDS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens at',
  EHOSTUNREACH: 'there is no way to',
  ENETUNREACH: 'there is no way to',
  ECONNRESET: 'the connection was cut by',
  EPIPE: 'the connection was cut by',
  ETIMEDOUT: 'no connection to',
};

function toOutgoingError(error: Error, url: URL): OutgoingError {
  if (error instanceof OutgoingError) return error;
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  const words = WORDS[code];
  if (words !== undefined) return new OutgoingError(`${words} ${url.host}`, { cause: error });
  return new OutgoingError(`${url.host}: ${error.message}`, { cause: error });
}
