import type {
  OpenApiDocument,
  OpenApiMediaType,
  OpenApiOperation,
  OpenApiReply,
} from '../../contract/openapi';
import type { TensorDescription } from '../../contract/openapi-frames';
import { isJsonObject, type Json, type JsonObject } from '../../contract/openapi-schemas';

/** One field of a schema, nested ones dotted: `layers[].name`. */
export interface FieldRow {
  readonly path: string;
  /** "integer ≥ 0, or null". */
  readonly type: string;
  readonly isRequired: boolean;
  readonly description: string;
}

export interface ParameterRow extends FieldRow {
  readonly place: 'path' | 'query';
}

export interface BodyView {
  readonly mediaType: string;
  /** The schema's name in the document, where it has one. */
  readonly schemaName: string | null;
  readonly fields: readonly FieldRow[];
  readonly tensors: readonly TensorDescription[];
  readonly example: string | null;
}

export interface ReplyView {
  readonly status: string;
  readonly description: string;
  readonly bodies: readonly BodyView[];
}

export interface ErrorRow {
  readonly status: string;
  readonly codes: readonly string[];
  readonly hasRetryAfter: boolean;
}

export interface RouteView {
  readonly id: string;
  readonly method: string;
  readonly path: string;
  readonly summary: string;
  readonly description: string;
  /** "token of scope read"; null where none is asked for. */
  readonly access: string | null;
  readonly parameters: readonly ParameterRow[];
  readonly bodies: readonly BodyView[];
  readonly replies: readonly ReplyView[];
  readonly errors: readonly ErrorRow[];
  /** A line to copy; null where a body in a file is needed. */
  readonly curl: string | null;
}

export interface ApiReferenceView {
  readonly title: string;
  readonly version: string;
  readonly description: string;
  readonly groups: readonly {
    readonly name: string;
    readonly description: string;
    readonly routes: readonly RouteView[];
  }[];
}

/** Deeper fields are named by their own schema's route; a page of brackets helps nobody. */
const DEEPEST = 4;
const SCHEMA_PATH = '#/components/schemas/';

/** The published document as a page reads it. */
export function prepareApiReference(document: OpenApiDocument): ApiReferenceView {
  const routes = Object.entries(document.paths).flatMap(([path, operations]) =>
    Object.entries(operations).map(([method, operation]) => ({
      tag: operation.tags[0] ?? '',
      route: prepareRoute(document, method, path, operation),
    })),
  );
  return {
    title: document.info.title,
    version: document.info.version,
    description: document.info.description,
    groups: document.tags.map(({ name, description }) => ({
      name,
      description,
      routes: routes.filter(({ tag }) => tag === name).map(({ route }) => route),
    })),
  };
}

function prepareRoute(
  document: OpenApiDocument,
  method: string,
  path: string,
  operation: OpenApiOperation,
): RouteView {
  const replies = Object.entries(operation.responses);
  return {
    id: operation.operationId,
    method: method.toUpperCase(),
    path,
    summary: operation.summary,
    description: operation.description,
    access: operation['x-scope'] === 'none' ? null : `token of scope ${operation['x-scope']}`,
    parameters: operation.parameters.map((parameter) => ({
      path: parameter.name,
      place: parameter.in,
      type: describeType(parameter.schema),
      isRequired: parameter.required,
      description: parameter.description ?? '',
    })),
    bodies: prepareBodies(document, operation.requestBody?.content),
    replies: replies
      .filter(([, reply]) => reply['x-error-codes'] === undefined)
      .map(([status, reply]) => ({
        status,
        description: reply.description,
        bodies: prepareBodies(document, reply.content),
      })),
    errors: replies.flatMap(([status, reply]) => prepareError(status, reply)),
    curl: prepareCurl(method, path, operation),
  };
}

function prepareError(status: string, reply: OpenApiReply): readonly ErrorRow[] {
  const codes = reply['x-error-codes'];
  return codes === undefined
    ? []
    : [{ status, codes, hasRetryAfter: reply.headers?.['Retry-After'] !== undefined }];
}

function prepareBodies(
  document: OpenApiDocument,
  content: Readonly<Record<string, OpenApiMediaType>> | undefined,
): readonly BodyView[] {
  return Object.entries(content ?? {}).map(([mediaType, { schema, example, ...rest }]) => ({
    mediaType,
    schemaName: nameOf(schema),
    fields: listFields(document, schema, '', 0),
    tensors: rest['x-tensors'] ?? [],
    example: example === undefined ? null : JSON.stringify(example, null, 2),
  }));
}

function nameOf(schema: JsonObject): string | null {
  const reference = schema['$ref'];
  return typeof reference === 'string' ? reference.slice(SCHEMA_PATH.length) : null;
}

function resolve(document: OpenApiDocument, schema: JsonObject): JsonObject {
  const name = nameOf(schema);
  return name === null ? schema : (document.components.schemas[name] ?? {});
}

/** The fields of an object, its arrays' and maps' objects unfolded in place. */
function listFields(
  document: OpenApiDocument,
  schema: JsonObject,
  prefix: string,
  depth: number,
): readonly FieldRow[] {
  const resolved = resolve(document, schema);
  const properties = resolved['properties'];
  if (depth > DEEPEST || !isJsonObject(properties)) return [];
  const required = Array.isArray(resolved['required']) ? resolved['required'] : [];
  return Object.entries(properties).flatMap(([name, property]) => {
    if (!isJsonObject(property)) return [];
    const path = `${prefix}${name}`;
    const own = resolve(document, property);
    const description = own['description'];
    const row: FieldRow = {
      path,
      type: describeType(own),
      isRequired: required.includes(name),
      description: typeof description === 'string' ? description : '',
    };
    return [row, ...listInner(document, own, path, depth)];
  });
}

function listInner(
  document: OpenApiDocument,
  schema: JsonObject,
  path: string,
  depth: number,
): readonly FieldRow[] {
  const items = schema['items'];
  if (isJsonObject(items)) return listFields(document, items, `${path}[].`, depth + 1);
  const values = schema['additionalProperties'];
  if (isJsonObject(values)) return listFields(document, values, `${path}.<name>.`, depth + 1);
  return listFields(document, schema, `${path}.`, depth + 1);
}

/** A type in words: "integer ≥ 1", "one of read, write", "array of number or null". */
export function describeType(schema: JsonObject): string {
  const name = nameOf(schema);
  if (name !== null) return name;
  const values = schema['enum'];
  if (Array.isArray(values)) return `one of ${values.map(writeValue).join(', ')}`;
  const constant = schema['const'];
  if (constant !== undefined) return writeValue(constant);
  const options = schema['anyOf'];
  const base = Array.isArray(options)
    ? options.map((option) => (isJsonObject(option) ? describeType(option) : '')).join(' or ')
    : describePlain(schema);
  const fallback = schema['default'];
  return fallback === undefined ? base : `${base}, default ${writeValue(fallback)}`;
}

function writeValue(value: Json): string {
  if (Array.isArray(value)) return value.map(writeValue).join(',');
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function describePlain(schema: JsonObject): string {
  const type = schema['type'];
  const types = Array.isArray(type)
    ? type.map(writeValue)
    : [typeof type === 'string' ? type : 'any'];
  const words = types.map((entry) => (entry === 'array' ? describeArray(schema) : entry));
  const format = schema['format'];
  const head = words.join(' or ') + (typeof format === 'string' ? ` (${format})` : '');
  return [head, ...describeBounds(schema)].join(', ');
}

function describeArray(schema: JsonObject): string {
  const items = schema['items'];
  return isJsonObject(items) ? `array of ${describeType(items)}` : 'array';
}

function describeBounds(schema: JsonObject): readonly string[] {
  const { minimum, maximum, maxLength, maxItems, pattern } = schema;
  const bounds: string[] = [];
  if (typeof minimum === 'number' && typeof maximum === 'number')
    bounds.push(`${minimum} to ${maximum}`);
  else if (typeof minimum === 'number') bounds.push(`≥ ${minimum}`);
  else if (typeof maximum === 'number') bounds.push(`≤ ${maximum}`);
  if (typeof maxLength === 'number') bounds.push(`≤ ${maxLength} characters`);
  if (typeof maxItems === 'number') bounds.push(`≤ ${maxItems} entries`);
  if (typeof pattern === 'string') bounds.push(`matches ${pattern}`);
  return bounds;
}

/** Path placeholders stay as they are: `{id}` is for the reader to fill in. */
function prepareCurl(method: string, path: string, operation: OpenApiOperation): string | null {
  const url = `$SPIKESCOPE_URL${path}`;
  const body = operation.requestBody?.content['application/json']?.example;
  if (operation.requestBody !== undefined && body === undefined) return null;
  const parts = [`curl -sS "${url}"`];
  if (method !== 'get') parts[0] = `curl -sS -X ${method.toUpperCase()} "${url}"`;
  if (operation['x-scope'] !== 'none') parts.push(`-H "Authorization: Bearer $SPIKESCOPE_TOKEN"`);
  if (body !== undefined)
    parts.push(`-H 'Content-Type: application/json'`, `-d '${JSON.stringify(body)}'`);
  return parts.join(' \\\n  ');
}

/** Routes that hold every word of the search, groups without one left out. */
export function searchApiReference(
  groups: ApiReferenceView['groups'],
  typed: string,
): ApiReferenceView['groups'] {
  const words = typed
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word.length > 0);
  return groups
    .map((group) => ({
      ...group,
      routes: group.routes.filter((route) => {
        const written = JSON.stringify(route).toLowerCase();
        return words.every((word) => written.includes(word));
      }),
    }))
    .filter(({ routes }) => routes.length > 0);
}
