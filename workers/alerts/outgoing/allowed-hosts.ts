/** A name or address as an operator or a URL writes it, with the port or without. */
interface Authority {
  readonly hostname: string;
  /** null: any. */
  readonly port: string | null;
}

/** `host`, `host:port`, `[v6]` or `[v6]:port`; null for what is none of them. */
function parseAuthority(text: string): Authority | null {
  const match = /^(\[[0-9a-fA-F:.]+\]|[^:/@\s[\]]+)(?::(\d{1,5}))?$/.exec(text.trim());
  const hostname = match?.[1];
  if (hostname === undefined) return null;
  // Spelled as a URL spells it, so that 127.1 and [0:0::1] mean what they mean there.
  const spelled = `http://${hostname}/`;
  if (!URL.canParse(spelled)) return null;
  return { hostname: withoutDot(new URL(spelled).hostname), port: match?.[2] ?? null };
}

/** Names that end in a dot are the same names, said to be whole. */
export function withoutDot(hostname: string): string {
  return hostname.endsWith('.') ? hostname.slice(0, -1) : hostname;
}

const DEFAULT_PORTS: Readonly<Record<string, string>> = { 'http:': '80', 'https:': '443' };

export function portOf(url: URL): string {
  return url.port === '' ? (DEFAULT_PORTS[url.protocol] ?? '') : url.port;
}

/** Whether the operator has named the host of this URL: then its addresses are not judged. */
export function isHostAllowed(url: URL, allowedHosts: readonly string[]): boolean {
  const hostname = withoutDot(url.hostname);
  return allowedHosts.some((entry) => {
    const allowed = parseAuthority(entry);
    if (allowed?.hostname !== hostname) return false;
    return allowed.port === null || allowed.port === portOf(url);
  });
}
