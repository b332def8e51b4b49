/** Something that is found by what it is called; `detail` says what it is. */
export interface Searchable {
  readonly label: string;
  readonly detail: string;
}

const NOT_FOUND = Infinity;

/**
 * The items that hold every typed word, the best first: those whose name begins with what was
 * typed, then those with a word that does, then those that hold it somewhere; names go before
 * details, and equals keep their order.
 *
 * Empty  nothing typed finds all, up to the limit
 * Cost   O(items × typed words)
 */
export function searchMatches<T extends Searchable>(
  items: readonly T[],
  typed: string,
  limit: number,
): readonly T[] {
  const words = typed.toLowerCase().split(/\s+/).filter(isWord);
  if (words.length === 0) return items.slice(0, limit);
  return items
    .map((item) => ({ item, rank: rankOf(item, words) }))
    .filter(({ rank }) => rank !== NOT_FOUND)
    .sort((a, b) => a.rank - b.rank)
    .slice(0, limit)
    .map(({ item }) => item);
}

const isWord = (text: string): boolean => text.length > 0;

/** 0 for the best; the worst of its words decides. */
function rankOf({ label, detail }: Searchable, words: readonly string[]): number {
  const name = label.toLowerCase();
  const about = detail.toLowerCase();
  return Math.max(...words.map((word, index) => rankOfWord(name, about, word, index === 0)));
}

function rankOfWord(name: string, about: string, word: string, isFirst: boolean): number {
  if (isFirst && name.startsWith(word)) return 0;
  const at = name.indexOf(word);
  if (at >= 0) return name.split(/[^\p{L}\p{N}]+/u).some((part) => part.startsWith(word)) ? 1 : 2;
  return about.includes(word) ? 3 : NOT_FOUND;
}
