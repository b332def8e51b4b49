/**
 * Short names of layers: without the wrapper that all blocks share ("transformer.",
 * "module.model.") and without ".weight", as far as they stay apart from each other.
 */
export function shortLayerNames(names: readonly string[]): string[] {
  const prefix = sharedPrefix(names);
  const candidates = names.map((name) => {
    const stripped = name.startsWith(prefix) ? name.slice(prefix.length) : name;
    return stripped.replace(/\.weight$/, '');
  });
  const uses = new Map<string, number>();
  for (const candidate of candidates) uses.set(candidate, (uses.get(candidate) ?? 0) + 1);
  return candidates.map((candidate, index) =>
    candidate.length > 0 && uses.get(candidate) === 1 ? candidate : (names[index] ?? candidate),
  );
}

/** The dotted prefix before the first number of a block, where every block has the same. */
function sharedPrefix(names: readonly string[]): string {
  let shared: string | null = null;
  for (const name of names) {
    const parts = name.split('.');
    const number = parts.findIndex((part) => /^\d+$/.test(part));
    // The word before the number stays: "h.0", "layers.3".
    if (number < 2) continue;
    const prefix = `${parts.slice(0, number - 1).join('.')}.`;
    if (shared === null) shared = prefix;
    else if (shared !== prefix) return '';
  }
  return shared ?? '';
}
