import { stageLabel } from '@/lib/view/stages/stage-label';
import styles from './stage-chip.module.css';

/** A stage's letter on its colour, by itself: the word is said beside it or read out. */
export function StageLetter({ stage }: { readonly stage: string }) {
  const { letter, word } = stageLabel(stage);
  if (letter === null) return null;
  const name = letter.toLowerCase();
  return (
    <span
      className={styles['large']}
      style={{ background: `var(--stage-${name})`, color: `var(--on-stage-${name})` }}
      role="img"
      aria-label={word}
      title={word}
    >
      {letter}
    </span>
  );
}

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
