'use client';

import type { Mitigation } from '@/lib/view/outlook/mitigation';
import styles from './side-panel.module.css';

/** What is there of what is known to come before spikes, and what the theory expects of it. */
export function ExpectationSection({
  precursors,
  rmsReach,
  expectation,
}: {
  readonly precursors: readonly string[];
  /** What RMS cannot show in this run; null where there is nothing to say. */
  readonly rmsReach: string | null;
  readonly expectation: string;
}) {
  return (
    <>
      <section className={styles['section']} aria-labelledby="precursors">
        <header className={styles['header']}>
          <h2 id="precursors">Precursors now</h2>
        </header>
        {precursors.length === 0 ? (
          <p className={styles['text']}>None of those that are known.</p>
        ) : (
          <ul className={styles['sentences']}>
            {precursors.map((sentence) => (
              <li key={sentence}>{sentence}</li>
            ))}
          </ul>
        )}
        {rmsReach === null ? null : <p className={styles['text']}>{rmsReach}</p>}
      </section>
      <section className={styles['section']} aria-labelledby="expected-next">
        <header className={styles['header']}>
          <h2 id="expected-next">Expected next</h2>
        </header>
        <p className={styles['text']}>{expectation}</p>
      </section>
    </>
  );
}

const SIGNS: Readonly<Record<Mitigation['standing'], { sign: string; words: string }>> = {
  offered: { sign: '✓', words: 'Its precondition holds' },
  unknown: { sign: '?', words: 'Its precondition cannot be checked' },
  not_now: { sign: '–', words: 'Its precondition does not hold' },
};

/** Remedies with their preconditions checked against this run. */
export function RemediesSection({
  mitigations,
  restart,
}: {
  readonly mitigations: readonly Mitigation[];
  /** What a restart may not have done; null where there is nothing to say. */
  readonly restart: string | null;
}) {
  const offered = mitigations.filter(({ standing }) => standing === 'offered');
  // There is something to undo and nothing known to go back to: that is no detail.
  const wanting = mitigations.filter(
    ({ key, standing }) => key === 'rewind' && standing === 'unknown',
  );
  const shown = [...offered, ...wanting];
  const others = mitigations.filter((mitigation) => !shown.includes(mitigation));
  return (
    <section className={styles['section']} aria-labelledby="remedies">
      <header className={styles['header']}>
        <h2 id="remedies">What can be done</h2>
        <span>
          {offered.length} of {mitigations.length}
        </span>
      </header>
      {shown.length === 0 ? (
        <p className={styles['text']}>No remedy is called for by what this run reports.</p>
      ) : (
        <RemedyList mitigations={shown} hasCaveats />
      )}
      {restart === null ? null : <p className={styles['text']}>{restart}</p>}
      <details className={styles['others']}>
        <summary>{others.length} others, and why not now</summary>
        <RemedyList mitigations={others} hasCaveats={false} />
      </details>
    </section>
  );
}

function RemedyList({
  mitigations,
  hasCaveats,
}: {
  readonly mitigations: readonly Mitigation[];
  readonly hasCaveats: boolean;
}) {
  return (
    <ul className={styles['remedies']}>
      {mitigations.map(({ key, title, standing, reason, caveat }) => (
        <li key={key} data-standing={standing} title={hasCaveats ? undefined : caveat}>
          <span aria-hidden>{SIGNS[standing].sign}</span>
          <span className="visually-hidden">{SIGNS[standing].words}. </span>
          <p>
            <b>{title}:</b> {reason}.{hasCaveats ? <small> {caveat}</small> : null}
          </p>
        </li>
      ))}
    </ul>
  );
}
