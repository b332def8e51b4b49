import type { Environment } from '../../../lib/config/config';
import { UsageError } from './usage-error';

/** Where a tool that speaks HTTP finds the product, and what it shows there. */
export interface ServerAddress {
  /** Without a slash at its end. */
  readonly url: string;
  readonly token: string | undefined;
}

/**
 * Options as they were given, else the variables that the Python client reads; an empty
 * variable is one that is not set.
 *
 * Throws  UsageError naming the option or the variable
 */
export function readServerAddress(
  given: { readonly url?: string | undefined; readonly token?: string | undefined },
  { SPIKESCOPE_URL: url, SPIKESCOPE_TOKEN: token }: Environment,
): ServerAddress {
  const source = given.url === undefined ? 'SPIKESCOPE_URL' : '--url';
  const text = given.url ?? (url || 'http://127.0.0.1:3000');
  if (!/^https?:\/\//.test(text) || !URL.canParse(text)) {
    throw new UsageError(
      `${source}: expected a URL such as http://127.0.0.1:3000, got ${JSON.stringify(text)}`,
    );
  }
  return { url: text.replace(/\/+$/, ''), token: given.token ?? (token || undefined) };
}
