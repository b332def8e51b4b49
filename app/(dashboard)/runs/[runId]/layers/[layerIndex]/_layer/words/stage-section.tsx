import type { StageReason } from '@/lib/view/stages/stage-reason';
import type { StageCondition } from '@/lib/view/stages/stage-rules';
import { StageChip } from '@/app/_components/stage-chip';
import styles from './words-column.module.css';

function Conditions({ rows }: { readonly rows: readonly StageCondition[] }) {
  if (rows.length === 0) return null;
  return (
    <table className={styles['numbers']}>
      <tbody>
        {rows.map(({ label, value, asked }) => (
          <tr key={label}>
            <th scope="row">{label}</th>
            <td>{value}</td>
            <td>{asked}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** Why the stage machine says so, with the numbers that decided it; what comes next. */
export function StageSection({
  reason,
  outlook,
  isReading,
  failure,
}: {
  readonly reason: StageReason | null;
  readonly outlook: string | null;
  readonly isReading: boolean;
  /** Why stages could not be read; null while they can. */
  readonly failure: string | null;
}) {
  return (
    <>
      <h2>Why this stage</h2>
      {failure !== null ? (
        <p role="alert">Stages could not be read: {failure}</p>
      ) : reason === null ? (
        <p className={styles['quiet']}>
          {isReading ? 'Reading the stages.' : 'No stage was told at this step.'}
        </p>
      ) : (
        <>
          <p>
            <StageChip stage={reason.stage} />
          </p>
          <p>{reason.sentence}</p>
          <Conditions rows={reason.conditions} />
          {reason.beside === null ? null : (
            <>
              <p>{reason.beside.sentence}</p>
              <Conditions rows={reason.beside.conditions} />
            </>
          )}
        </>
      )}
      {outlook === null ? null : (
        <>
          <h2>Expected next</h2>
          <p>{outlook}</p>
        </>
      )}
    </>
  );
}
