/** Ranges of steps [from, to), ascending and apart. */
export interface Interval {
  readonly from: number;
  readonly to: number;
}

/** What of `whole` no part of `covered` holds. */
export function uncoveredOf(whole: Interval, covered: readonly Interval[]): Interval[] {
  const gaps: Interval[] = [];
  let from = whole.from;
  for (const part of covered.toSorted((a, b) => a.from - b.from)) {
    if (part.from > from) gaps.push({ from, to: Math.min(part.from, whole.to) });
    from = Math.max(from, part.to);
  }
  if (from < whole.to) gaps.push({ from, to: whole.to });
  return gaps;
}

export function overlaps(a: Interval, b: Interval): boolean {
  return a.from < b.to && b.from < a.to;
}
