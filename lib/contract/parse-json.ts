import { AppError } from './app-error';
import { findUnstorableText } from './storable-text';

/** No body of the contract is deeper than 8; a config may be, within reason. */
const MAX_JSON_DEPTH = 64;

const decoder = new TextDecoder('utf-8', { fatal: true });

/**
 * Parses untrusted JSON text.
 *
 * Nesting is counted before parsing: what walks the value afterwards recurses, and a body
 * of a million brackets must be an answer of 422, not a stack overflow.
 *
 * Throws  AppError `invalid_body` with `path`
 * Cost    two passes over the text
 */
export function parseJson(bytes: Uint8Array, path: string): unknown {
  checkDepth(bytes, path);
  let text: string;
  try {
    text = decoder.decode(bytes);
  } catch (cause) {
    throw fault(path, 'expected UTF-8 text', cause);
  }
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw fault(
      path,
      `expected JSON: ${cause instanceof Error ? cause.message : 'unreadable'}`,
      cause,
    );
  }
}

/**
 * Parses untrusted JSON text that is going to be stored: no text in it, and no name of a
 * field, may hold what the database cannot.
 *
 * Throws  AppError `invalid_body` with the path of the text
 */
export function parseStorableJson(bytes: Uint8Array): unknown {
  const value = parseJson(bytes, 'body');
  const unstorable = findUnstorableText(value);
  if (unstorable === null) return value;
  throw fault(unstorable.path === '' ? 'body' : unstorable.path, unstorable.message);
}

function checkDepth(bytes: Uint8Array, path: string): void {
  let depth = 0;
  let inString = false;
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i];
    if (inString) {
      if (byte === 0x5c) i++;
      else if (byte === 0x22) inString = false;
    } else if (byte === 0x22) inString = true;
    else if (byte === 0x7b || byte === 0x5b) {
      if (++depth > MAX_JSON_DEPTH)
        throw fault(path, `expected at most ${MAX_JSON_DEPTH} levels of nesting`);
    } else if (byte === 0x7d || byte === 0x5d) depth--;
  }
}

function fault(path: string, message: string, cause?: unknown): AppError {
  return new AppError('invalid_body', `${path}: ${message}`, {
    details: [{ path, message }],
    cause,
  });
}
