import type { ReactNode } from 'react';
import { formatStep } from '@/lib/view/text/format-number';
import type { StepWords } from '@/lib/view/layer/layer-words';
import type { NumberRow } from '@/lib/view/layer/number-rows';
import styles from './words-column.module.css';

const KEYS = [
  ['← →', 'steps together'],
  ['[ ]', 'earlier, later'],
  ['J K', 'next, previous layer'],
  ['A', 'axis'],
  ['N', 'write a note'],
  ['Esc', 'back to the run'],
] as const;

/** The stage, the numbers of the selected step against theory, and each chosen step in sentences, notes. */
export function WordsColumn({
  stage,
  step,
  precision,
  gone,
  rows,
  words,
  notes,
}: {
  readonly stage: ReactNode;
  readonly step: number;
  /** That values are kept at fewer digits than they came with; null where they are not. */
  readonly precision: string | null;
  /** That a storage policy let go of the step's values; null where they are there. */
  readonly gone: string | null;
  readonly rows: readonly NumberRow[];
  readonly words: readonly StepWords[];
  readonly notes: ReactNode;
}) {
  return (
    <aside className={styles['words']} aria-label="In numbers and words">
      {stage}
      <h2>Numbers at {formatStep(step)}</h2>
      {rows.length === 0 ? (
        <p className={styles['quiet']}>{gone ?? 'No metric was posted for this step.'}</p>
      ) : (
        <table className={styles['numbers']}>
          <tbody>
            {rows.map(({ name, label, value, remark }) => (
              <tr key={name}>
                <th scope="row">{label}</th>
                <td>{value}</td>
                <td>{remark}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {precision === null ? null : <p className={styles['quiet']}>{precision}</p>}
      <h2>In words</h2>
      {words.map((entry) => (
        <p key={entry.step}>
          <strong>{formatStep(entry.step)}</strong>{' '}
          {entry.sentences.length === 0
            ? gone === null
              ? 'Nothing was posted to say more.'
              : 'What would say more is gone.'
            : entry.sentences.join(' ')}
        </p>
      ))}
      {notes}
      <ul className={styles['keys']}>
        {KEYS.map(([key, does]) => (
          <li key={key}>
            <kbd>{key}</kbd> {does}
          </li>
        ))}
      </ul>
    </aside>
  );
}
