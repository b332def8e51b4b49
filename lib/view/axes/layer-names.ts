/**
 * Short names of layers: without the wrapper that all blocks share ("transformer.",
 * "module.model.") and without ".weight", as far as they stay apart from each other.
 */
export function shortLayerNames(names: readonly string[]): string[] {
  const prefix = sharedPrefix(names);
  const candidates = names.map((name) => {
    const stripped = name.startsWith(prefix) ? name.slice(prefix.length) : name;
    return stripped.endsWith('.weight') ? stripped.slice(0, -'.weight'.length) : stripped;
  });
  const uses = new Map<string, number>();
  for (const candidate of candidates) uses.set(candidate, (uses.get(candidate) ?? 0) + 1);
  return candidates.map((candidate, index) =>
    candidate.length > 0 && uses.get(candidate) === 1 ? candidate : (names[index] ?? candidate),
  );
}

/** A part of digits alone and the dot before it. */
const NUMBER = /(?:^|\.)\d+(?:\.|$)/;

/** The dotted prefix before the first number of a block, where every block has the same. */
function sharedPrefix(names: readonly string[]): string {
  let shared: string | null = null;
  for (const name of names) {
    const dot = name.search(NUMBER);
    // The word before the number stays: "h.0", "layers.3".
    const end = dot <= 0 ? 0 : name.lastIndexOf('.', dot - 1) + 1;
    if (end === 0) continue;
    if (shared === null) shared = name.slice(0, end);
    else if (shared.length !== end || !name.startsWith(shared)) return '';
  }
  return shared ?? '';
}
