import { stageLabel } from '@/lib/view/stages/stage-label';
import type { StageSegment } from '@/lib/view/layer/stage-strip';
import styles from './stage-strip.module.css';

/** A stage without a letter is written out where there is room. */
const WIDE = 0.2;
/** Half a letter reads as another one; a single step of the usual 48 still has room. */
const NARROW = 0.02;

const percent = (share: number) => `${(share * 100).toFixed(3)}%`;

/** The layer's stages under the steps: a letter on its colour where it fits. */
export function StageStrip({ segments }: { readonly segments: readonly StageSegment[] }) {
  if (segments.length === 0) return null;
  return (
    <div
      className={styles['strip']}
      role="img"
      aria-label={`Stages: ${segments.map(({ title }) => title).join('; ')}`}
    >
      {segments.map(({ letter, from, to, title, stage }) => {
        const name = letter?.toLowerCase();
        return (
          <span
            key={`${stage} ${from}`}
            className={styles['segment']}
            title={title}
            style={{
              left: percent(from),
              width: percent(to - from),
              background:
                name !== undefined
                  ? `var(--stage-${name})`
                  : stage === 'diverged'
                    ? 'var(--divergence)'
                    : 'var(--raised)',
              color: name === undefined ? 'var(--text2)' : `var(--on-stage-${name})`,
            }}
          >
            {to - from < NARROW
              ? null
              : (letter ?? (to - from > WIDE ? stageLabel(stage).word : null))}
          </span>
        );
      })}
    </div>
  );
}
