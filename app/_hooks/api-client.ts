import { z } from 'zod';
import type { FaultDetail } from '@/lib/contract/app-error';

/** A failed read: what the server said, or that it could not be reached. */
export class ApiFailure extends Error {
  readonly code: string;
  /** null when no reply came. */
  readonly status: number | null;
  /** Which fields of the body were refused, where the server says so. */
  readonly details: readonly FaultDetail[];

  constructor(
    code: string,
    message: string,
    status: number | null,
    details: readonly FaultDetail[] = [],
  ) {
    super(message);
    this.name = 'ApiFailure';
    this.code = code;
    this.status = status;
    this.details = details;
  }
}

const errorReplySchema = z.object({
  error: z.object({
    code: z.string(),
    message: z.string(),
    details: z.array(z.object({ path: z.string(), message: z.string() })).optional(),
  }),
});

async function request(path: string, init: RequestInit): Promise<Response> {
  let reply: Response;
  try {
    reply = await fetch(path, { ...init, credentials: 'same-origin' });
  } catch (cause) {
    if (init.signal?.aborted === true) throw cause;
    throw new ApiFailure('unreachable', 'The server did not answer.', null);
  }
  if (reply.ok) return reply;
  const parsed = errorReplySchema.safeParse(await reply.json().catch(() => null));
  if (reply.status === 401 && window.location.pathname !== '/sign-in') {
    const here = window.location.pathname + window.location.search;
    window.location.assign(`/sign-in?next=${encodeURIComponent(here)}`);
  }
  if (!parsed.success) {
    throw new ApiFailure('unexpected_reply', `The server answered ${reply.status}.`, reply.status);
  }
  const { code, message, details } = parsed.data.error;
  throw new ApiFailure(code, message, reply.status, details);
}

/** Parses a reply by its schema; another shape is a failure, never half a page. */
export async function readJson<T>(
  path: string,
  schema: z.ZodType<T>,
  signal?: AbortSignal,
): Promise<T> {
  const reply = await request(path, {
    headers: { Accept: 'application/json' },
    ...(signal === undefined ? {} : { signal }),
  });
  const parsed = schema.safeParse(await reply.json());
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw new ApiFailure(
      'unexpected_reply',
      `The reply of ${path} has another form than expected at ${issue?.path.join('.') ?? 'its root'}: ${issue?.message ?? ''}`,
      reply.status,
    );
  }
  return parsed.data;
}

export async function readBytes(
  path: string,
  mediaType: string,
  signal?: AbortSignal,
): Promise<Uint8Array> {
  const reply = await request(path, {
    headers: { Accept: mediaType },
    ...(signal === undefined ? {} : { signal }),
  });
  return new Uint8Array(await reply.arrayBuffer());
}

/** POST, PATCH or DELETE with a JSON body; a reply without one gives null. */
export async function sendJson(
  method: 'POST' | 'PUT' | 'PATCH' | 'DELETE',
  path: string,
  body?: unknown,
  signal?: AbortSignal,
): Promise<unknown> {
  const reply = await request(path, {
    method,
    headers: { 'Content-Type': 'application/json', Accept: 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    ...(signal === undefined ? {} : { signal }),
  });
  const text = await reply.text();
  return text.length === 0 ? null : unknownFrom(text);
}

/** `/api/v1/...` with a query; parameters that are null are left out. */
export function apiPath(
  path: string,
  query: Readonly<Record<string, string | number | null>> = {},
): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== null) parameters.set(name, String(value));
  }
  const text = parameters.toString();
  return `/api/v1${path}${text.length > 0 ? `?${text}` : ''}`;
}

function unknownFrom(text: string): unknown {
  return JSON.parse(text);
}
