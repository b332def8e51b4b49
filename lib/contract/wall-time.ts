/** The last second of the year 9999. */
export const LATEST_WALL_TIME = 253_402_300_799;

/**
 * Whether a posted `wall_time` is a time: Unix seconds from 1970 to 9999. It is stored as it
 * came, but a job that sends nanoseconds or garbage has none, and a date made of it would
 * break every reply that it stands in.
 */
export function isWallTime(unixSeconds: number): boolean {
  return unixSeconds >= 0 && unixSeconds <= LATEST_WALL_TIME;
}
