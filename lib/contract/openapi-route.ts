import type { z } from 'zod';
import type { ErrorCode } from './app-error';
import type { TensorDescription } from './openapi-frames';
import type { Json } from './openapi-schemas';

/** One body, of a request or a reply, in one media type. */
export interface BodyDescription {
  readonly mediaType: string;
  /** null: bytes or text without a schema. */
  readonly schema: z.ZodType | null;
  readonly tensors?: readonly TensorDescription[];
  readonly example?: Json;
}

export interface ReplyDescription {
  readonly status: number;
  readonly description: string;
  readonly bodies: readonly BodyDescription[];
  readonly headers?: Readonly<Record<string, HeaderDescription>>;
}

export interface HeaderDescription {
  readonly type: 'integer' | 'string';
  readonly description: string;
}

/** What a token must be allowed to do; null: the route asks for none. */
export type RouteScope = 'read' | 'ingest' | 'admin' | null;

export interface RouteDescription {
  readonly operationId: string;
  readonly method: 'get' | 'post' | 'put' | 'patch' | 'delete';
  readonly path: string;
  readonly tag: 'Write' | 'Read' | 'Manage' | 'Operate';
  readonly scope: RouteScope;
  readonly summary: string;
  readonly description: string;
  readonly params?: z.ZodType;
  readonly query?: z.ZodType;
  /** Of a parameter that means something else here than elsewhere, or that is only here. */
  readonly words?: Readonly<Record<string, string>>;
  readonly body?: readonly BodyDescription[];
  readonly replies: readonly ReplyDescription[];
  /** Codes of its own, beside those that every route of its kind may answer. */
  readonly errors: readonly ErrorCode[];
}

export const JSON_TYPE = 'application/json';
/** The path of one run. */
export const RUN = '/api/v1/runs/{id}';

/** A 200 in JSON. */
export function ok(schema: z.ZodType, description: string, example?: Json): ReplyDescription {
  return {
    status: 200,
    description,
    bodies: [{ mediaType: JSON_TYPE, schema, ...(example === undefined ? {} : { example }) }],
  };
}

/** A JSON body with an example. */
export function json(schema: z.ZodType, example: Json): readonly BodyDescription[] {
  return [{ mediaType: JSON_TYPE, schema, example }];
}
