export type LayerOrder = 'model' | 'name';

export interface LayerSelection {
  /** Layer indices in the order to draw. */
  readonly indices: readonly number[];
  /** What is wrong with the filter, in words; the filter is then not applied. */
  readonly error: string | null;
}

/**
 * Filters by text (case aside) or `/regex/`, then orders by the model or by name, where
 * numbers count as numbers: h.2 before h.10.
 */
export function selectLayers(
  names: readonly string[],
  filter: string,
  order: LayerOrder,
): LayerSelection {
  const { matches, error } = parseFilter(filter);
  const indices = names.flatMap((name, index) => (matches(name) ? [index] : []));
  if (order === 'name') {
    const collator = new Intl.Collator('en', { numeric: true });
    indices.sort((a, b) => collator.compare(names[a] ?? '', names[b] ?? '') || a - b);
  }
  return { indices, error };
}

function parseFilter(filter: string): {
  matches: (name: string) => boolean;
  error: string | null;
} {
  const text = filter.trim();
  if (text.length === 0) return { matches: () => true, error: null };
  const pattern = /^\/(.+)\/(i?)$/.exec(text);
  if (pattern === null) {
    const wanted = text.toLowerCase();
    return { matches: (name) => name.toLowerCase().includes(wanted), error: null };
  }
  try {
    const expression = new RegExp(pattern[1] ?? '', pattern[2]);
    return { matches: (name) => expression.test(name), error: null };
  } catch (cause) {
    return { matches: () => true, error: cause instanceof Error ? cause.message : 'unreadable' };
  }
}
