const DAY_MS = 86_400_000;

/** "2026-W47": the ISO week of a moment, UTC. The year is that of the week's Thursday. */
export function isoWeekOf(moment: Date): string {
  const midnight = Date.UTC(moment.getUTCFullYear(), moment.getUTCMonth(), moment.getUTCDate());
  const thursday = midnight + (3 - ((moment.getUTCDay() + 6) % 7)) * DAY_MS;
  const year = new Date(thursday).getUTCFullYear();
  const week = 1 + Math.floor((thursday - Date.UTC(year, 0, 1)) / (7 * DAY_MS));
  return `${year}-W${String(week).padStart(2, '0')}`;
}

/** Monday 00:00 UTC to the next, exclusive; a week 53 that a year does not have is the next one's first. */
export function periodOfWeek(week: string): { readonly from: Date; readonly to: Date } {
  const year = Number(week.slice(0, 4));
  const number = Number(week.slice(6));
  const january4 = Date.UTC(year, 0, 4);
  const monday1 = january4 - ((new Date(january4).getUTCDay() + 6) % 7) * DAY_MS;
  const from = monday1 + (number - 1) * 7 * DAY_MS;
  return { from: new Date(from), to: new Date(from + 7 * DAY_MS) };
}
