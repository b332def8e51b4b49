import { describe, expect, it } from 'vitest';
import { judgeAddress } from '@/workers/alerts/outgoing/judge-address';

/** The first and the last address of each range that is refused, and why. */
const REFUSED: readonly [reason: string, ...addresses: string[]][] = [
  ['an address of this machine', '0.0.0.0', '0.255.255.255', '::'],
  ['a loopback address', '127.0.0.0', '127.0.0.1', '127.255.255.255', '::1'],
  ['a private address', '10.0.0.0', '10.255.255.255', '172.16.0.0', '172.31.255.255'],
  ['a private address', '192.168.0.0', '192.168.255.255', 'fc00::', 'fdff:ffff::1', 'fec0::1'],
  ['an address that carriers share', '100.64.0.0', '100.127.255.255'],
  ['a link-local address', '169.254.0.0', '169.254.255.255', 'fe80::', 'febf::1', 'fe80::1%eth0'],
  ['the metadata service of a cloud', '169.254.169.254', 'fd00:ec2::254', 'fd20:ce::254'],
  ['the metadata service of a cloud', '168.63.129.16', '100.100.100.200', '192.0.0.192'],
  ['an address for protocols', '192.0.0.0', '192.0.0.255', '192.31.196.1', '192.52.193.1'],
  ['an address for protocols', '192.175.48.1', '2001:1::1', '2001:1ff::1', '2620:4f:8000::1'],
  ['an address for documentation', '192.0.2.0', '192.0.2.255', '198.51.100.1', '203.0.113.255'],
  ['an address for documentation', '2001:db8::1', '3fff::1', '3fff:fff::1'],
  ['an address for benchmarks', '198.18.0.0', '198.19.255.255'],
  ['a relay of 6to4', '192.88.99.1'],
  ['a multicast address', '224.0.0.1', '239.255.255.255', 'ff00::', 'ff02::1'],
  ['a reserved address', '240.0.0.0', '255.255.255.254'],
  ['the broadcast address', '255.255.255.255'],
  ['an address of 6to4', '2002::', '2002:7f00:1::', '2002:0808:0808::1'],
  ['an address of Teredo', '2001::', '2001:0:4136:e378:8000:63bf:80ff:fffe'],
  ['a reserved address', '100::1', '100:0:0:1::1', '4000::1', '5f00::1', '8000::1', 'e000::1'],
  // An IPv4 address in an IPv6 one is judged as itself.
  ['a loopback address', '::ffff:127.0.0.1', '::ffff:7f00:1', '0:0:0:0:0:ffff:127.0.0.1'],
  ['the metadata service of a cloud', '::ffff:169.254.169.254', '64:ff9b::a9fe:a9fe'],
  ['a private address', '::ffff:10.0.0.1', '64:ff9b::192.168.1.1', '64:ff9b:1::8.8.8.8'],
  // The form that was withdrawn, whatever it holds.
  ['a reserved address', '::127.0.0.1', '::8.8.8.8', '::ffff:0:8.8.8.8'],
  ['no IP address', '', 'localhost', '127.1', '0x7f000001', '2130706433', '127.0.0.1 ', '1.2.3'],
];

/** Beside the ranges, and what the world has. */
const ALLOWED = [
  ...['1.0.0.0', '1.1.1.1', '8.8.8.8', '9.255.255.255', '11.0.0.0', '93.184.216.34'],
  ...['100.63.255.255', '100.128.0.0', '126.255.255.255', '128.0.0.0', '168.63.129.15'],
  ...['169.253.255.255', '169.255.0.0', '172.15.255.255', '172.32.0.0', '191.255.255.255'],
  ...['192.0.1.0', '192.0.3.0', '192.167.255.255', '192.169.0.0', '198.17.255.255', '198.20.0.0'],
  ...['203.0.112.255', '203.0.114.0', '223.255.255.255', '2000::1', '2001:200::1', '2003::1'],
  ...['2606:4700::1111', '2a00:1450:4001::200e', '2001:db7::1', '2001:db9::1', '3ffe::1'],
  ...['::ffff:8.8.8.8', '64:ff9b::8.8.8.8', '64:ff9b::808:808'],
];

describe('an address', () => {
  it.each(REFUSED.flatMap(([reason, ...all]) => all.map((address) => [address, reason] as const)))(
    '%s is refused as %s',
    (address, reason) => {
      expect(judgeAddress(address)).toBe(reason);
    },
  );

  it.each(ALLOWED)('%s may be reached', (address) => {
    expect(judgeAddress(address)).toBeNull();
  });
});
