import { describe, expect, it } from 'vitest';
import { readServerAddress } from '@/workers/launcher/tools/server-address';
import { UsageError } from '@/workers/launcher/tools/usage-error';

const THEIRS = { SPIKESCOPE_URL: 'https://spikes.example.org/', SPIKESCOPE_TOKEN: 'theirs' };

describe('readServerAddress', () => {
  it('is this machine where nothing else is said', () => {
    const here = { url: 'http://127.0.0.1:3000', token: undefined };
    expect(readServerAddress({}, {})).toEqual(here);
    expect(readServerAddress({}, { SPIKESCOPE_URL: '', SPIKESCOPE_TOKEN: '' })).toEqual(here);
  });

  it('is that of the variables, without the slash at its end', () => {
    expect(readServerAddress({}, THEIRS)).toEqual({
      url: 'https://spikes.example.org',
      token: 'theirs',
    });
  });

  it('takes each option before its variable', () => {
    expect(readServerAddress({ url: 'http://10.0.0.7:3000' }, THEIRS)).toEqual({
      url: 'http://10.0.0.7:3000',
      token: 'theirs',
    });
    expect(readServerAddress({ token: 'mine' }, THEIRS).token).toBe('mine');
  });

  it.each([
    [{ url: 'localhost:3000' }, {}, '--url: expected a URL'],
    [{ url: '' }, THEIRS, '--url: expected a URL'],
    [{}, { SPIKESCOPE_URL: 'ftp://spikes' }, 'SPIKESCOPE_URL: expected a URL'],
    [{}, { SPIKESCOPE_URL: 'http://' }, 'got "http://"'],
  ])('says whether option or variable is none: %j %j', (given, environment, message) => {
    expect(() => readServerAddress(given, environment)).toThrow(UsageError);
    expect(() => readServerAddress(given, environment)).toThrow(message);
  });
});
