import { z } from 'zod';

const EXPECTED = 'expected a URL such as postgres://user:password@db.example.org:5432/spikescope';
const ENCODED =
  'characters such as @ : / # ? % in a user or a password are written percent-encoded, # as %23';
const SSL_MODES = ['disable', 'prefer', 'require', 'verify-ca', 'verify-full', 'no-verify'];

/**
 * The driver checks certificates in all three, and warns at every start that it once will
 * not; libpq's weaker meanings are asked for with `uselibpqcompat=true`.
 */
const CHECKED_ALIKE = /([?&]sslmode=)(?:prefer|require|verify-ca)(?=&|$)/;

/** DATABASE_URL as the driver is to have it, or what keeps it from meaning what it says. */
export const databaseUrlSchema = z.string(EXPECTED).transform((text, context) => {
  const fault = findFault(text);
  if (fault !== null) {
    context.addIssue({ code: 'custom', message: fault });
    return z.NEVER;
  }
  if (text.includes('uselibpqcompat=true')) return text;
  return text.replace(CHECKED_ALIKE, '$1verify-full');
});

function findFault(text: string): string | null {
  if (!/^postgres(ql)?:\/\//.test(text)) return EXPECTED;
  if (!URL.canParse(text)) return `${EXPECTED}; ${ENCODED}`;
  const url = new URL(text);
  if (!isEncoded(url.username) || !isEncoded(url.password)) return `${EXPECTED}; ${ENCODED}`;
  const schema = url.searchParams.get('schema');
  if (schema !== null && schema !== 'public') {
    return `schema=${schema} cannot be: the tables are in the schema public; give Spikescope a database of its own`;
  }
  const sslMode = url.searchParams.get('sslmode');
  if (sslMode !== null && !SSL_MODES.includes(sslMode)) {
    return `sslmode=${sslMode} is none; expected one of ${SSL_MODES.join(', ')}`;
  }
  return null;
}

function isEncoded(text: string): boolean {
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    return false;
  }
}
