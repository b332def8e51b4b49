/**
 * Who may show a page of ours within a frame. Only a page that asks for it (`?embed=1`) may
 * be framed at all: by ourselves, and by the origins of the settings. Every other page may
 * not, since a page laid over it could borrow its viewer's clicks.
 */
const EMBED_PARAMETER = 'embed';

export function frameHeaders(
  query: URLSearchParams,
  embedOrigins: readonly string[],
): Readonly<Record<string, string>> {
  if (query.get(EMBED_PARAMETER) !== '1') {
    return { 'Content-Security-Policy': "frame-ancestors 'none'", 'X-Frame-Options': 'DENY' };
  }
  const ancestors = ["'self'", ...embedOrigins].join(' ');
  return {
    'Content-Security-Policy': `frame-ancestors ${ancestors}`,
    // The older header knows no list: where there is one, it would refuse what is allowed.
    ...(embedOrigins.length === 0 ? { 'X-Frame-Options': 'SAMEORIGIN' } : {}),
  };
}
