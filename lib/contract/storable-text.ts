import type { FaultDetail } from './app-error';

const LONE_SURROGATE = /\p{Surrogate}/u;

/** Why a text cannot be kept as it is, or null: PostgreSQL's text holds no U+0000, and UTF-8 no half pair. */
export function findTextFault(text: string): string | null {
  if (text.includes('\0')) return 'expected text without the character U+0000';
  if (LONE_SURROGATE.test(text)) return 'expected Unicode text; it holds half a surrogate pair';
  return null;
}

/** The first text within a parsed JSON value, names of fields too, that cannot be kept; or null. */
export function findUnstorableText(value: unknown): FaultDetail | null {
  const pending: { readonly value: unknown; readonly path: string }[] = [{ value, path: '' }];
  for (let entry = pending.pop(); entry !== undefined; entry = pending.pop()) {
    const { path } = entry;
    if (typeof entry.value === 'string') {
      const message = findTextFault(entry.value);
      if (message !== null) return { path, message };
    } else if (typeof entry.value === 'object' && entry.value !== null) {
      // The last goes in first, so that the fault that is named is the first of the body.
      for (const [key, inner] of Object.entries(entry.value).reverse()) {
        const message = findTextFault(key);
        const within = path === '' ? key : `${path}.${key}`;
        if (message !== null) return { path: printable(within), message };
        pending.push({ value: inner, path: within });
      }
    }
  }
  return null;
}

/** A path that can be logged and shown. */
function printable(path: string): string {
  return path.replaceAll('\0', '\\u0000').replaceAll(/\p{Surrogate}/gu, '\ufffd');
}
