import { describe, expect, it } from 'vitest';
import { AppError } from '@/lib/contract/app-error';
import { describeOutage, isOutage, toUnavailable } from '@/lib/store/postgres/outage';

const withCode = (code: string) => Object.assign(new Error('relation "secret"'), { code });

describe('isOutage', () => {
  it('is a server that cannot be reached, goes, is full, lost its files or takes only reads', () => {
    for (const code of ['08006', '57P01', '53100', '53300', '58030', '25006', '28P01'])
      expect(isOutage(withCode(code))).toBe(true);
    for (const code of ['ECONNREFUSED', 'EPIPE']) expect(isOutage(withCode(code))).toBe(true);
    expect(isOutage(new Error('Connection terminated unexpectedly'))).toBe(true);
  });

  it('is no fault of the request, no deadlock and no bug', () => {
    for (const code of ['23505', '22P02', '42P01', '40P01', 'XX000'])
      expect(isOutage(withCode(code))).toBe(false);
    expect(isOutage(new RangeError('out of range'))).toBe(false);
    expect(isOutage('ECONNREFUSED')).toBe(false);
  });
});

describe('describeOutage', () => {
  it('says what a person can act on, and nothing of the server’s own words', () => {
    expect(describeOutage(withCode('53100'))).toBe('the database has no space left on its disk');
    expect(describeOutage(withCode('25006'))).toBe('the database can only be read');
    expect(describeOutage(withCode('57P03'))).toBe('the database is being restarted');
    expect(describeOutage(withCode('ECONNREFUSED'))).toBe('the database cannot be reached');
  });
});

describe('toUnavailable', () => {
  it('finds the outage behind what has wrapped it, with a time to come back', () => {
    const wrapped = new Error('query failed', {
      cause: new Error('adapter', { cause: withCode('57P01') }),
    });
    expect(toUnavailable(wrapped)).toMatchObject({
      code: 'unavailable',
      message: 'the database is being restarted',
      retryAfterSeconds: 1,
      cause: wrapped,
    });
    expect(toUnavailable(withCode('P1001'))).toMatchObject({ code: 'unavailable' });
  });

  it('leaves bugs and what is known already as they are', () => {
    const bug = new TypeError('x is not a function');
    expect(toUnavailable(bug)).toBe(bug);
    const known = new AppError('run_not_found', 'none', { cause: withCode('08006') });
    expect(toUnavailable(known)).toBe(known);
  });
});
