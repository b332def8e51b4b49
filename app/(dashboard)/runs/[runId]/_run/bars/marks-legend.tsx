import { STAGES_BY_SEVERITY } from '@/lib/contract/stages';
import { StageChip } from '@/app/_components/stage-chip';
import type { CellMark } from '../model/use-cell-marks';
import styles from '../run-screen.module.css';

/** Stages that are not marked: nothing is the matter, or nothing is known. */
const UNMARKED: readonly string[] = ['insufficient_data', 'healthy', 'diverged'];

/** What the marks on the cells say, while there are any. */
export function MarksLegend({
  marks,
  hasStages,
  hasMovers,
}: {
  readonly marks: readonly CellMark[];
  readonly hasStages: boolean;
  readonly hasMovers: boolean;
}) {
  if (marks.length === 0) return null;
  return (
    <div className={styles['marks']} role="group" aria-label="What the marks say">
      {!marks.includes('stages') ? null : hasStages ? (
        <>
          {STAGES_BY_SEVERITY.filter((stage) => !UNMARKED.includes(stage)).map((stage) => (
            <span key={stage}>
              <StageChip stage={stage} />
            </span>
          ))}
        </>
      ) : (
        <span>No layer of this run could be placed in a stage.</span>
      )}
      {!marks.includes('movers') ? null : hasMovers ? (
        <>
          <span>
            <Disc isFilled /> first mover of a spike
          </span>
          <span>
            <Disc isFilled={false} /> moved after it, before the peak
          </span>
        </>
      ) : (
        <span>No layer moved before a loss spike of this run.</span>
      )}
    </div>
  );
}

function Disc({ isFilled }: { readonly isFilled: boolean }) {
  return (
    <svg width={10} height={10} viewBox="0 0 10 10" aria-hidden>
      <circle
        cx={5}
        cy={5}
        r={isFilled ? 3.6 : 2.9}
        fill={isFilled ? 'var(--ink)' : 'none'}
        stroke="var(--ink)"
        strokeWidth={isFilled ? 0 : 1.4}
      />
    </svg>
  );
}
