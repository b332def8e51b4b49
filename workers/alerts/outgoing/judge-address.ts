/**
 * Which addresses a request may go to that somebody else asked for: those of the public
 * internet, and no others. A server that posts wherever it is told is a way into the network
 * that it stands in, to the keys that a cloud hands out at 169.254.169.254 first of all.
 *
 * The ranges are those of IANA's registries of special-purpose addresses, IPv4 and IPv6, with
 * multicast and the addresses that clouds answer on themselves. Of IPv6 only 2000::/3 is
 * assigned to anybody, so all else is refused without being listed.
 */
import { BlockList, isIPv4, isIPv6 } from 'node:net';

type Range = readonly [network: string, prefix: number, name: string];

/** The narrower before the wider: the first that matches names the reason. */
const RANGES_V4: readonly Range[] = [
  ['169.254.169.254', 32, 'the metadata service of a cloud'],
  ['168.63.129.16', 32, 'the metadata service of a cloud'],
  ['100.100.100.200', 32, 'the metadata service of a cloud'],
  ['192.0.0.192', 32, 'the metadata service of a cloud'],
  ['0.0.0.0', 8, 'an address of this machine'],
  ['127.0.0.0', 8, 'a loopback address'],
  ['10.0.0.0', 8, 'a private address'],
  ['172.16.0.0', 12, 'a private address'],
  ['192.168.0.0', 16, 'a private address'],
  ['100.64.0.0', 10, 'an address that carriers share'],
  ['169.254.0.0', 16, 'a link-local address'],
  ['192.0.0.0', 24, 'an address for protocols'],
  ['192.0.2.0', 24, 'an address for documentation'],
  ['198.51.100.0', 24, 'an address for documentation'],
  ['203.0.113.0', 24, 'an address for documentation'],
  ['192.31.196.0', 24, 'an address for protocols'],
  ['192.52.193.0', 24, 'an address for protocols'],
  ['192.88.99.0', 24, 'a relay of 6to4'],
  ['192.175.48.0', 24, 'an address for protocols'],
  ['198.18.0.0', 15, 'an address for benchmarks'],
  ['224.0.0.0', 4, 'a multicast address'],
  ['255.255.255.255', 32, 'the broadcast address'],
  ['240.0.0.0', 4, 'a reserved address'],
];

const RANGES_V6: readonly Range[] = [
  ['::', 128, 'an address of this machine'],
  ['::1', 128, 'a loopback address'],
  ['fd00:ec2::254', 128, 'the metadata service of a cloud'],
  ['fd20:ce::254', 128, 'the metadata service of a cloud'],
  ['fc00::', 7, 'a private address'],
  ['fe80::', 10, 'a link-local address'],
  ['fec0::', 10, 'a private address'],
  ['ff00::', 8, 'a multicast address'],
  ['64:ff9b:1::', 48, 'a private address'],
  // Both carry an IPv4 address to a relay that nobody runs any more; a name that gives one is up to something.
  ['2001::', 32, 'an address of Teredo'],
  ['2002::', 16, 'an address of 6to4'],
  ['2001::', 23, 'an address for protocols'],
  ['2001:db8::', 32, 'an address for documentation'],
  ['3fff::', 20, 'an address for documentation'],
  ['2620:4f:8000::', 48, 'an address for protocols'],
];

const listsOf = (ranges: readonly Range[], family: 'ipv4' | 'ipv6') =>
  ranges.map(([network, prefix, name]) => {
    const list = new BlockList();
    list.addSubnet(network, prefix, family);
    return { list, name };
  });
const LISTS_V4 = listsOf(RANGES_V4, 'ipv4');
const LISTS_V6 = listsOf(RANGES_V6, 'ipv6');

const GLOBAL_UNICAST = new BlockList();
GLOBAL_UNICAST.addSubnet('2000::', 3, 'ipv6');

/** Prefixes, in groups of 16 bits, behind which the last 32 bits are the IPv4 address that is meant. */
const EMBEDDING_V4 = [
  [0, 0, 0, 0, 0, 0xffff],
  [0x64, 0xff9b, 0, 0, 0, 0],
];

/**
 * Why no request may go to this address, in words; null when one may.
 *
 * `address` is an IP address as a resolver or a URL names it. What is none is refused.
 */
export function judgeAddress(address: string): string | null {
  const [bare = ''] = address.split('%', 1);
  if (isIPv4(bare)) return findReason(LISTS_V4, bare, 'ipv4');
  if (!isIPv6(bare)) return 'no IP address';
  const embedded = embeddedAddress(bare);
  if (embedded !== null) return findReason(LISTS_V4, embedded, 'ipv4');
  const reason = findReason(LISTS_V6, bare, 'ipv6');
  if (reason !== null) return reason;
  return GLOBAL_UNICAST.check(bare, 'ipv6') ? null : 'a reserved address';
}

function findReason(
  lists: typeof LISTS_V4,
  address: string,
  family: 'ipv4' | 'ipv6',
): string | null {
  return lists.find(({ list }) => list.check(address, family))?.name ?? null;
}

/** The IPv4 address that a mapped one or one of NAT64 stands for. */
function embeddedAddress(address: string): string | null {
  const groups = groupsOf(address);
  const isEmbedding = EMBEDDING_V4.some((prefix) =>
    prefix.every((group, index) => groups[index] === group),
  );
  if (!isEmbedding) return null;
  return [6, 7]
    .flatMap((index) => {
      const group = groups[index] ?? 0;
      return [group >> 8, group & 0xff];
    })
    .join('.');
}

/** The eight groups of an IPv6 address. */
function groupsOf(address: string): number[] {
  // A URL writes every spelling, dotted ends included, in the one short form.
  const canonical = new URL(`http://[${address}]/`).hostname.slice(1, -1);
  const [head = '', tail = ''] = canonical.split('::');
  const toGroups = (text: string) =>
    text === '' ? [] : text.split(':').map((group) => Number.parseInt(group, 16));
  const first = toGroups(head);
  const last = toGroups(tail);
  if (!canonical.includes('::')) return first;
  return [...first, ...Array<number>(8 - first.length - last.length).fill(0), ...last];
}
