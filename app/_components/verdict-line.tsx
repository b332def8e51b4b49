import type { ReactNode } from 'react';
import styles from './verdict-line.module.css';

export interface VerdictFact {
  readonly label: string;
  readonly value: ReactNode;
  readonly unit?: string;
}

/** One sentence of what is so, since when and how bad; key numbers or actions at the right. */
export function VerdictLine({
  mark,
  emphasis,
  emphasisColour,
  sentence,
  detail,
  facts = [],
  actions,
}: {
  readonly mark?: ReactNode;
  /** First words, in the colour of the event they name. */
  readonly emphasis?: string | null;
  readonly emphasisColour?: string;
  readonly sentence: ReactNode;
  readonly detail?: ReactNode;
  readonly facts?: readonly VerdictFact[];
  readonly actions?: ReactNode;
}) {
  return (
    <section className={styles['verdict']} aria-label="Verdict">
      {mark === undefined || mark === null ? null : <span className={styles['mark']}>{mark}</span>}
      <div className={styles['words']}>
        <h1 className={styles['sentence']}>
          {emphasis === undefined || emphasis === null ? null : (
            <span className={styles['emphasis']} style={{ color: emphasisColour }}>
              {emphasis}{' '}
            </span>
          )}
          {sentence}
        </h1>
        {detail === undefined || detail === null ? null : (
          <p className={styles['detail']}>{detail}</p>
        )}
      </div>
      {facts.length === 0 ? null : (
        <dl className={styles['facts']}>
          {facts.map((fact) => (
            <div key={fact.label} className={styles['fact']}>
              <dt>{fact.label}</dt>
              <dd>
                {fact.value}
                {fact.unit === undefined ? null : (
                  <span className={styles['unit']}> {fact.unit}</span>
                )}
              </dd>
            </div>
          ))}
        </dl>
      )}
      {actions === undefined ? null : <div className={styles['actions']}>{actions}</div>}
    </section>
  );
}
