/**
 * Whether all is there that was posted about a run or found in it: spikes, warnings, events
 * and notes. Until then an empty list is no news, and none of it may be called quiet.
 */
export type HappeningsState =
  | { readonly kind: 'read' }
  | { readonly kind: 'reading' }
  | { readonly kind: 'failed'; readonly message: string };

interface Read {
  /** null until there was a reply. */
  readonly data: unknown;
  readonly error: { readonly message: string } | null;
}

/** A read that failed counts only while there is no earlier reply to stand on. */
export function stateOfHappenings(reads: readonly Read[]): HappeningsState {
  const missing = reads.filter(({ data }) => data === null);
  const failure = missing.find(({ error }) => error !== null)?.error;
  if (failure != null) return { kind: 'failed', message: failure.message };
  return { kind: missing.length === 0 ? 'read' : 'reading' };
}
