export const LAYER_ORDERS = ['model', 'type', 'first_mover', 'name'] as const;
export type LayerOrder = (typeof LAYER_ORDERS)[number];

/** What some orders go by, beside the names. */
export interface OrderFacts {
  /** [L] as "attn.c_attn": see `layer-types.ts`. */
  readonly types: readonly string[];
  /** Layer → step on which it first moved before the spike that is looked at. */
  readonly moverSteps: ReadonlyMap<number, number>;
}

export interface LayerSelection {
  /** Layer indices in the order to draw. */
  readonly indices: readonly number[];
  /** What is wrong with the filter, in words; the filter is then not applied. */
  readonly error: string | null;
}

/**
 * Filters by text (case aside) or `/regex/`, then orders: by the model; by type, types as
 * the model has them; by who moved first, the others after them; by name, where numbers
 * count as numbers: h.2 before h.10.
 */
export function selectLayers(
  names: readonly string[],
  filter: string,
  order: LayerOrder,
  facts: OrderFacts = { types: [], moverSteps: new Map() },
): LayerSelection {
  const { matches, error } = parseFilter(filter);
  const indices = names.flatMap((name, index) => (matches(name) ? [index] : []));
  const rank = rankBy(order, names, facts);
  if (rank !== null) indices.sort((a, b) => rank(a, b) || a - b);
  return { indices, error };
}

function rankBy(
  order: LayerOrder,
  names: readonly string[],
  { types, moverSteps }: OrderFacts,
): ((a: number, b: number) => number) | null {
  switch (order) {
    case 'model':
      return null;
    case 'type': {
      const first = new Map<string, number>();
      types.forEach((type, index) => first.set(type, first.get(type) ?? index));
      const at = (layer: number) => first.get(types[layer] ?? '') ?? layer;
      return (a, b) => at(a) - at(b);
    }
    case 'first_mover': {
      const at = (layer: number) => moverSteps.get(layer) ?? Number.MAX_SAFE_INTEGER;
      return (a, b) => at(a) - at(b);
    }
    case 'name': {
      const collator = new Intl.Collator('en', { numeric: true });
      return (a, b) => collator.compare(names[a] ?? '', names[b] ?? '');
    }
  }
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
