/** Why no connection came about, and what to do: for the person who starts the product. */

/** What passes when the server has come up, or the network: connection failures, starting, full. */
const PASSING = /^(?:08001|08006|57P0[123]|53...|E[A-Z]+)$/;

const UNTRUSTED = new Set([
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
]);

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string'
    ? error.code
    : '';
}

/** A name that has several addresses fails with an error of each, and with no message of its own. */
function messageOf(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(messageOf).join(', ');
  return error instanceof Error ? error.message : String(error);
}

/** A file that DATABASE_URL names and that is not there; a socket that is not there may come. */
function isMissingFile(error: unknown): boolean {
  return error instanceof Error && 'syscall' in error && error.syscall === 'open';
}

/** Whether the same attempt may succeed a little later, with nothing changed. */
export function isPassing(error: unknown): boolean {
  if (isMissingFile(error)) return false;
  return PASSING.test(codeOf(error)) || /timeout expired|terminated/.test(messageOf(error));
}

/** The driver's or the server's words, and what to look at. */
export function describeConnectionFailure(error: unknown): string {
  const words = messageOf(error);
  const advice = adviceFor(error, words);
  return advice === null ? words : `${words}. ${advice}`;
}

function adviceFor(error: unknown, words: string): string | null {
  const code = codeOf(error);
  if (isMissingFile(error)) return 'DATABASE_URL names this file.';
  if (UNTRUSTED.has(code)) {
    return (
      'This machine does not trust the server’s certificate: name the file of its authority in DATABASE_URL, ' +
      'sslmode=verify-full&sslrootcert=/path/ca.pem. sslmode=no-verify encrypts without asking who answers.'
    );
  }
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    return 'Use a name in DATABASE_URL that is in the server’s certificate.';
  }
  if (/does not support SSL/.test(words)) {
    return 'Leave sslmode out of DATABASE_URL, or turn TLS on at the server.';
  }
  if (/no encryption|SSL off/.test(words)) {
    return 'The server may want TLS: add ?sslmode=verify-full to DATABASE_URL.';
  }
  if (/password must be a string/.test(words)) {
    return 'The server asks for a password, and DATABASE_URL has none.';
  }
  if (/unsupported startup parameter/.test(words)) {
    return (
      'A connection pool stands before the server: for PgBouncer say ' +
      'pool_mode = session and ignore_startup_parameters = statement_timeout.'
    );
  }
  return adviceForCode(code);
}

function adviceForCode(code: string): string | null {
  switch (code) {
    case '28P01':
      return 'Are user and password right? In DATABASE_URL characters such as @ : / # ? % are percent-encoded.';
    case '28000':
      return 'The server’s pg_hba.conf decides who comes in from where.';
    case '3D000':
      return 'Make it first: createdb --encoding=UTF8 --owner=USER NAME';
    case '42501':
      return 'An administrator can let the user in: GRANT CONNECT ON DATABASE …';
    case '53300':
      return 'The server, the database or the user may have no more connections.';
    case 'ECONNREFUSED':
    case 'ENOENT':
      return 'Does the server run, and does it listen there?';
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return 'Is the host’s name right?';
    default:
      return null;
  }
}
