import type { IncomingHttpHeaders } from 'node:http';
import { AppError } from '../../lib/contract/app-error';
import { isLoopback } from '../../lib/contract/loopback';

/**
 * Which names a browser may reach us under. A page of another site can make a browser
 * post here, and a name of its own can be rebound to this address; both show in the
 * Host or Origin header, so both must name us.
 */
export interface HostRules {
  /** The address we are bound to. */
  readonly host: string;
  /** Further `host` or `host:port`. */
  readonly allowedHosts: readonly string[];
}

interface Authority {
  readonly hostname: string;
  readonly port: string;
}

function parseAuthority(authority: string): Authority | null {
  const match = /^(\[[0-9a-fA-F:.]+\]|[^:/@\s]+)(?::(\d{1,5}))?$/.exec(authority.trim());
  if (match === null) return null;
  return { hostname: (match[1] ?? '').toLowerCase(), port: match[2] ?? '' };
}

function isAllowed(authority: string, { host, allowedHosts }: HostRules): boolean {
  const parsed = parseAuthority(authority);
  if (parsed === null) return false;
  const { hostname, port } = parsed;
  if (isLoopback(hostname) || hostname === host.toLowerCase()) return true;
  return allowedHosts.some((entry) => {
    const allowed = parseAuthority(entry);
    if (allowed?.hostname !== hostname) return false;
    return allowed.port === '' || allowed.port === port;
  });
}

function refuse(header: string, value: string): AppError {
  return new AppError(
    'host_not_allowed',
    `${header} ${value} is not served here. If it should be, add it to SPIKESCOPE_ALLOWED_HOSTS (host or host:port, comma-separated) and start again.`,
    {
      details: [
        { path: header.toLowerCase(), message: 'expected a host in SPIKESCOPE_ALLOWED_HOSTS' },
      ],
    },
  );
}

/** Throws AppError `host_not_allowed` for a foreign Host or Origin. A missing Origin is no browser. */
export function checkHosts(headers: IncomingHttpHeaders, rules: HostRules): void {
  const host = headers.host ?? '';
  if (!isAllowed(host, rules)) throw refuse('Host', host === '' ? '(none)' : host);
  const { origin } = headers;
  if (origin === undefined) return;
  const authority = /^https?:\/\/([^/]+)$/.exec(origin)?.[1];
  if (authority === undefined || !isAllowed(authority, rules)) throw refuse('Origin', origin);
}
