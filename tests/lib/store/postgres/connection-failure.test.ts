import { describe, expect, it } from 'vitest';
import { describeConnectionFailure, isPassing } from '@/lib/store/postgres/connection-failure';

const failure = (code: string, message = 'said', more: object = {}) =>
  Object.assign(new Error(message), { code, ...more });

describe('describeConnectionFailure', () => {
  it.each([
    [failure('28P01'), 'Are user and password right?'],
    [failure('28000', 'no pg_hba.conf entry for host "x", no encryption'), 'sslmode=verify-full'],
    [failure('28000', 'role "x" is not permitted to log in'), 'pg_hba.conf decides'],
    [failure('3D000'), 'createdb --encoding=UTF8'],
    [failure('ECONNREFUSED'), 'Does the server run'],
    [failure('ENOTFOUND'), 'Is the host’s name right?'],
    [failure('SELF_SIGNED_CERT_IN_CHAIN'), 'sslrootcert=/path/ca.pem'],
    [failure('ERR_TLS_CERT_ALTNAME_INVALID'), 'in the server’s certificate'],
    [new Error('The server does not support SSL connections'), 'Leave sslmode out'],
    [failure('08P01', 'unsupported startup parameter: statement_timeout'), 'pool_mode = session'],
    [failure('ENOENT', 'no such file', { syscall: 'open' }), 'DATABASE_URL names this file'],
  ])('says what to do about %s', (error, advice) => {
    expect(describeConnectionFailure(error)).toContain(`${error.message}. `);
    expect(describeConnectionFailure(error)).toContain(advice);
  });

  it('has words for a name with several addresses, whose error has none', () => {
    const error = Object.assign(
      new AggregateError([failure('ECONNREFUSED', 'at ::1'), failure('ECONNREFUSED', 'at 127')]),
      { code: 'ECONNREFUSED' },
    );
    expect(describeConnectionFailure(error)).toContain('at ::1, at 127. Does the server run');
  });

  it('leaves what it does not know as it was said', () => {
    expect(describeConnectionFailure(new Error('odd'))).toBe('odd');
  });
});

describe('isPassing', () => {
  it.each(['57P03', '53300', 'ECONNREFUSED', 'ENOTFOUND', '08006'])('waits for %s', (code) => {
    expect(isPassing(failure(code))).toBe(true);
  });

  it('waits for a socket that is not there, and for no file', () => {
    expect(isPassing(failure('ENOENT', 'no such file', { syscall: 'connect' }))).toBe(true);
    expect(isPassing(failure('ENOENT', 'no such file', { syscall: 'open' }))).toBe(false);
  });

  it.each(['28P01', '28000', '3D000', '08P01', 'SELF_SIGNED_CERT_IN_CHAIN'])(
    'does not wait for %s',
    (code) => {
      expect(isPassing(failure(code))).toBe(false);
    },
  );
});
