import type { Attempt, Run, RunEvent } from '@/lib/contract/runs';
import type { Spike } from '@/lib/contract/reads';
import type { Warning } from '@/lib/contract/warnings';
import type { ColourScale } from '@/lib/view/colours/colour-scale';
import type { Incident } from '@/lib/contract/incidents';
import type { LaneItem } from '@/lib/view/timelines/event-lane';
import type { LayerGroup } from '@/lib/view/axes/layer-groups';
import type { MetricOption } from '@/lib/view/heatmap/metric-options';
import type { RunColumns } from '@/lib/view/heatmap/run-columns';
import { isAnnouncedByNormAlone } from '@/lib/view/spikes/spike-movers';
import type { Smoothing } from '@/lib/view/timelines/smooth-series';
import type { StepAxis, StepWindow } from '@/lib/view/axes/step-axis';
import type { TimelineChart } from '@/lib/view/timelines/timeline-chart';
import { NAME_OF_MARK } from '@/app/_design/marks';
import type { Theme } from '@/app/_hooks/use-theme';
import type { CellColours } from './colour-motion';
import type { CrosshairStore } from './crosshair-store';
import type { TimelineInterval } from '../timelines/interval-tints';
import type { TimelineLine } from '../timelines/scalar-timeline';
import type { CellMarks } from './use-cell-marks';
import type { RunComparison } from './use-comparison';

/** All that either layout draws, decided in one place. */
export interface RunPlotModel {
  readonly run: Run;
  readonly columns: RunColumns;
  readonly version: number;
  readonly axis: StepAxis;
  /** The axis that the timelines are drawn for: it follows `axis` at their slower pace. */
  readonly drawnAxis: StepAxis;
  readonly window: StepWindow | null;
  readonly firstStep: number;
  readonly newestStep: number;
  readonly isGrowing: boolean;
  readonly loss: TimelineChart;
  /** The same smoothed, and faint the losses of attempts that were given up. */
  readonly lossLines: readonly TimelineLine[];
  readonly isPerplexity: boolean;
  /** The chosen scalar below the loss; null where the run has none. */
  readonly scalar: {
    readonly name: string;
    readonly label: string;
    readonly chart: TimelineChart;
    readonly lines: readonly TimelineLine[];
  } | null;
  /** null for a run that never reported its curvature. */
  readonly stabilityRatio: TimelineChart | null;
  readonly lane: readonly LaneItem[];
  readonly intervals: readonly TimelineInterval[];
  readonly peaks: readonly {
    readonly step: number;
    readonly value: number;
    readonly text: string;
  }[];
  readonly layerOfRow: readonly number[];
  readonly groups: readonly LayerGroup[];
  readonly layerNames: readonly string[];
  readonly option: MetricOption | null;
  readonly scale: ColourScale;
  readonly colours: CellColours;
  /** The heatmap against another; null while it shows its own values. */
  readonly comparison: RunComparison | null;
  readonly marks: CellMarks;
  readonly theme: Theme;
  readonly crosshair: CrosshairStore;
  readonly onWindow: (window: StepWindow | null) => void;
  readonly onGo: (step: number) => void;
  /** Names of the scalars that may stand under the loss. */
  readonly scalarNames: readonly string[];
  readonly smoothing: Smoothing;
  readonly onScalar: (name: string) => void;
  readonly onSmoothing: (text: string) => void;
  readonly onLossScale: () => void;
  readonly onLossUnit: () => void;
  readonly onScalarScale: () => void;
  /** Steps or wall time; null where the job reports no times. */
  readonly onAxisUnit: (() => void) | null;
  readonly onToggleGroup: (label: string) => void;
  readonly plotLabel: string;
  /** Why there are no cells, in words; null where there are. */
  readonly emptyReason: string | null;
}

/** The page on which a spike is told in full. */
export function postmortemOf(runId: string, spikeId: string): string {
  return `/runs/${encodeURIComponent(runId)}/spikes/${encodeURIComponent(spikeId)}`;
}

/** Spikes, warnings, posted events, incidents and restarts as marks over the timelines. */
export function laneItems(
  { id: runId, attempts }: Pick<Run, 'id' | 'attempts'>,
  spikes: readonly Spike[],
  warnings: readonly Warning[],
  events: readonly RunEvent[],
  incidents: readonly Incident[],
): LaneItem[] {
  return [
    ...spikes.map((spike) => ({
      kind: spike.kind,
      step: spike.onsetStep,
      title: titleOfSpike(spike),
      href: postmortemOf(runId, spike.id),
    })),
    ...warnings.map(({ fromStep, title }) => ({ kind: 'warning', step: fromStep, title })),
    ...events.map(({ kind, step, title }) => ({ kind, step, title })),
    ...incidents.flatMap(({ openedStep, ruleName, title }) =>
      openedStep === null
        ? []
        : [{ kind: 'incident', step: openedStep, title: `${ruleName}: ${title}` }],
    ),
    ...attempts
      .filter(({ attempt }) => attempt > 1)
      .map(({ attempt, resumeFromStep }) => ({
        kind: 'attempt',
        step: resumeFromStep,
        title: `Attempt ${attempt} resumed`,
      })),
  ];
}

/** The kind, and what a reader of the marks would otherwise look for among the layers. */
export function titleOfSpike(spike: Spike): string {
  const name = NAME_OF_MARK[spike.kind];
  return isAnnouncedByNormAlone(spike) ? `${name}; the gradient norm led alone` : name;
}

/** A spike that has not recovered lasts until its own attempt ends. */
export function spikeIntervals(
  spikes: readonly Spike[],
  newestStep: number,
  attempts: readonly Pick<Attempt, 'attempt' | 'lastStep'>[],
): TimelineInterval[] {
  const newest = attempts.at(-1)?.attempt;
  const endOf = ({ attempt, onsetStep }: Spike): number =>
    attempt === newest
      ? newestStep
      : (attempts.find((own) => own.attempt === attempt)?.lastStep ?? onsetStep);
  return spikes
    .filter(({ kind }) => kind === 'loss_spike' || kind === 'divergence')
    .map((spike) => ({
      id: spike.id,
      fromStep: spike.onsetStep,
      toStep: spike.recoveredStep ?? endOf(spike),
    }));
}
