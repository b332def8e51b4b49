/** Wall times as people read them: in the reader's zone, with the zone named where it matters. */

/** Seconds east of UTC at a moment, which daylight saving makes a question of the moment. */
export type ZoneOffset = (unixSeconds: number) => number;

export const readersZone: ZoneOffset = (unixSeconds) =>
  new Date(unixSeconds * 1000).getTimezoneOffset() * -60;
export const utcZone: ZoneOffset = () => 0;

const MONTHS = 'Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec'.split(' ');
const MINUTE = 60;
const HOUR = 3600;
const DAY = 86_400;

/** A date whose UTC fields are the zone's local ones. */
function localDate(unixSeconds: number, zone: ZoneOffset): Date {
  return new Date((unixSeconds + zone(unixSeconds)) * 1000);
}

const twoDigits = (value: number): string => String(value).padStart(2, '0');
const dayText = (date: Date): string => `${date.getUTCDate()} ${MONTHS[date.getUTCMonth()] ?? ''}`;
const minuteText = (date: Date): string =>
  `${twoDigits(date.getUTCHours())}:${twoDigits(date.getUTCMinutes())}`;
const secondText = (date: Date): string => `${minuteText(date)}:${twoDigits(date.getUTCSeconds())}`;

/** "14:05:32". */
export function formatClockTime(unixSeconds: number, zone: ZoneOffset): string {
  return secondText(localDate(unixSeconds, zone));
}

/** "22 Nov 14:05:32"; in UTC it says so: "22 Nov 13:05:32 UTC". */
export function formatWallTime(unixSeconds: number, zone: ZoneOffset): string {
  const date = localDate(unixSeconds, zone);
  return `${dayText(date)} ${secondText(date)}${zone === utcZone ? ' UTC' : ''}`;
}

/** "22 Nov 2026". */
export function formatDay(unixSeconds: number, zone: ZoneOffset): string {
  const date = localDate(unixSeconds, zone);
  return `${dayText(date)} ${date.getUTCFullYear()}`;
}

/** "UTC", "UTC+1", "UTC−3:30". */
export function zoneName(unixSeconds: number, zone: ZoneOffset): string {
  const offset = zone(unixSeconds);
  if (offset === 0) return 'UTC';
  const hours = Math.floor(Math.abs(offset) / HOUR);
  const minutes = Math.round((Math.abs(offset) % HOUR) / MINUTE);
  return `UTC${offset < 0 ? '\u2212' : '+'}${hours}${minutes === 0 ? '' : `:${twoDigits(minutes)}`}`;
}

export interface TimeTick {
  readonly seconds: number;
  readonly text: string;
}

/** Distances that clocks and calendars are read by, in seconds. */
const INTERVALS = [1, 2, 5, 10, 15, 30]
  .concat([1, 2, 5, 10, 15, 30].map((minutes) => minutes * MINUTE))
  .concat([1, 2, 3, 6, 12].map((hours) => hours * HOUR))
  .concat([1, 2, 5, 10, 30, 90, 365].map((days) => days * DAY));

/**
 * At most `count` round times or so within [low, high], seconds. A tick at midnight, and
 * every tick of days, names the day.
 *
 * Empty  an empty or unordered domain gives no tick
 */
export function timeTicks(
  low: number,
  high: number,
  count: number,
  zone: ZoneOffset = readersZone,
): TimeTick[] {
  if (!(high > low) || count < 1) return [];
  const rough = (high - low) / count;
  const every = INTERVALS.find((interval) => interval >= rough) ?? INTERVALS.at(-1) ?? DAY;
  const ticks: TimeTick[] = [];
  // Round in local time: offsets are no multiples of hours everywhere.
  for (let local = Math.ceil((low + zone(low)) / every) * every; ; local += every) {
    const seconds = local - zone(local - zone(low));
    if (seconds > high) return ticks;
    if (seconds < low) continue;
    const date = localDate(seconds, zone);
    const isMidnight = date.getUTCHours() === 0 && date.getUTCMinutes() === 0;
    const isDay = every >= DAY || (isMidnight && date.getUTCSeconds() === 0);
    const text = isDay ? dayText(date) : every < MINUTE ? secondText(date) : minuteText(date);
    ticks.push({ seconds, text });
  }
}
