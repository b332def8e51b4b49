import { expect, it } from 'vitest';
import { isHostAllowed } from '@/workers/alerts/outgoing/allowed-hosts';

it.each([
  ['http://hooks.lan/x', 'hooks.lan', true],
  ['http://HOOKS.lan./x', 'hooks.lan', true],
  ['http://hooks.lan/x', 'Hooks.LAN', true],
  ['http://hooks.lan:8080/x', 'hooks.lan', true],
  ['http://hooks.lan:8080/x', 'hooks.lan:8080', true],
  ['http://hooks.lan/x', 'hooks.lan:80', true],
  ['https://hooks.lan/x', 'hooks.lan:443', true],
  ['https://hooks.lan/x', 'hooks.lan:80', false],
  ['http://hooks.lan:8081/x', 'hooks.lan:8080', false],
  ['http://evil.hooks.lan/', 'hooks.lan', false],
  ['http://hooks.lan.evil/', 'hooks.lan', false],
  ['http://hooks.lan@evil.org/', 'hooks.lan', false],
  ['http://127.1:90/', '127.0.0.1:90', true],
  ['http://127.0.0.1/', '0x7f.1', true],
  ['http://[0:0::1]:90/', '[::1]:90', true],
  ['http://[::1]/', '[::2]', false],
  ['http://x/', 'not a host', false],
])('%s by %s: %s', (url, entry, expected) => {
  expect(isHostAllowed(new URL(url), ['other', entry])).toBe(expected);
});
