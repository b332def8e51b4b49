import type { IncomingMessage } from 'node:http';
import { AppError } from '../../lib/contract/app-error';
import { findTextFault } from '../../lib/contract/storable-text';

/** Path and query of a request. Throws AppError `bad_request` where its target is no URL. */
export function parseRequestUrl({ url }: IncomingMessage): URL {
  const target = url ?? '/';
  try {
    // A path that begins with two slashes is a path here, and no other host's.
    return new URL(
      target.startsWith('/') ? `http://localhost${target}` : target,
      'http://localhost',
    );
  } catch (cause) {
    throw new AppError('bad_request', `expected a path or a URL, got ${target.slice(0, 256)}`, {
      cause,
    });
  }
}

/**
 * The parameters of a query. One without a value was not given, as in `fromStep=&toStep=`;
 * of `ids` that is no name, so that a choice of nothing does not become all.
 *
 * Throws  AppError `invalid_query` for a parameter that is there twice, of which one would be
 *         lost, and for text that cannot be searched for
 */
export function readQuery(parameters: URLSearchParams): Record<string, string> {
  const query = new Map<string, string>();
  for (const [name, value] of parameters) {
    const message = query.has(name)
      ? 'expected once; lists are joined by commas'
      : findTextFault(value);
    if (message !== null) {
      throw new AppError('invalid_query', `${name}: ${message}`, {
        details: [{ path: name, message }],
      });
    }
    if (value.trim() !== '' || name === 'ids') query.set(name, value);
  }
  return Object.fromEntries(query);
}
