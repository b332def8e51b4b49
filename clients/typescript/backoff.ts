/** The first wait; a worker that restarts is back in about a second. */
const FIRST_WAIT_MS = 250;
/** The longest wait: a job notices within half a minute that its server is back. */
export const LONGEST_WAIT_MS = 30_000;
/** A Retry-After beyond this is taken for a mistake. */
const LONGEST_RETRY_AFTER_MS = 120_000;

/**
 * How long to wait before attempt `failureCount` + 1, doubling, half of it random so that
 * a thousand ranks do not come back in step.
 *
 * Units   milliseconds; `random` in [0, 1)
 */
export function backoffMs(
  failureCount: number,
  retryAfterMs: number | null,
  random: number,
): number {
  const ceiling = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** Math.max(0, failureCount - 1));
  const wait = ceiling * (0.5 + random / 2);
  if (retryAfterMs === null) return wait;
  // Never earlier than the server asks, and not all at once either.
  return Math.min(LONGEST_RETRY_AFTER_MS, retryAfterMs) + FIRST_WAIT_MS * random;
}

/** `Retry-After` in milliseconds: seconds or an HTTP date; null when it says nothing usable. */
export function parseRetryAfter(header: string | null, nowMs: number): number | null {
  if (header === null || header.trim() === '') return null;
  const seconds = Number(header);
  if (Number.isFinite(seconds)) return Math.max(0, seconds * 1000);
  const date = Date.parse(header);
  return Number.isNaN(date) ? null : Math.max(0, date - nowMs);
}
