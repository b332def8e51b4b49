import { describe, expect, it } from 'vitest';
import { buildOpenApi } from '@/lib/contract/openapi';
import { ADVICE_READ_ROUTES } from '@/workers/api/advice-reads';
import { ignoredParameters, queryParametersOf } from '@/workers/api/query-parameters';
import { READ_ROUTES } from '@/workers/api/read-routes';

const parameters = queryParametersOf(buildOpenApi({ version: '1.0.0' }));
const ignored = (query: string, path: string): string | null =>
  ignoredParameters(new URLSearchParams(query), parameters.get(`GET ${path}`));

describe('parameters of a query', () => {
  it('are described of every read', () => {
    const routes = [...READ_ROUTES, ...ADVICE_READ_ROUTES].map(
      ({ method, path }) => `${method} ${path}`,
    );
    expect(routes.filter((route) => !parameters.has(route))).toEqual([]);
  });

  it('are all known where they are spelt as they are described', () => {
    const query = 'series=loss&fromStep=1&toStep=&points=10&attempt=effective';
    expect(ignored(query, '/api/v1/runs/:id/timeline')).toBeNull();
    expect(ignored('', '/api/v1/projects')).toBeNull();
  });

  it('are told, each once, where a read does not know them', () => {
    const path = '/api/v1/runs/:id/timeline';
    expect(ignored('fromstep=1&points=10&to_step=3&fromstep=2', path)).toBe('fromstep, to_step');
    expect(ignored('limit=1', '/api/v1/projects')).toBe('limit');
  });

  it('are told in what a header can hold', () => {
    expect(ignored('a%0d%0aSet-Cookie:%20b=1&%E2%82%AC=1', '/api/v1/projects')).toBe(
      'a%0D%0ASet-Cookie%3A%20b, %E2%82%AC',
    );
    const many = Array.from({ length: 100 }, (_, at) => `${'n'.repeat(200)}${at}=1`).join('&');
    const names = ignored(many, '/api/v1/projects')?.split(', ') ?? [];
    expect(names).toHaveLength(16);
    expect(Math.max(...names.map(({ length }) => length))).toBe(128);
  });
});
