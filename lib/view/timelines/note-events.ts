import type { Note } from '../../contract/notes';
import type { RunEvent } from '../../contract/runs';

const MOST_CHARACTERS = 60;

/** Notes as events of a run, so that they stand on its timeline; those about a layer as a whole have no place there. */
export function toNoteEvents(notes: readonly Note[], newestAttempt: number): RunEvent[] {
  return notes.flatMap(({ id, fromStep, attempt, author, markdown, createdAt }): RunEvent[] =>
    fromStep === null
      ? []
      : [
          {
            ...{ id: `note ${id}`, step: fromStep, attempt: attempt ?? newestAttempt },
            ...{ kind: 'note', title: titleOf(author, markdown), detail: markdown, createdAt },
          },
        ],
  );
}

/** "ada: Rewound to 119 000": the first line, without its marks. */
function titleOf(author: string, markdown: string): string {
  const line = markdown.split('\n').find((text) => text.trim() !== '') ?? '';
  const plain = line
    .replace(/^[#>\-*+\s]+/, '')
    .replace(/[*`]/g, '')
    .trim();
  return `${author}: ${plain.length > MOST_CHARACTERS ? `${plain.slice(0, MOST_CHARACTERS - 1)}…` : plain}`;
}
