'use client';

import { compareMovers, compareStages } from '@/lib/view/comparison/compared-findings';
import { nameSide } from '@/lib/view/comparison/comparison-words';
import { formatNumber, formatSetting, formatStep } from '@/lib/view/text/format-number';
import { hasAttemptEnded, recoveryWord } from '@/lib/view/spikes/recovery-words';
import { spikeKindWord } from '@/lib/view/spikes/spike-facts';
import { StageChip } from '@/app/_components/stage-chip';
import type { SideData } from './use-side';
import styles from './compare.module.css';

const MOST_ROWS = 24;

/** What both were told, who moved first in each, and in which stages their layers stood. */
export function ComparedTables({
  left,
  right,
}: {
  readonly left: SideData;
  readonly right: SideData;
}) {
  const names = [nameSide(left, right), nameSide(right, left)];
  const movers = compareMovers(left, right);
  const stages = compareStages(left, right);
  return (
    <div className={styles['tables']}>
      <section aria-labelledby="at-zero">
        <h2 id="at-zero">At 0</h2>
        <table className={styles['table']}>
          <caption className="visually-hidden">What was found and told of both</caption>
          <Head first="" names={names} />
          <tbody>
            {factRows(left, right).map(([label, ...values]) => (
              <tr key={label}>
                <th scope="row">{label}</th>
                {values.map((value, index) => (
                  <td key={index}>{value}</td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </section>
      <section aria-labelledby="movers">
        <h2 id="movers">
          First movers <small>steps before the rise</small>
        </h2>
        {movers.length === 0 ? (
          <p className={styles['caption']}>
            {left.spike === null && right.spike === null
              ? 'No spike begins at either step: align both at an onset to see what moved first.'
              : 'No layer moved before either.'}
          </p>
        ) : (
          <table className={styles['table']}>
            <caption className="visually-hidden">Layers that moved first, and their leads</caption>
            <Head first="layer" names={names} />
            <tbody>
              {movers.slice(0, MOST_ROWS).map((row) => (
                <tr key={row.name}>
                  <th scope="row">{row.name}</th>
                  <td>{row.left ?? '–'}</td>
                  <td>{row.right ?? '–'}</td>
                </tr>
              ))}
            </tbody>
          </table>
        )}
        {movers.length > MOST_ROWS ? (
          <p className={styles['caption']}>{formatStep(movers.length - MOST_ROWS)} more layers.</p>
        ) : null}
      </section>
      <section aria-labelledby="stages">
        <h2 id="stages">
          Stages at 0 <small>layers that differ</small>
        </h2>
        {!stages.isKnown ? (
          <p className={styles['caption']}>Nothing is known of any layer’s stage at these steps.</p>
        ) : stages.different.length === 0 ? (
          <p className={styles['caption']}>
            {formatStep(stages.sameCount)} layers that both have stood in the same stage.
          </p>
        ) : (
          <table className={styles['table']}>
            <caption className="visually-hidden">Layers that stood in different stages</caption>
            <Head first="layer" names={names} />
            <tbody>
              {stages.different.slice(0, MOST_ROWS).map((row) => (
                <tr key={row.name}>
                  <th scope="row">{row.name}</th>
                  {[row.left, row.right].map((stage, index) => (
                    <td key={index}>{stage === null ? '–' : <StageChip stage={stage} />}</td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        )}
        {stages.different.length > MOST_ROWS ? (
          <p className={styles['caption']}>
            {formatStep(stages.different.length - MOST_ROWS)} more layers differ.
          </p>
        ) : null}
        {stages.aloneCount > 0 ? (
          <p className={styles['caption']}>
            Of {formatStep(stages.aloneCount)} layers only one of the two says a stage.
          </p>
        ) : null}
        {stages.different.length > 0 && stages.sameCount > 0 ? (
          <p className={styles['caption']}>
            {formatStep(stages.sameCount)} layers stood in the same.
          </p>
        ) : null}
      </section>
    </div>
  );
}

function Head({ first, names }: { readonly first: string; readonly names: readonly string[] }) {
  return (
    <thead>
      <tr>
        {first === '' ? <td /> : <th scope="col">{first}</th>}
        {names.map((name, index) => (
          <th key={index} scope="col" data-side={index === 0 ? 'left' : 'right'}>
            {name}
          </th>
        ))}
      </tr>
    </thead>
  );
}

function factRows(left: SideData, right: SideData): (readonly [string, string, string])[] {
  const row = (
    label: string,
    of: (data: SideData) => string,
  ): readonly [string, string, string] => [...([label, of(left), of(right)] as const)];
  const optimizerOf = ({ run, side }: SideData) =>
    run.attempts.find(({ attempt }) => attempt === side.attempt)?.optimizer ?? run.optimizer;
  const number = (value: number | undefined) => (value === undefined ? '–' : formatSetting(value));
  return [
    row('spike', ({ run, spike }) =>
      spike === null
        ? 'none begins here'
        : `${spikeKindWord(spike.kind)}, ${recoveryWord(spike.recovery, hasAttemptEnded(run, spike.attempt))}`,
    ),
    row('loss at 0', ({ loss, step }) => {
      const at = loss.find(({ fromStep, toStep }) => fromStep <= step && step <= toStep);
      return formatNumber(at?.max ?? null);
    }),
    row('peak', ({ spike }) => formatNumber(spike?.peakValue ?? null)),
    row('baseline', ({ spike }) => formatNumber(spike?.baseline ?? null)),
    row('β₁', (data) => number(optimizerOf(data).beta1)),
    row('β₂', (data) => number(optimizerOf(data).beta2)),
    row('ε', (data) => number(optimizerOf(data).epsilon)),
    row('started at', ({ run, side }) =>
      formatStep(
        run.attempts.find(({ attempt }) => attempt === side.attempt)?.resumeFromStep ?? null,
      ),
    ),
  ];
}
