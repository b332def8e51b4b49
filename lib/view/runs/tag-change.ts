/** Tags that a person adds to runs and takes from them, told before anything is sent. */
export interface TagChange {
  readonly added: readonly string[];
  readonly removed: readonly string[];
}

export const NO_TAG_CHANGE: TagChange = { added: [], removed: [] };

/** The contract's bounds, said before the server has to. */
const LONGEST_TAG = 64;
const MOST_TAGS = 64;

export interface EditedTag {
  readonly name: string;
  /** "2 of 3"; null where all the runs have it. */
  readonly share: string | null;
}

export interface TaggedRun {
  readonly tags: readonly string[];
}

/** The tags of the runs once the change is made, in the order in which they come. */
export function prepareEditedTags(
  runs: readonly TaggedRun[],
  change: TagChange,
): readonly EditedTag[] {
  const counts = new Map<string, number>();
  for (const run of runs) {
    for (const tag of applyTagChange(run, change)) counts.set(tag, (counts.get(tag) ?? 0) + 1);
  }
  return Array.from(counts, ([name, count]) => ({
    name,
    share: count === runs.length ? null : `${count} of ${runs.length}`,
  }));
}

/** A run's tags after the change; each once. */
export function applyTagChange({ tags }: TaggedRun, { added, removed }: TagChange): string[] {
  return [...new Set([...tags, ...added])].filter((tag) => !removed.includes(tag));
}

/** Takes in what was typed: names between commas, the last wins over an earlier removal. */
export function addTags({ added, removed }: TagChange, typed: string): TagChange {
  const names = typed
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name.length > 0);
  return {
    added: [...new Set([...added, ...names])],
    removed: removed.filter((name) => !names.includes(name)),
  };
}

export function removeTag({ added, removed }: TagChange, name: string): TagChange {
  return {
    added: added.filter((other) => other !== name),
    removed: [...new Set([...removed, name])],
  };
}

/** What keeps a change from being sent, in words; null where nothing does. */
export function findTagFault(runs: readonly TaggedRun[], change: TagChange): string | null {
  const long = change.added.find((name) => name.length > LONGEST_TAG);
  if (long !== undefined) {
    return `“${long.slice(0, 24)}…” is ${long.length} characters long; a tag has at most ${LONGEST_TAG}.`;
  }
  const most = Math.max(0, ...runs.map((run) => applyTagChange(run, change).length));
  return most > MOST_TAGS ? `${most} tags; a run has at most ${MOST_TAGS}.` : null;
}
