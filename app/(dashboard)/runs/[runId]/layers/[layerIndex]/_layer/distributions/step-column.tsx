import type { DipText, StepColumnView } from '@/lib/view/layer/layer-view-model';
import { formatStep } from '@/lib/view/text/format-number';
import { ChartMenu } from '@/app/_components/chart-menu/chart-menu';
import { StageChip } from '@/app/_components/stage-chip';
import { DistributionChart } from './distribution-chart';
import type { LayerCharts } from '../model/layer-charts';
import styles from './step-column.module.css';

function Numbers({ std, dip }: { readonly std: string | null; readonly dip: DipText | null }) {
  return (
    <span className={styles['numbers']}>
      {std === null ? null : (
        <>
          std <strong>{std}</strong>
        </>
      )}
      {dip === null ? null : (
        <>
          {' '}
          dip <strong className={dip.isTwoPeaks ? styles['alarm'] : undefined}>{dip.text}</strong>
        </>
      )}
    </span>
  );
}

/** One chosen step: its distributions below each other. */
export function StepColumn({
  column,
  stage,
  isGone,
  otherLabel,
  take,
}: {
  readonly column: StepColumnView;
  /** null where no stage was told. */
  readonly stage: string | null;
  /** Whether a storage policy let go of its values. */
  readonly isGone: boolean;
  /** What is laid over; null where nothing is. */
  readonly otherLabel: string | null;
  readonly take: LayerCharts['loss'];
}) {
  return (
    <section
      className={styles['column']}
      data-main={column.isMain || undefined}
      aria-label={`Step ${column.step}, ${column.place}`}
    >
      <div className={styles['head']}>
        <h2>
          {formatStep(column.step)} <span className={styles['place']}>{column.place}</span>
        </h2>
        <ChartMenu
          name={`Distributions at ${formatStep(column.step)}`}
          subject={(button) => take(button.closest('section'))}
        />
        {stage === null ? null : (
          <span className={styles['stage']}>
            <StageChip stage={stage} />
          </span>
        )}
      </div>
      <p className={styles['facts']}>
        {column.facts}
        {isGone ? `${column.facts === '' ? '' : ', '}its other numbers are gone` : null}
      </p>
      {column.panels.map(({ kind, symbol, meaning, panel, std, dip, other }) => (
        <div key={kind} className={styles['panel']}>
          <p className={styles['label']}>
            <strong>{symbol}</strong>
            <span className={styles['meaning']}>{meaning}</span>
            <Numbers std={std} dip={dip} />
          </p>
          {other === null || otherLabel === null ? null : (
            <p className={styles['other']}>
              <span className={styles['other_name']}>
                over it {otherLabel}
                {column.otherStep === null || column.otherStep === column.step
                  ? ''
                  : ` at ${formatStep(column.otherStep)}`}
              </span>
              <Numbers {...other} />
            </p>
          )}
          {panel === null ? (
            <p className={styles['absent']}>Step {formatStep(column.step)} did not report it.</p>
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
                {dip?.p === null || dip?.p === undefined ? null : (
                  <span title="Of the dip: how often one peak gives as large a one, for at most 10 000 coordinates">
                    {dip.p}
                  </span>
                )}
                <span className={styles['height']} title={panel.heightNote.unit}>
                  {panel.heightNote.text}
                  <span className="visually-hidden"> {panel.heightNote.unit}</span>
                </span>
              </p>
            </>
          )}
        </div>
      ))}
    </section>
  );
}
