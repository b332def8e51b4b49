/**
 * The published description of the wire contract: OpenAPI 3.1, generated from the zod
 * schemas that parse each request. `/api/v1/openapi.json` serves it and the reference
 * page of the app is drawn from it.
 */
import type { z } from 'zod';
import { STATUS_OF_CODE, type ErrorCode } from './app-error';
import type { TensorDescription } from './openapi-frames';
import type {
  BodyDescription,
  HeaderDescription,
  ReplyDescription,
  RouteDescription,
} from './openapi-route';
import { ROUTES } from './openapi-routes';
import {
  componentSchemas,
  errorReplySchema,
  parameterSchemas,
  schemaReference,
  type Json,
  type JsonObject,
} from './openapi-schemas';

export interface OpenApiMediaType {
  readonly schema: JsonObject;
  readonly example?: Json;
  readonly 'x-tensors'?: readonly TensorDescription[];
}

export interface OpenApiReply {
  readonly description: string;
  readonly headers?: Readonly<Record<string, JsonObject>>;
  readonly content?: Readonly<Record<string, OpenApiMediaType>>;
  /** The codes that this status may carry. */
  readonly 'x-error-codes'?: readonly ErrorCode[];
}

export interface OpenApiParameter {
  readonly name: string;
  readonly in: 'path' | 'query';
  readonly required: boolean;
  readonly schema: JsonObject;
  readonly description?: string;
  readonly style?: 'form';
  readonly explode?: boolean;
}

export interface OpenApiOperation {
  readonly operationId: string;
  readonly tags: readonly string[];
  readonly summary: string;
  readonly description: string;
  readonly security: readonly Readonly<Record<string, readonly string[]>>[];
  readonly 'x-scope': string;
  readonly parameters: readonly OpenApiParameter[];
  readonly requestBody?: {
    readonly required: boolean;
    readonly content: Readonly<Record<string, OpenApiMediaType>>;
  };
  readonly responses: Readonly<Record<string, OpenApiReply>>;
}

export type OpenApiPath = Readonly<Record<string, OpenApiOperation>>;

export interface OpenApiDocument {
  readonly openapi: '3.1.0';
  readonly info: {
    readonly title: string;
    readonly version: string;
    readonly description: string;
    readonly license: { readonly name: string; readonly identifier: string };
  };
  readonly servers: readonly { readonly url: string }[];
  readonly tags: readonly { readonly name: string; readonly description: string }[];
  readonly paths: Readonly<Record<string, OpenApiPath>>;
  readonly components: {
    readonly schemas: Readonly<Record<string, JsonObject>>;
    readonly securitySchemes: Readonly<Record<string, JsonObject>>;
  };
}

const TAGS = [
  { name: 'Write', description: 'What a training job posts. All of it may be repeated.' },
  { name: 'Read', description: 'What the pages read, and what a script may read too.' },
  { name: 'Manage', description: 'Runs and sessions.' },
  { name: 'Operate', description: 'For supervisors and monitoring.' },
] as const;

const DESCRIPTION =
  'Keys are camelCase; metric and tensor names are snake_case. A failed request answers ' +
  '{"error": {"code", "message", "details"?}}. Where a metric is not finite, JSON accepts "NaN", ' +
  '"Infinity" and "-Infinity" and returns null with a nonFiniteCount. fromStep and toStep are ' +
  'inclusive. attempt is a number, effective (the default: for each step the newest attempt that has ' +
  'it) or all. Fields of a job’s post that are not known are named in ignored of the reply, parameters ' +
  'of a read in the header X-Ignored-Parameters. Send Authorization: Bearer <token> where the server asks for tokens; a browser ' +
  'exchanges one for a cookie at /sign-in.';

const PARAMETER_WORDS: Readonly<Record<string, string>> = {
  id: 'The run.',
  index: 'The layer’s place in model order, from 0.',
  jobId: 'The batch job.',
  noteId: 'The note.',
  ruleId: 'The alert rule.',
  incidentId: 'The incident.',
  channelId: 'The channel.',
  deliveryId: 'The message.',
  week: 'An ISO week such as 2026-W47; without it, this one.',
  layer: 'Of this layer only.',
  shortestLead: 'Fewest steps from an RMS spike to the loss spike that it leads.',
  longestLead: 'Most steps from an RMS spike to the loss spike that it leads.',
  mergeSteps: 'Spikes less than so many steps apart count as the earliest of them.',
  spikeId: 'The spike.',
  fromStep: 'First step, inclusive.',
  toStep: 'Last step, inclusive.',
  attempt: 'A number, effective or all.',
  series: 'Names of scalars, separated by commas.',
  points: 'At most so many buckets.',
  columns: 'At most so many columns.',
  reduce: 'What stands for a column of several steps.',
  metric: 'A layer metric; of an export several, or scalars, separated by commas.',
  step: 'The newest distributions at or before this step.',
  project: 'Runs of this project only.',
  status: 'Runs, or messages, of this status only.',
  q: 'Text in id, name, project, tags and notes, or /regex/ (/regex/i for either case).',
  ids: 'These runs and no others, separated by commas.',
  state: 'Runs in any of these states now, separated by commas.',
  tags: 'Runs with all of these tags, separated by commas; a comma in a tag is \\,.',
  spikes: 'Runs with any loss spike or divergence, with an open one, or with none.',
  excludeProjects: 'Runs of these projects are counted but not listed; separated by commas.',
  sort: 'A column; - before it turns the order round. What is not known comes last.',
  cursor: 'nextCursor of the page before.',
  limit: 'At most so many items.',
  kind: 'Spikes of this kind only; of an export, what to export.',
  format: 'Of an export csv, jsonl or parquet; of a report html, md or json.',
  name: 'The project.',
  confirm: 'The name of the project again.',
  dryRun: 'true says what would go; false lets it go.',
  layers: 'Layers by their index, as 0,4-7.',
  maxSteps: 'Ends after so many steps; a header says where to go on.',
};

/** Codes that any request may be answered with, whichever route it asked for. */
function commonErrors(route: RouteDescription): readonly ErrorCode[] {
  const codes: ErrorCode[] = ['host_not_allowed', 'method_not_allowed', 'internal'];
  if (route.scope !== null) codes.push('unauthorized', 'forbidden', 'unavailable');
  if (route.body !== undefined && route.scope !== null)
    codes.push('request_timeout', 'body_too_large', 'unsupported_media_type');
  return codes;
}

function describeContent(
  bodies: readonly BodyDescription[],
): Readonly<Record<string, OpenApiMediaType>> {
  return Object.fromEntries(
    bodies.map(({ mediaType, schema, tensors, example }) => [
      mediaType,
      {
        schema: schema === null ? opaqueSchema(mediaType) : schemaReference(schema),
        ...(example === undefined ? {} : { example }),
        ...(tensors === undefined ? {} : { 'x-tensors': tensors }),
      },
    ]),
  );
}

function opaqueSchema(mediaType: string): JsonObject {
  if (mediaType === 'application/json') return { type: 'object' };
  if (mediaType.startsWith('text/')) return { type: 'string' };
  // In OpenAPI 3.1 an empty schema stands for bytes.
  return {};
}

function describeReply({ description, bodies, headers }: ReplyDescription): OpenApiReply {
  return {
    description,
    ...(headers === undefined ? {} : { headers: describeHeaders(headers) }),
    ...(bodies.length === 0 ? {} : { content: describeContent(bodies) }),
  };
}

function describeHeaders(
  headers: Readonly<Record<string, HeaderDescription>>,
): Readonly<Record<string, JsonObject>> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, { type, description }]) => [
      name,
      { description, schema: { type } },
    ]),
  );
}

function describeErrors(route: RouteDescription): Readonly<Record<string, OpenApiReply>> {
  const codesOfStatus = new Map<number, ErrorCode[]>();
  for (const code of new Set([...route.errors, ...commonErrors(route)])) {
    const status = STATUS_OF_CODE[code];
    codesOfStatus.set(status, [...(codesOfStatus.get(status) ?? []), code]);
  }
  return Object.fromEntries(
    Array.from(codesOfStatus, ([status, codes]) => [
      String(status),
      {
        description: codes.join(', '),
        'x-error-codes': codes,
        ...(status === 429 || status === 503
          ? {
              headers: describeHeaders({
                'Retry-After': {
                  type: 'integer',
                  description: 'Seconds after which to ask again.',
                },
              }),
            }
          : {}),
        content: { 'application/json': { schema: schemaReference(errorReplySchema) } },
      },
    ]),
  );
}

function describeParameters(
  place: 'path' | 'query',
  schema: z.ZodType | undefined,
  words: RouteDescription['words'] = {},
): readonly OpenApiParameter[] {
  if (schema === undefined) return [];
  return parameterSchemas(schema).map(({ name, isRequired, schema: type }) => {
    const description = words[name] ?? PARAMETER_WORDS[name];
    return {
      name,
      in: place,
      required: place === 'path' || isRequired,
      schema: type,
      ...(description === undefined ? {} : { description }),
      ...(type['type'] === 'array' ? { style: 'form' as const, explode: false } : {}),
    };
  });
}

function describeOperation(route: RouteDescription): OpenApiOperation {
  const { operationId, tag, scope, summary, description, body } = route;
  return {
    operationId,
    tags: [tag],
    summary,
    description,
    security: scope === null ? [] : [{ token: [] }],
    'x-scope': scope ?? 'none',
    parameters: [
      ...describeParameters('path', route.params),
      ...describeParameters('query', route.query, route.words),
    ],
    ...(body === undefined
      ? {}
      : { requestBody: { required: true, content: describeContent(body) } }),
    responses: {
      ...Object.fromEntries(
        route.replies.map((reply) => [String(reply.status), describeReply(reply)]),
      ),
      ...describeErrors(route),
    },
  };
}

/**
 * The whole document. Pure: the same version gives the same document, which a server
 * may build once and keep.
 *
 * Cost  about 10 ms, nearly all of it zod's
 */
export function buildOpenApi({ version }: { readonly version: string }): OpenApiDocument {
  const paths: Record<string, Record<string, OpenApiOperation>> = {};
  for (const route of ROUTES) {
    const path = (paths[route.path] ??= {});
    path[route.method] = describeOperation(route);
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Spikescope',
      version,
      description: DESCRIPTION,
      license: { name: 'Apache License 2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
    tags: TAGS,
    paths,
    components: {
      schemas: componentSchemas(),
      securitySchemes: {
        token: {
          type: 'http',
          scheme: 'bearer',
          description: 'A token of scope read, ingest or admin; npm run token -- create.',
        },
      },
    },
  };
}
