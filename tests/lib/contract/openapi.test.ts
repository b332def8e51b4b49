import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { STATUS_OF_CODE } from '@/lib/contract/app-error';
import { buildOpenApi, type OpenApiOperation } from '@/lib/contract/openapi';
import { createRunSchema } from '@/lib/contract/runs';
import { jsonFrameSchema } from '@/lib/contract/frames-json';

const document = buildOpenApi({ version: '1.2.3' });

/** DESIGN.md's wire contract, route by route, written out by hand. */
const CONTRACT = [
  'POST /api/v1/runs',
  'POST /api/v1/runs/{id}/frames',
  'POST /api/v1/runs/{id}/samples',
  'POST /api/v1/runs/{id}/events',
  'POST /api/v1/runs/{id}/finish',
  'GET /api/v1/runs',
  'GET /api/v1/runs/{id}',
  'GET /api/v1/runs/{id}/timeline',
  'GET /api/v1/runs/{id}/heatmap',
  'GET /api/v1/runs/{id}/layers/{index}/series',
  'GET /api/v1/runs/{id}/layers/{index}/distributions',
  'GET /api/v1/runs/{id}/spikes',
  'GET /api/v1/runs/{id}/spikes/{spikeId}',
  'GET /api/v1/runs/{id}/stages',
  'GET /api/v1/runs/{id}/events',
  'GET /api/v1/runs/{id}/export',
  'GET /api/v1/runs/{id}/size',
  'GET /api/v1/runs/{id}/gaps',
  'DELETE /api/v1/projects/{name}',
  'GET /api/v1/projects/{name}/policy',
  'PUT /api/v1/projects/{name}/policy',
  'POST /api/v1/projects/{name}/retention',
  'GET /api/v1/runs/{id}/settings',
  'GET /api/v1/runs/{id}/metrics',
  'PATCH /api/v1/runs/{id}',
  'DELETE /api/v1/runs/{id}',
  'GET /api/v1/runs/{id}/warnings',
  'GET /api/v1/runs/{id}/lead-lag',
  'GET /api/v1/runs/{id}/advice',
  'GET /api/v1/runs/{id}/spikes/{spikeId}/postmortem',
  'GET /api/v1/runs/{id}/spikes/{spikeId}/report',
  'GET /api/v1/runs/{id}/report',
  'GET /api/v1/projects/{name}/report',
  'GET /api/v1/runs/{id}/notes',
  'GET /api/v1/runs/{id}/notes/{noteId}/history',
  'POST /api/v1/runs/{id}/notes',
  'PATCH /api/v1/runs/{id}/notes/{noteId}',
  'DELETE /api/v1/runs/{id}/notes/{noteId}',
  'GET /api/v1/runs/{id}/samples',
  'GET /api/v1/runs/{id}/layers/{index}/samples',
  'POST /api/v1/runs/{id}/jobs',
  'POST /api/v1/runs/{id}/jobs/{jobId}/cancel',
  'GET /api/v1/runs/{id}/jobs',
  'GET /api/v1/runs/{id}/jobs/{jobId}',
  'GET /api/v1/projects',
  'GET /api/v1/tags',
  'GET /api/v1/spikes',
  'GET /api/v1/stages',
  'GET /api/v1/recurring-batches',
  'POST /api/v1/projects/{name}/alert-rules',
  'PATCH /api/v1/projects/{name}/alert-rules/{ruleId}',
  'DELETE /api/v1/projects/{name}/alert-rules/{ruleId}',
  'GET /api/v1/projects/{name}/alert-rules',
  'GET /api/v1/incidents',
  'GET /api/v1/projects/{name}/incidents/{incidentId}',
  'POST /api/v1/projects/{name}/incidents/{incidentId}/acknowledge',
  'POST /api/v1/projects/{name}/alert-backtest',
  'GET /api/v1/projects/{name}/alert-channels',
  'POST /api/v1/projects/{name}/alert-channels',
  'PATCH /api/v1/projects/{name}/alert-channels/{channelId}',
  'DELETE /api/v1/projects/{name}/alert-channels/{channelId}',
  'POST /api/v1/projects/{name}/alert-channels/{channelId}/test',
  'GET /api/v1/projects/{name}/alert-deliveries',
  'POST /api/v1/projects/{name}/alert-deliveries/{deliveryId}/retry',
  'GET /api/v1/openapi.json',
  'POST /sign-in',
  'POST /sign-out',
  'GET /healthz',
  'GET /readyz',
  'GET /metrics',
];

function operations(): [string, string, OpenApiOperation][] {
  return Object.entries(document.paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, operation]): [string, string, OpenApiOperation] => [
      method,
      path,
      operation,
    ]),
  );
}

function operation(method: string, path: string): OpenApiOperation {
  const found = document.paths[path]?.[method];
  if (found === undefined) throw new Error(`no ${method} ${path}`);
  return found;
}

function references(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(references);
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, entry]) =>
    key === '$ref' ? [String(entry)] : references(entry),
  );
}

describe('the published document', () => {
  it('lists every route of the contract and no other', () => {
    const listed = operations().map(([method, path]) => `${method.toUpperCase()} ${path}`);
    expect([...listed].sort()).toEqual([...CONTRACT].sort());
  });

  it('carries the version it was built for and survives JSON unchanged', () => {
    expect(document.info.version).toBe('1.2.3');
    expect(document.openapi).toMatch(/^3\.1\.\d+$/);
    expect(JSON.parse(JSON.stringify(document))).toEqual(document);
  });

  it('resolves every reference inside itself', () => {
    const all = references(document);
    expect(all.length).toBeGreaterThan(50);
    for (const reference of all) {
      const name = reference.replace('#/components/schemas/', '');
      expect(document.components.schemas, reference).toHaveProperty([name]);
    }
  });

  it('gives each operation an id of its own, a known tag and a reply that succeeds', () => {
    const ids = operations().map(([, , { operationId }]) => operationId);
    expect(new Set(ids).size).toBe(ids.length);
    const tags = document.tags.map(({ name }) => name);
    for (const [, path, { tags: used, responses }] of operations()) {
      expect(tags, path).toEqual(expect.arrayContaining([...used]));
      expect(
        Object.keys(responses).some((status) => /^[23]/.test(status)),
        path,
      ).toBe(true);
      for (const reply of Object.values(responses)) expect(reply.description).not.toBe('');
    }
  });

  it('declares each placeholder of a path as a required path parameter, and none besides', () => {
    for (const [, path, { parameters }] of operations()) {
      const placeholders = [...path.matchAll(/\{(\w+)\}/g)].map((match) => match[1]);
      const declared = parameters.filter((parameter) => parameter.in === 'path');
      expect(declared.map(({ name }) => name).sort(), path).toEqual(placeholders.sort());
      expect(declared.every(({ required }) => required)).toBe(true);
    }
  });

  it('describes every query parameter in words', () => {
    for (const [, path, { parameters }] of operations())
      for (const { name, description } of parameters)
        expect(description, `${path} ${name}`).toBeDefined();
  });

  it('puts each error code under its own status, in the shape of an error reply', () => {
    for (const [, path, { responses }] of operations())
      for (const [status, reply] of Object.entries(responses))
        for (const code of reply['x-error-codes'] ?? []) {
          expect(STATUS_OF_CODE[code], `${path} ${code}`).toBe(Number(status));
          expect(reply.content?.['application/json']?.schema).toEqual({
            $ref: '#/components/schemas/Error',
          });
        }
  });

  it('names every error code of the contract somewhere', () => {
    const named = operations().flatMap(([, , { responses }]) =>
      Object.values(responses).flatMap((reply) => [...(reply['x-error-codes'] ?? [])]),
    );
    // What answers a path that is no route at all.
    const outsideRoutes = ['bad_request', 'not_found'];
    expect([...new Set([...named, ...outsideRoutes])].sort()).toEqual(
      Object.keys(STATUS_OF_CODE).sort(),
    );
  });

  it('offers frames as safetensors and as JSON, and the heatmap as both', () => {
    const both = ['application/json', 'application/vnd.safetensors'];
    const { requestBody } = operation('post', '/api/v1/runs/{id}/frames');
    expect(Object.keys(requestBody?.content ?? {}).sort()).toEqual(both);
    const reply = operation('get', '/api/v1/runs/{id}/heatmap').responses['200'];
    expect(Object.keys(reply?.content ?? {}).sort()).toEqual(both);
    const tensors = reply?.content?.['application/vnd.safetensors']?.['x-tensors'] ?? [];
    expect(tensors.map(({ name }) => name)).toContain('non_finite');
  });

  it('says how long to wait where it answers 429', () => {
    const reply = operation('post', '/api/v1/runs/{id}/frames').responses['429'];
    expect(Object.keys(reply?.headers ?? {})).toEqual(['Retry-After']);
  });

  it('types the headers of an export as they are sent: steps are numbers, lists are text', () => {
    const { headers = {} } = operation('get', '/api/v1/runs/{id}/export').responses['200']!;
    const types = Object.entries(headers).map(([name, { schema }]) => [name, schema]);
    expect(Object.fromEntries(types)).toEqual({
      'X-Export-Total': { type: 'integer' },
      'X-Export-First-Step': { type: 'integer' },
      'X-Export-Last-Step': { type: 'integer' },
      'X-Export-Next-Step': { type: 'integer' },
      'X-Export-Attempts': { type: 'string' },
      'X-Export-Gaps': { type: 'string' },
      'X-Export-Rounded-Before': { type: 'integer' },
    });
  });

  it('asks no token of the routes that supervisors and browsers need without one', () => {
    const open = operations().filter(([, , { security }]) => security.length === 0);
    expect(open.map(([, path]) => path).sort()).toEqual(
      ['/api/v1/openapi.json', '/healthz', '/readyz', '/sign-in', '/sign-out'].sort(),
    );
  });

  it('types coerced query values by what they must be, with default and bounds', () => {
    const { parameters } = operation('get', '/api/v1/runs/{id}/timeline');
    expect(parameters.find(({ name }) => name === 'points')).toMatchObject({
      in: 'query',
      required: false,
      schema: { type: 'integer', minimum: 1, maximum: 8192, default: 1000 },
    });
    expect(parameters.find(({ name }) => name === 'series')).toMatchObject({
      style: 'form',
      explode: false,
      schema: { type: 'array', default: ['loss'] },
    });
    const { parameters: ofSeries } = operation('get', '/api/v1/runs/{id}/layers/{index}/series');
    expect(ofSeries.find(({ name }) => name === 'metric')?.required).toBe(true);
  });

  it('forbids no further fields in replies, since fields may be added', () => {
    expect(document.components.schemas['Run']).not.toHaveProperty('additionalProperties');
    expect(document.components.schemas['Run']?.['required']).toContain('layers');
  });

  it('shows examples that the schemas accept', () => {
    const run = operation('post', '/api/v1/runs').requestBody?.content['application/json'];
    expect(createRunSchema.safeParse(run?.example).success).toBe(true);
    const frames = operation('post', '/api/v1/runs/{id}/frames').requestBody?.content;
    const body = z
      .object({ frames: z.array(jsonFrameSchema).min(1) })
      .safeParse(frames?.['application/json']?.example);
    expect(body.error).toBeUndefined();
  });

  it('lets an enum be null where it may be', () => {
    const incident = document.components.schemas['Incident']?.['properties'];
    const { closedBy } = z.object({ closedBy: z.looseObject({}) }).parse(incident);
    expect(closedBy).toEqual({
      type: ['string', 'null'],
      enum: ['recovered', 'run_ended', 'new_attempt', 'rule_changed', null],
      description: closedBy['description'],
    });
  });

  it('says of every read of attempts that there may be no such attempt', () => {
    for (const [method, path, { parameters, responses }] of operations()) {
      if (method !== 'get' || !parameters.some(({ name }) => name === 'attempt')) continue;
      expect(responses['404']?.['x-error-codes'], path).toContain('attempt_not_found');
    }
  });
});
