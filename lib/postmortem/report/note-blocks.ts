import type { Note } from '../../contract/notes';
import { formatStep } from '../../view/text/format-number';
import type { ReportBlock } from './report-document';

/** Nothing where nobody wrote anything. */
export function noteBlocks(notes: readonly Note[]): ReportBlock[] {
  if (notes.length === 0) return [];
  return [
    { kind: 'heading', level: 2, text: 'Notes' },
    ...notes.map((note): ReportBlock => ({
      kind: 'note',
      byline: bylineOf(note),
      markdown: note.markdown,
    })),
  ];
}

function bylineOf({
  author,
  editor,
  updatedAt,
  createdAt,
  fromStep,
  toStep,
  layer,
  revision,
}: Note): string {
  const time = (iso: string): string => `${iso.slice(0, 16).replace('T', ' ')} UTC`;
  const steps =
    fromStep === null
      ? ''
      : toStep === null
        ? `step ${formatStep(fromStep)}`
        : `steps ${formatStep(fromStep)} to ${formatStep(toStep)}`;
  return [
    `${author}, ${time(createdAt)}`,
    ...(revision > 1 ? [`changed by ${editor}, ${time(updatedAt)}`] : []),
    ...(layer === null ? [] : [`layer ${layer}`]),
    ...(steps === '' ? [] : [steps]),
  ].join(' · ');
}
