'use client';

import Link from 'next/link';
import type { Spike } from '@/lib/contract/reads';
import type { Run, RunEvent } from '@/lib/contract/runs';
import type { Warning } from '@/lib/contract/warnings';
import type { MissingLayers } from '@/lib/view/heatmap/missing-layers';
import { formatNumber, formatStep } from '@/lib/view/text/format-number';
import { EmptyState, ErrorState } from '@/app/_components/states';
import { Mark } from '@/app/_design/marks';
import { postmortemOf, titleOfSpike } from './model/run-view-model';
import { MissingLayersSection } from './panel/missing-layers-section';
import { EventsSection } from './panel/side-panel';
import type { HappeningsState } from './model/happenings-state';
import type { Tab } from './model/use-run-view-state';
import styles from './run-screen.module.css';

const LABELS: readonly (readonly [Tab, string])[] = [
  ['run', 'Run'],
  ['layers', 'Layers'],
  ['spikes', 'Spikes'],
  ['events', 'Events'],
];

/** Four places of a run on a phone, at the thumb. */
export function PhoneTabs({
  tab,
  spikeCount,
  hasLayers,
  onTab,
}: {
  readonly tab: Tab;
  readonly spikeCount: string;
  /** Whether any layer has something to show. */
  readonly hasLayers: boolean;
  readonly onTab: (tab: Tab) => void;
}) {
  return (
    <nav data-chrome className={styles['tabs']} aria-label="Parts of the run">
      {LABELS.filter(([value]) => hasLayers || value !== 'layers').map(([value, label]) => (
        <button
          key={value}
          type="button"
          aria-current={value === tab ? 'page' : undefined}
          onClick={() => onTab(value)}
        >
          {label}
          {value === 'spikes' && spikeCount !== '0' ? ` ${spikeCount}` : null}
        </button>
      ))}
    </nav>
  );
}

export function PhoneTabPage({
  tab,
  run,
  names,
  spikes,
  warnings,
  events,
  happeningsState,
  onRetry,
  missing,
  newestStep,
  onGo,
  onNote,
}: {
  readonly tab: Tab;
  readonly run: Run;
  readonly names: readonly string[];
  readonly spikes: readonly Spike[];
  readonly warnings: readonly Warning[];
  readonly events: readonly RunEvent[];
  readonly happeningsState: HappeningsState;
  /** Reads spikes, warnings, events and notes again. */
  readonly onRetry: () => void;
  /** Why no layer has anything to show; null where one has. */
  readonly missing: MissingLayers | null;
  readonly newestStep: number | null;
  readonly onGo: (step: number) => void;
  readonly onNote: () => void;
}) {
  if (tab === 'events') {
    return (
      <div className={styles['page']}>
        <EventsSection
          runId={run.id}
          events={events}
          spikes={spikes}
          warnings={warnings}
          state={happeningsState}
          onRetry={onRetry}
          onGo={onGo}
          onNote={onNote}
          isWhole
        />
      </div>
    );
  }
  if (tab === 'spikes') {
    if (spikes.length === 0) return <NoSpikes state={happeningsState} onRetry={onRetry} />;
    return (
      <ul className={styles['rows']}>
        {spikes.map((spike) => (
          <li key={spike.id}>
            <Mark kind={spike.kind} />
            <Link href={postmortemOf(run.id, spike.id)} prefetch={false}>
              {titleOfSpike(spike)} at {formatStep(spike.onsetStep)}
            </Link>
            <span>{formatNumber(spike.peakValue)}</span>
          </li>
        ))}
      </ul>
    );
  }
  if (missing !== null) {
    return (
      <div className={styles['page']}>
        <MissingLayersSection missing={missing} />
      </div>
    );
  }
  return (
    <ul className={styles['rows']}>
      {names.map((name, layer) => (
        <li key={name}>
          <Link
            href={`/runs/${encodeURIComponent(run.id)}/layers/${layer}${newestStep === null ? '' : `?step=${newestStep}`}`}
          >
            {name}
          </Link>
        </li>
      ))}
    </ul>
  );
}

function NoSpikes({
  state,
  onRetry,
}: {
  readonly state: HappeningsState;
  readonly onRetry: () => void;
}) {
  if (state.kind === 'failed') {
    return (
      <ErrorState title="The spikes could not be read." message={state.message} onRetry={onRetry} />
    );
  }
  return (
    <EmptyState
      title={state.kind === 'reading' ? 'Reading the spikes.' : 'No spikes are known of this run.'}
    />
  );
}
