const FIRST_DELAY_MS = 500;
/** A worker that cannot start is tried twice a minute: soon enough after a repair, and quiet. */
const LONGEST_DELAY_MS = 30_000;
/** A process that served this long was healthy: its next death counts as the first. */
export const HEALTHY_AFTER_MS = 60_000;

/** The pause before a process is started again: 0.5 s after its first death in a row, doubled for each further one. */
export function restartDelayMs(deathsInARow: number): number {
  return Math.min(FIRST_DELAY_MS * 2 ** Math.max(0, deathsInARow - 1), LONGEST_DELAY_MS);
}
