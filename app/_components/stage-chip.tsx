import { stageLabel } from '@/lib/view/stage-label';
import styles from './stage-chip.module.css';

/** A layer's stage: its letter on its colour, then the word; colour never stands alone. */
export function StageChip({ stage }: { readonly stage: string }) {
  const { letter, word } = stageLabel(stage);
  if (letter === null) return <span className={styles['quiet']}>{word}</span>;
  const name = letter.toLowerCase();
  return (
    <span className={styles['stage']}>
      <span
        className={styles['chip']}
        style={{ background: `var(--stage-${name})`, color: `var(--on-stage-${name})` }}
        aria-hidden="true"
      >
        {letter}
      </span>
      {word}
    </span>
  );
}
