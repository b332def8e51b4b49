/** Which parameters the query of a read may have: those that the published description names. */
import type { OpenApiDocument } from '../../lib/contract/openapi';

/** In the reply's headers, so that no body changes by what was misspelt. */
export const IGNORED_PARAMETERS_HEADER = 'X-Ignored-Parameters';

/** Enough to see what is wrong, and far below what a header may hold. */
const MAX_NAMES = 16;
const MAX_NAME_LENGTH = 128;

/** By method and path as routes have them, `GET /api/v1/runs/:id`. */
export type QueryParameters = ReadonlyMap<string, ReadonlySet<string>>;

export function queryParametersOf({ paths }: OpenApiDocument): QueryParameters {
  return new Map(
    Object.entries(paths).flatMap(([path, operations]) =>
      Object.entries(operations).map(([method, { parameters }]) => {
        const inQuery = parameters.filter((parameter) => parameter.in === 'query');
        const route = `${method.toUpperCase()} ${path.replace(/\{(\w+)\}/g, ':$1')}`;
        return [route, new Set(inQuery.map(({ name }) => name))] as const;
      }),
    ),
  );
}

/**
 * The parameters that a read does not know, as a header's value; null where it knows all. A
 * misspelt `fromstep=` would else be an answer to another question than was asked.
 */
export function ignoredParameters(
  query: URLSearchParams,
  known: ReadonlySet<string> | undefined,
): string | null {
  const names = [...new Set(query.keys())].filter((name) => known?.has(name) !== true);
  if (names.length === 0) return null;
  // Names may hold what a header cannot.
  return names
    .slice(0, MAX_NAMES)
    .map((name) => encodeURIComponent(name).slice(0, MAX_NAME_LENGTH))
    .join(', ');
}
