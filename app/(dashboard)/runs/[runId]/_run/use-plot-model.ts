'use client';

import { useCallback, useEffect, useMemo, useState, type ComponentProps } from 'react';
import type { Spike } from '@/lib/contract/reads';
import type { Run, RunEvent } from '@/lib/contract/runs';
import { STABILITY_LIMIT, type Warning } from '@/lib/contract/warnings';
import { bakeColourTable, type ColourScale } from '@/lib/view/colour-scale';
import { formatNumber, formatStep } from '@/lib/view/format-number';
import type { LayerGroup } from '@/lib/view/layer-groups';
import type { MetricOption } from '@/lib/view/metric-options';
import { smoothSeries, toPerplexity, type Smoothing } from '@/lib/view/smooth-series';
import { stepAxis, type StepAxis, type StepWindow } from '@/lib/view/step-axis';
import {
  prepareOverlay,
  prepareTimelineChart,
  type TimelineChart,
  type TimelineScale,
} from '@/lib/view/timeline-chart';
import { greater, lesser, type SeriesColumns } from '@/lib/view/timeline-series';
import { bakeStageTable } from '@/lib/view/stage-colours';
import { CANVAS_COLOURS, STAGE_COLOURS } from '@/app/_design/canvas-colours';
import type { Theme } from '@/app/_hooks/use-theme';
import { patchUrl } from '@/app/_hooks/url-store';
import { useThrottled } from '@/app/_hooks/use-throttled';
import { CrosshairStore } from './crosshair-store';
import type { Overview } from './overview';
import type { SessionSnapshot } from './run-session';
import type { Layout } from './run-toolbar';
import { laneItems, spikeIntervals, type RunPlotModel } from './run-view-model';
import type { TimelineLine } from './scalar-timeline';
import { useChosenScalar, useEarlierAttempts } from './use-chosen-scalar';
import { crosshairFromUrl, FIRST_SCALAR, type RunViewState } from './use-run-view-state';

/** recharts redraws at most four times a second; the canvas with every frame. */
const TIMELINE_MS = 250;
/** The paper's layout is read best under so many steps: without a window it shows the newest ones. */
const PAPER_STEPS = 200;
const CROSSHAIR_TO_URL_MS = 250;

interface Input {
  readonly run: Run;
  readonly snapshot: SessionSnapshot;
  readonly option: MetricOption | null;
  readonly spikes: readonly Spike[];
  readonly warnings: readonly Warning[];
  readonly events: readonly RunEvent[];
  readonly names: readonly string[];
  readonly layerOfRow: readonly number[];
  readonly groups: readonly LayerGroup[];
  readonly window: StepWindow | null;
  readonly layout: Layout;
  readonly view: RunViewState;
  readonly scalarLabel: string;
  readonly scale: ColourScale;
  readonly theme: Theme;
  readonly onWindow: (window: StepWindow | null) => void;
  readonly onChange: (patch: Readonly<Record<string, string | null>>) => void;
}

export interface PlotModels {
  readonly model: RunPlotModel;
  /** The whole run, above the paper's layout. */
  readonly overview: Omit<ComponentProps<typeof Overview>, 'onGo'>;
  readonly newerSteps: number;
  readonly shownWindow: StepWindow | null;
}

/** Decides all that the plots draw from what was read, chosen and pointed at. */
export function usePlotModel(input: Input): PlotModels {
  const { run, snapshot, option, spikes, warnings, events, names, layerOfRow, groups } = input;
  const { window, layout, view, scale, theme, onWindow, onChange } = input;
  const { lossScale, isPerplexity, smoothing, scalarScale } = view;
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
  const axis = useMemo(
    () =>
      stepAxis(
        firstStep,
        newestStep,
        shownFrom === null || shownTo === null ? null : { fromStep: shownFrom, toStep: shownTo },
        isGrowing && layout === 'steps-right',
      ),
    [firstStep, newestStep, shownFrom, shownTo, isGrowing, layout],
  );
  const wholeAxis = useMemo(
    () => stepAxis(firstStep, newestStep, null, false),
    [firstStep, newestStep],
  );

  const timelineVersion = useThrottled(data.version, TIMELINE_MS);
  const drawnAxis = useThrottled(axis, TIMELINE_MS);
  const earlier = useEarlierAttempts(run.id, run.attempts);
  const { loss, lossLines } = useMemo(
    () => {
      const inUnit = (columns: SeriesColumns) => (isPerplexity ? toPerplexity(columns) : columns);
      const raw = inUnit(data.loss.columns);
      const given = earlier.map(({ attempt, loss }) => ({ attempt, loss: inUnit(loss) }));
      const chart = prepareTimelineChart(raw, drawnAxis, lossScale, 4, {
        includes: given.flatMap((entry) => extentOf(entry.loss, drawnAxis)),
      });
      return {
        loss: chart,
        lossLines: [
          ...given.map(({ attempt, loss }) => ({
            key: `attempt ${attempt}`,
            points: prepareOverlay(loss, drawnAxis, chart),
            isFaint: true,
          })),
          ...smoothedLines(raw, smoothing, drawnAxis, chart),
        ],
      };
    },
    // The series grow in place; their version says when.
    // eslint-disable-next-line react-hooks/exhaustive-deps
    [data, timelineVersion, drawnAxis, lossScale, isPerplexity, smoothing, earlier],
  );
  const isNorm = view.scalar === FIRST_SCALAR;
  const other = useChosenScalar(run.id, isNorm ? null : view.scalar, window, newestStep);
  const scalar = useMemo(
    () => {
      const raw = isNorm ? data.gradientNorm.columns : other;
      if (raw === null || raw.length === 0) return null;
      const chart = prepareTimelineChart(raw, drawnAxis, scalarScale, 3);
      return { chart, lines: smoothedLines(raw, smoothing, drawnAxis, chart) };
    },
    // eslint-disable-next-line react-hooks/exhaustive-deps
    [data, timelineVersion, drawnAxis, scalarScale, smoothing, isNorm, other],
  );
  const stabilityRatio = useMemo(
    () =>
      prepareTimelineChart(data.stabilityRatio.columns, drawnAxis, 'linear', 3, {
        includes: [STABILITY_LIMIT],
      }),
    // eslint-disable-next-line react-hooks/exhaustive-deps
    [data, timelineVersion, drawnAxis],
  );
  const isPaper = layout === 'paper';
  const wholeLoss = useMemo(
    () => (isPaper ? prepareTimelineChart(base.loss.columns, wholeAxis, lossScale, 3) : loss),
    // eslint-disable-next-line react-hooks/exhaustive-deps
    [isPaper, base, timelineVersion, wholeAxis, lossScale, loss],
  );
  const isStage = option?.scale === 'categorical';
  const colourTable = useMemo(
    () =>
      isStage
        ? bakeStageTable(STAGE_COLOURS[theme])
        : bakeColourTable(scale, theme, CANVAS_COLOURS[theme].divergence),
    [isStage, scale, theme],
  );
  const lane = useMemo(
    () => laneItems(spikes, warnings, events, run.attempts),
    [spikes, warnings, events, run.attempts],
  );
  const intervals = useMemo(() => spikeIntervals(spikes, newestStep), [spikes, newestStep]);
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
      columns: data.columns,
      version: data.version,
      axis,
      drawnAxis,
      window,
      firstStep,
      newestStep,
      isGrowing,
      loss,
      lossLines,
      isPerplexity,
      scalar: scalar === null ? null : { name: view.scalar, label: input.scalarLabel, ...scalar },
      // Kept in sight where the window holds none of its few samples.
      stabilityRatio: data.stabilityRatio.columns.length === 0 ? null : stabilityRatio,
      lane,
      intervals,
      peaks,
      layerOfRow,
      groups,
      layerNames: names,
      option,
      scale,
      colourTable,
      theme,
      crosshair,
      onWindow,
      onGo,
      onLossScale: () => onChange({ loss: nextScale(lossScale) }),
      onLossUnit: () => onChange({ unit: isPerplexity ? null : 'perplexity' }),
      onScalarScale: () => onChange({ scale: nextScale(scalarScale) }),
      onToggleGroup: (label) => {
        const { collapsed } = view;
        const next = collapsed.includes(label)
          ? collapsed.filter((other) => other !== label)
          : [...collapsed, label];
        onChange({ closed: next.length === 0 ? null : next.join(',') });
      },
      plotLabel: `${option?.label ?? 'Loss'} of ${layerOfRow.length} layers over steps ${formatStep(Math.ceil(axis.low))} to ${formatStep(Math.floor(axis.high))}`,
      emptyReason: emptyReasonOf(input),
    },
    overview: {
      chart: wholeLoss,
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

/** log → linear → symlog; log is what the URL need not say. */
function nextScale(scale: TimelineScale): string | null {
  return scale === 'log' ? 'linear' : scale === 'linear' ? 'symlog' : null;
}

function smoothedLines(
  raw: SeriesColumns,
  smoothing: Smoothing,
  axis: StepAxis,
  chart: TimelineChart,
): TimelineLine[] {
  if (smoothing.kind === 'none') return [];
  const points = prepareOverlay(smoothSeries(raw, smoothing), axis, chart);
  return [{ key: 'smoothed', points, isFaint: false }];
}

/** Smallest and largest finite value within the axis; empty without one. */
function extentOf({ length, fromStep, min, max }: SeriesColumns, axis: StepAxis): number[] {
  let [low, high] = [NaN, NaN];
  for (let i = 0; i < length; i++) {
    const step = fromStep[i] ?? NaN;
    if (step < axis.low || step > axis.high) continue;
    low = lesser(low, min[i] ?? NaN);
    high = greater(high, max[i] ?? NaN);
  }
  return Number.isNaN(low) ? [] : [low, high];
}

function emptyReasonOf({ run, snapshot, option, layerOfRow }: Input): string | null {
  if (snapshot.phase === 'loading') return '';
  if (run.layerCount === 0) return 'This run was created without layers; it has timelines only.';
  if (option === null) return 'No layer metric has been reported yet.';
  if (layerOfRow.length === 0) return 'No layer matches the filter.';
  return null;
}

/** The crosshair of this page; where it is pinned, the URL says so. */
function useCrosshair(layerCount: number): CrosshairStore {
  const [store] = useState(() => new CrosshairStore(null));
  useEffect(() => {
    if (store.get() === null) store.set(crosshairFromUrl(layerCount));
    let timer: ReturnType<typeof setTimeout> | null = null;
    const unsubscribe = store.subscribe(() => {
      if (timer !== null) clearTimeout(timer);
      timer = setTimeout(() => {
        const at = store.get();
        const isKept = at?.isPinned === true;
        patchUrl({
          step: isKept ? String(at.step) : null,
          layer: isKept ? String(at.layer) : null,
        });
      }, CROSSHAIR_TO_URL_MS);
    });
    return () => {
      unsubscribe();
      if (timer !== null) clearTimeout(timer);
    };
  }, [store, layerCount]);
  return store;
}
