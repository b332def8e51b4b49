import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { isHostAllowed, withoutDot } from './allowed-hosts';
import { judgeAddress } from './judge-address';
import { OutgoingError } from './outgoing-error';

export interface ResolvedAddress {
  readonly address: string;
  readonly family: number;
}

/** All addresses of a name, in the order in which they are to be tried. */
export type Resolve = (hostname: string) => Promise<readonly ResolvedAddress[]>;

/** As this machine resolves every name, hosts file included; IPv4 first, since few racks route IPv6. */
export const resolveName: Resolve = (hostname) =>
  lookup(hostname, { all: true, order: 'ipv4first' });

/** More than a name of several regions has; each may take its time to refuse. */
const MAX_ADDRESSES = 4;

export interface AddressRules {
  /** `host` or `host:port`, named by the operator: their addresses are not judged. */
  readonly allowedHosts: readonly string[];
  readonly resolve: Resolve;
}

/**
 * The addresses that a request for `url` may connect to; nobody resolves the name again after.
 *
 * One address that is refused refuses the name: a name that leads into a private network and out of
 * it is an attack or a mistake, and to pick one of its addresses would hide either until the order
 * of an answer changes.
 *
 * Throws  OutgoingError
 */
export async function findAddresses(
  url: URL,
  { allowedHosts, resolve }: AddressRules,
): Promise<readonly ResolvedAddress[]> {
  const hostname = hostOf(url);
  const family = isIP(hostname);
  const addresses =
    family === 0 ? await resolveOrThrow(hostname, resolve) : [{ address: hostname, family }];
  if (addresses.length === 0) throw new OutgoingError(`the name ${hostname} has no address`);
  if (isHostAllowed(url, allowedHosts)) return addresses.slice(0, MAX_ADDRESSES);
  for (const { address } of addresses) {
    const reason = judgeAddress(address);
    if (reason !== null) throw new OutgoingError(refusal(url, reason));
  }
  return addresses.slice(0, MAX_ADDRESSES);
}

/** The name or address of a URL, without the brackets of IPv6 and without a last dot. */
export function hostOf(url: URL): string {
  const bare = url.hostname.startsWith('[') ? url.hostname.slice(1, -1) : url.hostname;
  return withoutDot(bare);
}

/** Says not which address it was: that would tell of a network that the reader may not see. */
export function refusal(url: URL, reason: string): string {
  const host = hostOf(url);
  const what = isIP(host) === 0 ? `${host} leads to ${reason}` : `${host} is ${reason}`;
  return (
    `${what}, and requests go to public addresses alone; ` +
    'whoever runs this server may allow the host in SPIKESCOPE_ALERT_ALLOWED_HOSTS'
  );
}

async function resolveOrThrow(
  hostname: string,
  resolve: Resolve,
): Promise<readonly ResolvedAddress[]> {
  try {
    return await resolve(hostname);
  } catch (cause) {
    throw new OutgoingError(`the name ${hostname} was not found`, { cause });
  }
}
