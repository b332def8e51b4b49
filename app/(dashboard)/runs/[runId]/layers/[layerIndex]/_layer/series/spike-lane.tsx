'use client';

import type { Spike } from '@/lib/contract/reads';
import { nameOfSpike, prepareSpikeMarks } from '@/lib/view/layer/spike-steps';
import type { TraceWindow } from '@/lib/view/timelines/trace';
import { Mark } from '@/app/_design/marks';
import { SelectMenu } from '@/app/_components/select-menu';
import styles from './spike-lane.module.css';

/** A button is 24 px wide: nearer ones would cover each other. */
const LEAST_DISTANCE_PX = 24;

/** The spikes of the window, each one click away from before, at and after. */
export function SpikeLane({
  spikes,
  window,
  widthPx,
  onChoose,
}: {
  readonly spikes: readonly Spike[];
  readonly window: TraceWindow;
  readonly widthPx: number;
  readonly onChoose: (spike: Spike) => void;
}) {
  const marks = prepareSpikeMarks(spikes, window, LEAST_DISTANCE_PX / Math.max(1, widthPx));
  return (
    <div className={styles['lane']}>
      {marks.map(({ spike, x, label }) => (
        <button
          key={spike.id}
          type="button"
          className={styles['mark']}
          style={{ left: `${(x * 100).toFixed(3)}%` }}
          aria-label={`${label}: before, at and after`}
          title={`${label}: before, at and after`}
          onClick={() => onChoose(spike)}
        >
          <Mark kind={spike.kind} />
        </button>
      ))}
    </div>
  );
}

/** Every spike of the run, those outside of the window too. */
export function SpikeMenu({
  spikes,
  onChoose,
}: {
  readonly spikes: readonly Spike[];
  readonly onChoose: (spike: Spike) => void;
}) {
  if (spikes.length === 0) return null;
  const byStep = [...spikes].sort((a, b) => a.onsetStep - b.onsetStep);
  return (
    <SelectMenu
      label="Before, at and after a spike"
      value=""
      options={[
        { value: '', label: 'Go to a spike…' },
        ...byStep.map((spike) => ({ value: spike.id, label: nameOfSpike(spike) })),
      ]}
      onChange={(id) => {
        const spike = spikes.find((candidate) => candidate.id === id);
        if (spike !== undefined) onChoose(spike);
      }}
    />
  );
}
