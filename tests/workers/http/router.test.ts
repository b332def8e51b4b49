import { describe, expect, it } from 'vitest';
import type { AppError } from '@/lib/contract/app-error';
import { Router } from '@/workers/http/router';

const router = new Router([
  { method: 'GET', path: '/api/v1/runs', handler: 'list' },
  { method: 'POST', path: '/api/v1/runs', handler: 'create' },
  { method: 'GET', path: '/api/v1/runs/:id/layers/:index/series', handler: 'series' },
]);

describe('Router', () => {
  it('finds the handler and decodes the parameters', () => {
    expect(router.match('POST', '/api/v1/runs').handler).toBe('create');
    const match = router.match('GET', '/api/v1/runs/a%20b/layers/3/series');
    expect(match).toEqual({ handler: 'series', params: { id: 'a b', index: '3' } });
  });

  it('answers HEAD as GET', () => {
    expect(router.match('HEAD', '/api/v1/runs').handler).toBe('list');
  });

  it.each([
    ['GET', '/api/v1/nothing', 'not_found'],
    ['GET', '/api/v1/runs/', 'not_found'],
    ['GET', '/api/v1/runs/%/layers/3/series', 'not_found'],
    ['PUT', '/api/v1/runs', 'method_not_allowed'],
  ])('refuses %s %s with %s', (method, path, code) => {
    expect(() => router.match(method, path)).toThrow(expect.objectContaining({ code }));
  });

  it('says which methods are answered', () => {
    try {
      router.match('PUT', '/api/v1/runs');
    } catch (error) {
      expect((error as AppError).message).toContain('GET or POST');
    }
  });
});
