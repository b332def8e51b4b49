/** A stretch of neighbouring layers with one label, as "emb", "h.0", …, "out". */
export interface LayerGroup {
  readonly label: string;
  /** [start, end) in the order that was given. */
  readonly start: number;
  readonly end: number;
  /** Its layers share one row, which shows the largest of them. */
  readonly isCollapsed?: boolean;
}

const blockOf = (name: string): string | null => /^(.*?\b\d+)(?:\.|$)/.exec(name)?.[1] ?? null;

/**
 * Groups layers, in the order given, by the numbered block their short name begins with.
 * What stands before the first block is "emb", what follows the last "out"; a stretch
 * between blocks bears its first word. Without blocks the first words are the groups.
 */
export function groupLayers(shortNames: readonly string[]): LayerGroup[] {
  const blocks = shortNames.map(blockOf);
  const first = blocks.findIndex((block) => block !== null);
  const last = blocks.findLastIndex((block) => block !== null);
  const labelOf = (index: number): string => {
    const block = blocks[index];
    if (block !== null && block !== undefined) return block;
    if (first !== -1 && index < first) return 'emb';
    if (first !== -1 && index > last) return 'out';
    return shortNames[index]?.split('.')[0] ?? '';
  };
  return groupByLabel(shortNames.map((_, index) => labelOf(index)));
}

/** Neighbours with one label are one group. */
export function groupByLabel(labels: readonly string[]): LayerGroup[] {
  const groups: LayerGroup[] = [];
  labels.forEach((label, index) => {
    const open = groups.at(-1);
    if (open?.label === label) groups[groups.length - 1] = { ...open, end: index + 1 };
    else groups.push({ label, start: index, end: index + 1 });
  });
  return groups;
}

/** The same groups, those with these labels closed. One of a single layer has nothing to close. */
export function collapseGroups(
  groups: readonly LayerGroup[],
  labels: readonly string[],
): LayerGroup[] {
  return groups.map((group) => ({
    ...group,
    isCollapsed: group.end - group.start > 1 && labels.includes(group.label),
  }));
}
