'use client';

import { useCallback, useMemo, type ComponentProps } from 'react';
import type { Incident } from '@/lib/contract/incidents';
import type { Spike } from '@/lib/contract/reads';
import type { Run, RunEvent, RunMetrics } from '@/lib/contract/runs';
import { STABILITY_RATIO, type Warning } from '@/lib/contract/warnings';
import type { ColourScale } from '@/lib/view/colours/colour-scale';
import type { ColumnShows } from '@/lib/view/colours/column-shows';
import { formatNumber, formatStep } from '@/lib/view/text/format-number';
import type { LayerGroup } from '@/lib/view/axes/layer-groups';
import type { MetricOption } from '@/lib/view/heatmap/metric-options';
import { countText } from '@/lib/view/outlook/run-condition';
import { scalarLabel } from '@/lib/view/text/scalar-label';
import { stepAxis, type StepWindow } from '@/lib/view/axes/step-axis';
import { prepareStepClock, type StepClock } from '@/lib/view/axes/step-clock';
import type { TimelineScale } from '@/lib/view/timelines/timeline-chart';
import type { Theme } from '@/app/_hooks/use-theme';
import type { Overview } from '../timelines/overview';
import type { RunData } from '../data/run-data';
import type { SessionSnapshot } from '../data/run-session';
import type { Layout } from '../bars/run-toolbar';
import { laneItems, spikeIntervals, type RunPlotModel } from './run-view-model';
import { useCrosshair } from './use-crosshair';
import { useCellColours } from './use-cell-colours';
import { useCellMarks } from './use-cell-marks';
import { useComparison } from './use-comparison';
import type { RunViewState, SetRunView } from './use-run-view-state';
import { useTimelines } from './use-timelines';

const NO_ROWS: readonly number[] = [];
const NO_GROUPS: readonly LayerGroup[] = [];

/** The paper's layout is read best under so many steps: without a window it shows the newest ones. */
const PAPER_STEPS = 200;

interface Input {
  readonly run: Run;
  readonly snapshot: SessionSnapshot;
  readonly option: MetricOption | null;
  readonly spikes: readonly Spike[];
  readonly warnings: readonly Warning[];
  readonly events: readonly RunEvent[];
  readonly incidents: readonly Incident[];
  readonly names: readonly string[];
  readonly layerOfRow: readonly number[];
  readonly groups: readonly LayerGroup[];
  readonly window: StepWindow | null;
  readonly layout: Layout;
  readonly view: RunViewState;
  readonly metrics: RunMetrics;
  readonly scale: ColourScale;
  readonly theme: Theme;
  readonly onWindow: (window: StepWindow | null) => void;
  readonly onChange: SetRunView;
}

export interface PlotModels {
  readonly model: RunPlotModel;
  /** The whole run, above the paper's layout. */
  readonly overview: Omit<ComponentProps<typeof Overview>, 'onGo' | 'menuAt'>;
  readonly newerSteps: number;
  readonly shownWindow: StepWindow | null;
}

/** Decides all that the plots draw from what was read, chosen and pointed at. */
export function usePlotModel(input: Input): PlotModels {
  const { run, snapshot, option, spikes, warnings, events, incidents, names } = input;
  // Without a metric there is no row to read, nor to name.
  const [layerOfRow, groups] =
    option === null ? [NO_ROWS, NO_GROUPS] : [input.layerOfRow, input.groups];
  const { window, layout, view, scale, theme, metrics, onWindow, onChange } = input;
  const { lossScale, isPerplexity, scalarScale } = view;
  const crosshair = useCrosshair(run.layerCount);

  const { base, detail } = snapshot;
  const isCovered =
    window !== null &&
    detail !== null &&
    detail.window.fromStep <= window.fromStep &&
    window.toStep <= detail.window.toStep;
  const data = isCovered ? detail.data : base;
  const firstStep = base.columns.firstStep ?? run.firstStep ?? 0;
  const newestStep = base.columns.newestStep ?? run.lastStep ?? firstStep;
  const isGrowing = run.status === 'running';

  const paperFrom = Math.max(firstStep, newestStep - PAPER_STEPS + 1);
  const isPaperTail = layout === 'paper' && window === null && paperFrom > firstStep;
  const shownFrom = window?.fromStep ?? (isPaperTail ? paperFrom : null);
  const shownTo = window?.toStep ?? (isPaperTail ? newestStep : null);
  const clock = useClock(data, view.isWallTime);
  const axis = useMemo(
    () =>
      stepAxis(
        firstStep,
        newestStep,
        shownFrom === null || shownTo === null ? null : { fromStep: shownFrom, toStep: shownTo },
        isGrowing && layout === 'steps-right',
        clock,
      ),
    [firstStep, newestStep, shownFrom, shownTo, isGrowing, layout, clock],
  );
  const wholeClock = useClock(base, view.isWallTime && layout === 'paper');
  const wholeAxis = useMemo(
    () => stepAxis(firstStep, newestStep, null, false, wholeClock),
    [firstStep, newestStep, wholeClock],
  );

  const scalarNames = useMemo(
    () => metrics.scalars.filter((name) => name !== 'loss' && name !== 'wall_time'),
    [metrics.scalars],
  );
  const scalarName = view.scalar ?? firstScalar(scalarNames);
  const shared = { run, base, data, axis, wholeAxis, newestStep, layout, view };
  const timelines = useTimelines({ ...shared, scalarName });
  const { against, reach } = view;
  const comparison = useComparison({ run, option, against, reach, window, newestStep });
  const marks = useCellMarks({
    runId: run.id,
    layerCount: run.layerCount,
    spikes,
    hasStages: metrics.layerMetrics.includes('stage'),
    marks: view.marks,
    window,
    newestStep,
  });
  const colours = useCellColours({
    isStage: option?.scale === 'categorical',
    shows: base.columns.shows,
    scale,
    differenceScale: comparison?.scale ?? null,
    theme,
  });
  const lane = useMemo(
    () => laneItems(run, spikes, warnings, events, incidents),
    [run, spikes, warnings, events, incidents],
  );
  const intervals = useMemo(
    () => spikeIntervals(spikes, newestStep, run.attempts),
    [spikes, newestStep, run.attempts],
  );
  const peaks = useMemo(
    () =>
      spikes.flatMap(({ kind, peakStep, peakValue }) =>
        kind !== 'loss_spike' || peakStep === null || peakValue === null
          ? []
          : [
              {
                step: peakStep,
                value: isPerplexity ? Math.exp(peakValue) : peakValue,
                text: `${formatNumber(peakValue)} at ${formatStep(peakStep)}`,
              },
            ],
      ),
    [spikes, isPerplexity],
  );
  const onGo = useCallback(
    (step: number) => {
      const layer = crosshair.get()?.layer ?? layerOfRow[0] ?? 0;
      crosshair.set({ step, layer, isPinned: true });
    },
    [crosshair, layerOfRow],
  );

  const newest = window === null ? newestStep : Math.min(newestStep, window.toStep);
  return {
    model: {
      run,
      columns: data.columns,
      version: data.version,
      axis,
      drawnAxis: timelines.drawnAxis,
      window,
      firstStep,
      newestStep,
      isGrowing,
      loss: timelines.loss,
      lossLines: timelines.lossLines,
      isPerplexity,
      scalar:
        timelines.scalar === null || scalarName === null
          ? null
          : { name: scalarName, label: scalarLabel(scalarName), ...timelines.scalar },
      stabilityRatio: timelines.stabilityRatio,
      lane,
      intervals,
      peaks,
      layerOfRow,
      groups,
      layerNames: names,
      option,
      scale,
      colours,
      comparison,
      marks,
      theme,
      crosshair,
      onWindow,
      onGo,
      scalarNames,
      smoothing: view.smoothing,
      onScalar: (name) => onChange({ scalar: name === firstScalar(scalarNames) ? null : name }),
      onSmoothing: (text) => onChange({ smooth: text === 'none' ? null : text }),
      onLossScale: () => onChange({ loss: nextScale(lossScale) }),
      onLossUnit: () => onChange({ unit: isPerplexity ? null : 'perplexity' }),
      onScalarScale: () => onChange({ scale: nextScale(scalarScale) }),
      onAxisUnit:
        base.wallTime.columns.length < 2
          ? null
          : () => onChange({ axis: view.isWallTime ? null : 'time' }),
      onToggleGroup: (label) => {
        const { collapsed } = view;
        const next = collapsed.includes(label)
          ? collapsed.filter((other) => other !== label)
          : [...collapsed, label];
        onChange({ closed: next.length === 0 ? null : next.join(',') });
      },
      plotLabel: `${plotName(option, base.columns)}${comparison === null ? '' : ` against ${comparison.otherName}`} of ${countText(layerOfRow.length, 'layer')} over steps ${formatStep(Math.ceil(axis.low))} to ${formatStep(Math.floor(axis.high))}`,
      emptyReason: emptyReasonOf(input) ?? comparison?.reason ?? null,
    },
    overview: {
      chart: timelines.wholeLoss,
      axis: wholeAxis,
      lane,
      intervals,
      window:
        shownFrom === null || shownTo === null ? null : { fromStep: shownFrom, toStep: shownTo },
      firstStep,
      newestStep,
      onWindow,
    },
    newerSteps: Math.max(0, newestStep - newest),
    shownWindow:
      base.columns.columnCount === 0
        ? null
        : { fromStep: Math.ceil(axis.low), toStep: Math.min(newestStep, Math.floor(axis.high)) },
  };
}

/** The clock of the steps that are shown; null for an axis of steps. */
function useClock({ wallTime }: RunData, isWanted: boolean): StepClock | null {
  const { version } = wallTime;
  return useMemo(
    () => (isWanted ? prepareStepClock(wallTime.columns) : null),
    // The series grows in place; its version says when.
    // eslint-disable-next-line react-hooks/exhaustive-deps
    [wallTime, version, isWanted],
  );
}

/** "Gradient norm", "Lowest gradient norm" where that is chosen. */
function plotName(option: MetricOption | null, { shows }: { readonly shows: ColumnShows }): string {
  if (option === null) return 'Loss';
  return shows === 'lowest' ? `Lowest ${option.shortLabel}` : option.label;
}

/** The gradient norm where there is one; the stability ratio has a lane of its own. */
function firstScalar(names: readonly string[]): string | null {
  return names.includes('gradient_norm')
    ? 'gradient_norm'
    : (names.find((name) => name !== STABILITY_RATIO) ?? null);
}

/** log → linear → symlog; log is what the URL need not say. */
function nextScale(scale: TimelineScale): string | null {
  return scale === 'log' ? 'linear' : scale === 'linear' ? 'symlog' : null;
}

function emptyReasonOf({ run, snapshot, option, layerOfRow }: Input): string | null {
  if (snapshot.phase === 'loading') return '';
  if (run.layerCount === 0) return 'This run was created without layers.';
  if (option === null) return 'No layer has reported a metric.';
  if (layerOfRow.length === 0) return 'No layer matches the filter.';
  return null;
}
