import { describe, expect, it } from 'vitest';
import { buildOpenApi } from '@/lib/contract/openapi';
import { ROUTES } from '@/lib/contract/openapi-routes';
import {
  describeType,
  prepareApiReference,
  searchApiReference,
} from '@/lib/view/text/api-reference';

const view = prepareApiReference(buildOpenApi({ version: '0.1.0' }));
const routes = view.groups.flatMap((group) => group.routes);
const route = (id: string) => routes.find((candidate) => candidate.id === id)!;

describe('the reference', () => {
  it('shows every route of the document once, grouped', () => {
    expect(routes.map(({ id }) => id).sort()).toEqual(
      ROUTES.map(({ operationId }) => operationId).sort(),
    );
    expect(view.groups.map(({ name }) => name)).toEqual(['Write', 'Read', 'Manage', 'Operate']);
  });

  it('unfolds the fields of a body, arrays and maps included', () => {
    const { fields } = route('createRun').bodies[0]!;
    const field = (path: string) => fields.find((candidate) => candidate.path === path);
    expect(field('project')).toMatchObject({ isRequired: true });
    expect(field('optimizer.beta1')).toMatchObject({ type: 'number, 0 to 1', isRequired: false });
    expect(field('layers[].name')).toMatchObject({ isRequired: true });
    const frames = route('postFrames').bodies.find(({ mediaType }) => mediaType.includes('json'))!;
    expect(frames.fields.map(({ path }) => path)).toContain('frames[].histograms.<name>.edges');
  });

  it('lists the tensors of a binary body', () => {
    const binary = route('postFrames').bodies.find(({ tensors }) => tensors.length > 0)!;
    expect(binary.mediaType).toBe('application/vnd.safetensors');
    expect(binary.tensors.map(({ name }) => name)).toContain('sample/second_moment');
  });

  it('keeps errors apart from what succeeds, with the wait where there is one', () => {
    const { replies, errors } = route('postFrames');
    expect(replies.map(({ status }) => status)).toEqual(['200']);
    expect(errors.find(({ status }) => status === '429')).toEqual({
      status: '429',
      codes: ['writer_saturated'],
      hasRetryAfter: true,
    });
  });

  it('gives a line to copy, with a token only where one is asked for', () => {
    expect(route('readHealth').curl).toBe('curl -sS "$SPIKESCOPE_URL/healthz"');
    expect(route('readRun').curl).toContain('Authorization: Bearer');
    expect(route('createEvent').curl).toContain(`-d '{"step":400`);
  });

  it('finds routes by any of their words, all of them needed', () => {
    const found = (typed: string) =>
      searchApiReference(view.groups, typed).flatMap((group) => group.routes.map(({ id }) => id));
    expect(found('')).toHaveLength(routes.length);
    expect(found('WRITER_saturated')).toEqual(['postFrames']);
    expect(found('heatmap reduce')).toEqual(['readHeatmap']);
    expect(found('no such word')).toEqual([]);
  });
});

describe('a type in words', () => {
  it('says kind, bounds, choices and default', () => {
    expect(describeType({ type: 'integer', minimum: 1, maximum: 8192, default: 1000 })).toBe(
      'integer, 1 to 8192, default 1000',
    );
    expect(describeType({ type: ['string', 'null'], format: 'date-time' })).toBe(
      'string or null (date-time)',
    );
    expect(describeType({ type: 'array', items: { type: 'number' } })).toBe('array of number');
    expect(describeType({ type: 'string', pattern: '^[a-z]+$' })).toBe('string, matches ^[a-z]+$');
    expect(describeType({ enum: ['max', 'min'] })).toBe('one of max, min');
    expect(describeType({ anyOf: [{ const: 'effective' }, { type: 'integer', minimum: 1 }] })).toBe(
      'effective or integer, ≥ 1',
    );
    expect(describeType({ $ref: '#/components/schemas/Run' })).toBe('Run');
    expect(describeType({})).toBe('any');
  });
});
