import type { StepColumnView } from '@/lib/view/layer-view-model';
import { formatStep } from '@/lib/view/format-number';
import { DistributionChart } from './distribution-chart';
import styles from './step-column.module.css';

/** One chosen step: its distributions below each other. */
export function StepColumn({ column }: { readonly column: StepColumnView }) {
  return (
    <section
      className={styles['column']}
      data-main={column.isMain || undefined}
      aria-label={`Step ${column.step}, ${column.place}`}
    >
      <h2 className={styles['head']}>
        {formatStep(column.step)} <span className={styles['place']}>{column.place}</span>
      </h2>
      <p className={styles['facts']}>{column.facts}</p>
      {column.panels.map(({ kind, symbol, meaning, panel, std, dip }) => (
        <div key={kind} className={styles['panel']}>
          <p className={styles['label']}>
            <strong>{symbol}</strong>
            <span className={styles['meaning']}>{meaning}</span>
            <span className={styles['numbers']}>
              {std === null ? null : (
                <>
                  std <strong>{std}</strong>
                </>
              )}
              {dip === null ? null : (
                <>
                  {' '}
                  dip{' '}
                  <strong className={dip.isTwoPeaks ? styles['alarm'] : undefined}>
                    {dip.text}
                  </strong>
                </>
              )}
            </span>
          </p>
          {panel === null ? (
            <p className={styles['absent']}>Step {column.step} did not report it.</p>
          ) : (
            <>
              <DistributionChart panel={panel} />
              <p className={styles['notes']}>
                {panel.notes.map((note, index) => (
                  <span
                    key={note}
                    data-alarm={
                      (panel.nonFiniteCount > 0 && index === panel.notes.length - 1) || undefined
                    }
                  >
                    {note}
                  </span>
                ))}
              </p>
            </>
          )}
        </div>
      ))}
    </section>
  );
}
