import { AppError } from '../../lib/contract/app-error';

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

export interface Route<Handler> {
  readonly method: Method;
  /** Segments after a colon are parameters, as in `/api/v1/runs/:id`. */
  readonly path: string;
  readonly handler: Handler;
}

export interface Match<Handler> {
  readonly handler: Handler;
  readonly params: Readonly<Record<string, string>>;
}

interface CompiledRoute<Handler> extends Route<Handler> {
  readonly segments: readonly string[];
}

/** Finds the route of a request. HEAD is answered as GET. */
export class Router<Handler> {
  private readonly routes: readonly CompiledRoute<Handler>[];

  constructor(routes: readonly Route<Handler>[]) {
    this.routes = routes.map((route) => ({ ...route, segments: route.path.split('/') }));
  }

  /** Throws AppError `not_found`, or `method_not_allowed` with what is. */
  match(method: string, pathname: string): Match<Handler> {
    const segments = pathname.split('/');
    const allowed: string[] = [];
    for (const route of this.routes) {
      const params = matchSegments(route.segments, segments);
      if (params === null) continue;
      if (route.method === method || (route.method === 'GET' && method === 'HEAD')) {
        return { handler: route.handler, params };
      }
      allowed.push(route.method);
    }
    if (allowed.length === 0) throw new AppError('not_found', `there is nothing at ${pathname}`);
    throw methodNotAllowed(method, pathname, allowed);
  }
}

/** `allowed` as routes have them; where GET is answered, so is HEAD. */
export function methodNotAllowed(
  method: string,
  pathname: string,
  allowed: readonly string[],
): AppError {
  return new AppError(
    'method_not_allowed',
    `${method} is not answered at ${pathname}; expected ${allowed.join(' or ')}`,
    { allowedMethods: allowed.flatMap((name) => (name === 'GET' ? ['GET', 'HEAD'] : [name])) },
  );
}

function matchSegments(
  pattern: readonly string[],
  segments: readonly string[],
): Record<string, string> | null {
  if (pattern.length !== segments.length) return null;
  const params: Record<string, string> = {};
  for (let i = 0; i < pattern.length; i++) {
    const expected = pattern[i] ?? '';
    const actual = segments[i] ?? '';
    if (expected.startsWith(':')) {
      const decoded = decodeSegment(actual);
      if (decoded === null) return null;
      params[expected.slice(1)] = decoded;
    } else if (expected !== actual) return null;
  }
  return params;
}

function decodeSegment(segment: string): string | null {
  try {
    const decoded = decodeURIComponent(segment);
    // Names hold no U+0000, and the database would refuse to look for one.
    return decoded.includes('\0') ? null : decoded;
  } catch {
    // A lone "%" names nothing that exists.
    return null;
  }
}
