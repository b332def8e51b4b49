import type { SVGProps } from 'react';

/**
 * Marks of what happens to a run. Each kind has its own shape, so that none is told by
 * colour alone; all are drawn in a 12 × 12 box and coloured by their token.
 */
const MARK_KINDS = [
  'loss_spike',
  'outlier_batch',
  'divergence',
  'rms_spike',
  'warning',
  'checkpoint',
  'batch_skip',
  'learning_rate',
  'hyperparameter',
  'note',
  'attempt',
  'incident',
  'limit',
  'silence',
] as const;
export type MarkKind = (typeof MARK_KINDS)[number];

const COLOUR_OF_MARK: Readonly<Record<MarkKind, string>> = {
  loss_spike: 'var(--loss-spike)',
  outlier_batch: 'var(--outlier-batch)',
  divergence: 'var(--divergence)',
  rms_spike: 'var(--rms-spike)',
  warning: 'var(--outlier-batch)',
  checkpoint: 'var(--checkpoint)',
  batch_skip: 'var(--note)',
  learning_rate: 'var(--note)',
  hyperparameter: 'var(--note)',
  note: 'var(--note)',
  attempt: 'var(--accent)',
  incident: 'var(--text2)',
  limit: 'var(--outlier-batch)',
  silence: 'var(--outlier-batch)',
};

export const NAME_OF_MARK: Readonly<Record<MarkKind, string>> = {
  loss_spike: 'Loss spike',
  outlier_batch: 'Outlier batch',
  divergence: 'Divergence',
  rms_spike: 'RMS spike',
  warning: 'Warning',
  checkpoint: 'Checkpoint',
  batch_skip: 'Batch skipped',
  learning_rate: 'Learning rate changed',
  hyperparameter: 'Setting changed',
  note: 'Note',
  attempt: 'Restart',
  incident: 'Incident of an alert rule',
  limit: 'Value beyond its limit',
  silence: 'No data',
};

export function isMarkKind(kind: string): kind is MarkKind {
  return MARK_KINDS.some((known) => known === kind);
}

function MarkShape({ kind }: { readonly kind: MarkKind }) {
  switch (kind) {
    case 'loss_spike':
      return <path d="M6 1 11.4 11H.6z" fill="currentColor" />;
    case 'outlier_batch':
      return <path d="M6 1.2 10.8 6 6 10.8 1.2 6z" {...OUTLINE} />;
    case 'divergence':
      return <path d="m2 2 8 8M10 2l-8 8" {...OUTLINE} strokeWidth={2} />;
    case 'rms_spike':
      return <circle cx={6} cy={6} r={3.6} {...OUTLINE} strokeWidth={2} />;
    case 'warning':
      return <path d="M6 1.4 11 10.4H1zM6 4.6v3" {...OUTLINE} strokeWidth={1.3} />;
    case 'checkpoint':
      return <path d="M3 1.8h6M6 1.8v9" {...OUTLINE} />;
    case 'batch_skip':
      return <path d="M2 2.2 6.2 6 2 9.8zM9.4 2v8" {...OUTLINE} />;
    case 'learning_rate':
      return <path d="M1.5 3h4.2v6h4.8" {...OUTLINE} />;
    case 'hyperparameter':
      return <path d="M1.5 6h9M6 1.5v9" {...OUTLINE} />;
    case 'note':
      return <path d="M1.8 1.8h8.4v8.4H1.8zM4 4.6h4M4 7.2h4" {...OUTLINE} strokeWidth={1.2} />;
    case 'attempt':
      return <path d="M9.8 6a3.8 3.8 0 1 1-1.5-3M8.6.6v2.6H6" {...OUTLINE} />;
    case 'incident':
      return <path d="M1.6 9h8.8L9.2 7.4V4.8a3.2 3.2 0 0 0-6.4 0v2.6zM4.8 11h2.4" {...OUTLINE} />;
    case 'limit':
      return <path d="M1 5.4h10M6 11V1.4M3.6 3.8 6 1.4l2.4 2.4" {...OUTLINE} />;
    case 'silence':
      return <circle cx={6} cy={6} r={4.2} {...OUTLINE} strokeDasharray="2.4 2" />;
  }
}

const OUTLINE: SVGProps<SVGPathElement & SVGCircleElement> = {
  fill: 'none',
  stroke: 'currentColor',
  strokeWidth: 1.5,
};

/** The mark of a kind; `title` names it where no word stands beside. */
export function Mark({
  kind,
  size = 12,
  title,
}: {
  readonly kind: MarkKind;
  readonly size?: number;
  readonly title?: string;
}) {
  return (
    <svg
      width={size}
      height={size}
      viewBox="0 0 12 12"
      style={{ color: COLOUR_OF_MARK[kind], flex: 'none', display: 'block' }}
      {...(title === undefined ? { 'aria-hidden': true } : { role: 'img', 'aria-label': title })}
    >
      <MarkShape kind={kind} />
    </svg>
  );
}

/** Coloured word in the colour of a mark, as in "Loss spike open". */
export function colourOfMark(kind: MarkKind): string {
  return COLOUR_OF_MARK[kind];
}
