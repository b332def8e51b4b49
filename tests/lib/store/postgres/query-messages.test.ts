import { expect, it } from 'vitest';
import { QueryMessages } from '@/lib/store/postgres/query-messages';

/** Messages as their types and payloads, by the lengths that they state. */
function split(bytes: Buffer): [string, Buffer][] {
  const messages: [string, Buffer][] = [];
  for (let at = 0; at < bytes.length;) {
    const end = at + 1 + bytes.readInt32BE(at + 1);
    messages.push([bytes.toString('latin1', at, at + 1), bytes.subarray(at + 5, end)]);
    at = end;
  }
  return messages;
}

const int16 = (value: number): Buffer => Buffer.from([value >> 8, value & 255]);
const int32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
};

function bound(name: string, values: readonly string[]): Buffer {
  const texts = values.map((value) => Buffer.from(value));
  return Buffer.concat([
    Buffer.from(`\0${name}\0`),
    ...[int16(0), int16(values.length)],
    ...texts.flatMap((text) => [int32(text.length), text]),
    ...[int16(1), int16(1)],
  ]);
}

it('lays messages out one behind the other, each with its length', () => {
  const messages = new QueryMessages();
  messages.parse('read_7', 'SELECT $1::text');
  messages.execute('read_7', ['größer', '', '{1,2}']);
  messages.execute('', []);
  messages.sync();
  expect(split(messages.take())).toEqual([
    ['P', Buffer.from('read_7\0SELECT $1::text\0\0\0')],
    ['B', bound('read_7', ['größer', '', '{1,2}'])],
    ['E', Buffer.alloc(5)],
    ['B', bound('', [])],
    ['E', Buffer.alloc(5)],
    ['S', Buffer.alloc(0)],
  ]);
});

it('begins anew once they were taken, and leaves to the taker what was taken', () => {
  const messages = new QueryMessages();
  for (const length of [1, 100_000, 10, 1_000_000]) {
    const values = ['Σ'.repeat(length), 'end'];
    const expected = bound('name', values);
    messages.execute('name', values);
    const first = messages.take();
    messages.execute('name', ['other']);
    const second = messages.take();
    expect(split(first)[0]?.[1].equals(expected)).toBe(true);
    expect(split(second)[0]).toEqual(['B', bound('name', ['other'])]);
  }
});
