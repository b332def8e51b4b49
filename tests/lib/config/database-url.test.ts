import { describe, expect, it } from 'vitest';
import { ConfigError, readDatabaseUrl } from '@/lib/config/config';

const read = (url: string) => readDatabaseUrl({ DATABASE_URL: url });

describe('readDatabaseUrl', () => {
  it('is null where none is named', () => {
    expect(readDatabaseUrl({})).toBeNull();
    expect(read('')).toBeNull();
  });

  it.each([
    'postgres://ana:pw@db.example.org:5432/spikes',
    'postgresql://ana@db.example.org/spikes?sslmode=disable',
    'postgres:///spikes?host=/var/run/postgresql',
    'postgres://we%20ird%40role:p%40s%3As%2Fw%23o%25r%3Fd%26@db.example.org/spikes',
    'postgres://ana:pw@db.example.org/spikes?schema=public',
    'postgres://ana:pw@db.example.org/spikes?uselibpqcompat=true&sslmode=require',
  ])('leaves %s as it is', (url) => {
    expect(read(url)).toBe(url);
  });

  it.each(['prefer', 'require', 'verify-ca'])(
    'says verify-full for %s, which the driver takes for the same and warns of',
    (mode) => {
      expect(read(`postgres://db/x?sslmode=${mode}&sslrootcert=/ca.pem`)).toBe(
        'postgres://db/x?sslmode=verify-full&sslrootcert=/ca.pem',
      );
    },
  );

  it.each([
    ['mysql://db/x', 'DATABASE_URL: expected a URL such as postgres://'],
    ['postgres://ana:p#w@db/x', 'percent-encoded'],
    ['postgres://ana:p/w@db/x', 'percent-encoded'],
    ['postgres://ana:p%w@db/x', 'percent-encoded'],
    ['postgres://db/x?schema=telemetry', 'schema=telemetry cannot be'],
    ['postgres://db/x?sslmode=always', 'expected one of disable, prefer, require'],
  ])('refuses %s, and says what it expected', (url, words) => {
    expect(() => read(url)).toThrow(ConfigError);
    expect(() => read(url)).toThrow(words);
  });
});
