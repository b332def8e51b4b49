import { describe, expect, it } from 'vitest';
import {
  CHANNEL_KINDS,
  EMPTY_CHANNEL,
  parseChannel,
  parseChannelPatch,
  placeFaults,
  splitAddresses,
} from '@/lib/view/alerts/channel-form';

const faultsOf = (parsed: ReturnType<typeof parseChannel>) =>
  parsed.kind === 'faults' ? [...parsed.faults.keys()] : [];

describe('parseChannel', () => {
  it('reads an address or recipients, by the kind', () => {
    const hook = { ...EMPTY_CHANNEL, name: ' on call ', url: ' https://example.org/h ' };
    expect(parseChannel(hook)).toEqual({
      kind: 'value',
      value: { name: 'on call', target: { kind: 'webhook', url: 'https://example.org/h' } },
    });
    const mail = parseChannel({
      ...hook,
      kind: 'email',
      to: 'ada@example.org; grace@example.org',
    });
    expect(mail).toMatchObject({
      value: { target: { kind: 'email', to: ['ada@example.org', 'grace@example.org'] } },
    });
  });

  it('sends a secret with a webhook alone', () => {
    const texts = { ...EMPTY_CHANNEL, name: 'a', url: 'https://x.org', secret: 'x'.repeat(16) };
    expect(parseChannel(texts)).toMatchObject({ value: { secret: texts.secret } });
    expect(parseChannel({ ...texts, kind: 'slack' })).not.toHaveProperty('value.secret');
  });

  it('names every field that is wrong', () => {
    expect(faultsOf(parseChannel({ ...EMPTY_CHANNEL, url: 'ftp://x', secret: 'short' }))).toEqual([
      'name',
      'target.url',
      'secret',
    ]);
    expect(
      faultsOf(parseChannel({ ...EMPTY_CHANNEL, name: 'a', kind: 'email', to: 'ada' })),
    ).toEqual(['target.to']);
  });
});

describe('parseChannelPatch', () => {
  it('leaves the target as it is where nothing was typed', () => {
    expect(parseChannelPatch({ ...EMPTY_CHANNEL, name: 'a' })).toEqual({
      kind: 'value',
      value: { name: 'a' },
    });
    expect(parseChannelPatch({ ...EMPTY_CHANNEL, name: 'a', url: 'nonsense' }).kind).toBe('faults');
  });
});

describe('placeFaults', () => {
  it('puts what the server says under its field, and the rest under none', () => {
    const details = [
      { path: 'target.to.3', message: 'no address' },
      { path: 'elsewhere', message: 'odd' },
    ];
    expect([...placeFaults(details, ['name', 'target.to'], 'refused')]).toEqual([
      ['target.to', 'no address'],
      ['', 'odd'],
    ]);
    expect([...placeFaults([], ['name'], 'refused')]).toEqual([['', 'refused']]);
  });
});

it('splits addresses however they are listed', () => {
  expect(splitAddresses('a@x.org,b@x.org\nc@x.org ; ')).toEqual(['a@x.org', 'b@x.org', 'c@x.org']);
  expect(CHANNEL_KINDS).toHaveLength(3);
});
