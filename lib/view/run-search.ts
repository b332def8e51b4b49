/** What someone typed above the runs: text, `/regex/`, nothing, or a regex that is none. */
export type RunSearch =
  | { readonly kind: 'none' }
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'regex'; readonly pattern: RegExp }
  | { readonly kind: 'invalid'; readonly message: string };

export interface SearchableRun {
  readonly id: string;
  readonly name: string;
  readonly project: string;
  readonly tags: readonly string[];
}

/** Parses the field. A lone "/" or "/abc" is text still being typed, not a broken regex. */
export function parseRunSearch(typed: string): RunSearch {
  const text = typed.trim();
  if (text.length === 0) return { kind: 'none' };
  if (text.length < 3 || !text.startsWith('/') || !text.endsWith('/')) {
    return { kind: 'text', text: text.toLowerCase() };
  }
  try {
    return { kind: 'regex', pattern: new RegExp(text.slice(1, -1), 'i') };
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : 'unreadable';
    return { kind: 'invalid', message: reason.replace(/^Invalid regular expression: /, '') };
  }
}

/** Whether a run's id, name, project or a tag holds the text or matches the regex, in any case. */
export function matchesRun(search: RunSearch, run: SearchableRun): boolean {
  const fields = [run.id, run.name, run.project, ...run.tags];
  switch (search.kind) {
    case 'none':
    case 'invalid':
      // A pattern that cannot be read hides nothing; the field says what is wrong with it.
      return true;
    case 'text':
      return fields.some((field) => field.toLowerCase().includes(search.text));
    case 'regex':
      return fields.some((field) => search.pattern.test(field));
  }
}
