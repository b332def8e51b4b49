/** Two lists of steps, as `0-63,128-191`, as one: ascending, those that meet joined; null for none. */
export function joinGaps(a: string | null, b: string | null): string | null {
  const joined: { from: number; to: number }[] = [];
  for (const gap of [...rangesOf(a), ...rangesOf(b)].sort((x, y) => x.from - y.from)) {
    const last = joined.at(-1);
    if (last !== undefined && gap.from <= last.to + 1) last.to = Math.max(last.to, gap.to);
    else joined.push(gap);
  }
  return joined.length === 0 ? null : joined.map(({ from, to }) => `${from}-${to}`).join(',');
}

function rangesOf(gaps: string | null): { from: number; to: number }[] {
  return (gaps?.split(',') ?? []).map((range) => {
    const [from = NaN, to = NaN] = range.split('-').map(Number);
    return { from, to };
  });
}
