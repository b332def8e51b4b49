import { describe, expect, it } from 'vitest';
import { checkHosts } from '@/workers/access/hosts';

const rules = { host: '10.1.2.3', allowedHosts: ['spikes.example.org', 'box:8443'] };
const refused = expect.objectContaining({ code: 'host_not_allowed' });

describe('checkHosts', () => {
  it.each([
    'localhost:3000',
    '127.0.0.1',
    '127.8.9.1:80',
    '[::1]:3000',
    '10.1.2.3:3000',
    'spikes.example.org',
    'spikes.example.org:443',
    'SPIKES.example.org',
    'box:8443',
  ])('serves Host %s', (host) => {
    expect(() => {
      checkHosts({ host }, rules);
    }).not.toThrow();
  });

  it.each([
    '',
    'evil.example',
    'box:80',
    'box',
    'localhost.evil.example',
    '127.0.0.1.evil.example',
    'user@localhost',
    'localhost/evil',
    '[::1',
  ])('refuses Host "%s" and names the setting', (host) => {
    expect(() => {
      checkHosts({ host }, rules);
    }).toThrow(refused);
    expect(() => {
      checkHosts({ host }, rules);
    }).toThrow(/SPIKESCOPE_ALLOWED_HOSTS/);
  });

  it.each(['https://evil.example', 'null', 'file://', 'http://localhost.evil.example'])(
    'refuses Origin %s even under a good Host',
    (origin) => {
      expect(() => {
        checkHosts({ host: 'localhost', origin }, rules);
      }).toThrow(refused);
    },
  );

  it('serves an Origin of ours, and none at all', () => {
    expect(() => {
      checkHosts({ host: 'localhost', origin: 'http://localhost:3000' }, rules);
      checkHosts({ host: 'spikes.example.org', origin: 'https://spikes.example.org' }, rules);
    }).not.toThrow();
  });
});
