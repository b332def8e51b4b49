/** Tries of a message before it is given up. */
export const MAX_TRIES = 12;

/** A receiver that restarts is back within seconds. */
const FIRST_DELAY_MS = 5_000;
const GROWTH = 3;
/** With it the last try comes 23 hours after the first: someone has slept and is back at work. */
const LONGEST_DELAY_MS = 6 * 3_600_000;
/** A quarter either way, so that messages that failed together do not come back together. */
const JITTER = 0.5;

/**
 * How long to wait after the `attempt`-th try failed, counted from 1: 5 s, 15 s, 45 s, … up to 6 h,
 * times 0.75…1.25; longer where the receiver asked for it, but not beyond 6 h.
 *
 * `random` is in [0, 1).
 */
export function retryDelayMs(
  attempt: number,
  {
    random,
    retryAfterSeconds,
  }: { readonly random: number; readonly retryAfterSeconds: number | null },
): number {
  const delayMs = Math.min(FIRST_DELAY_MS * GROWTH ** (attempt - 1), LONGEST_DELAY_MS);
  const askedMs = Math.min((retryAfterSeconds ?? 0) * 1000, LONGEST_DELAY_MS);
  return Math.max(askedMs, Math.round(delayMs * (1 + JITTER * (random - 0.5))));
}
