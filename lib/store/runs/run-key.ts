import { createHash } from 'node:crypto';

/** 16 bytes in the text form of a uuid. */
export function uuidText(bytes: Uint8Array): string {
  const hex = Buffer.from(bytes.buffer, bytes.byteOffset, 16).toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

/** The 16 bytes of a uuid's text form. */
export function uuidBytes(text: string): Buffer {
  return Buffer.from(text.replaceAll('-', ''), 'hex');
}

/** What a path or a query names may be anything; a key that is none would fail in Postgres. */
export function isUuid(text: string): boolean {
  return /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text);
}

/** First 16 bytes of the SHA-256 of `content`, as uuid text. */
export function hashKey(content: string | Uint8Array): string {
  return uuidText(createHash('sha256').update(content).digest());
}

/**
 * The key of a run in every table: no sequence, so that any node may make it, and no
 * look-up, so that a request finds its rows at once. Two ids that collide in 128 bits are
 * told apart by nobody; nobody will live to see two.
 */
export function runKeyOf(runId: string): string {
  return hashKey(runId);
}
