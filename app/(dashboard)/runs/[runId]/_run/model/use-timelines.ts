'use client';

import { useMemo } from 'react';
import type { Run } from '@/lib/contract/runs';
import { STABILITY_LIMIT } from '@/lib/contract/warnings';
import { smoothSeries, toPerplexity, type Smoothing } from '@/lib/view/timelines/smooth-series';
import type { StepAxis } from '@/lib/view/axes/step-axis';
import {
  prepareOverlay,
  prepareTimelineChart,
  type TimelineChart,
} from '@/lib/view/timelines/timeline-chart';
import {
  greater,
  lesser,
  TimelineSeries,
  type SeriesColumns,
} from '@/lib/view/timelines/timeline-series';
import { useThrottled } from '@/app/_hooks/use-throttled';
import type { RunData } from '../data/run-data';
import type { Layout } from '../bars/run-toolbar';
import type { TimelineLine } from '../timelines/scalar-timeline';
import { useChosenScalar, useEarlierAttempts } from '../data/use-chosen-scalar';
import type { RunViewState } from './use-run-view-state';

const NOTHING = new TimelineSeries(1).columns;
/** recharts redraws at most four times a second; the canvas with every frame. */
const TIMELINE_MS = 250;

export interface Timelines {
  /** The axis that all of them are drawn for. */
  readonly drawnAxis: StepAxis;
  readonly loss: TimelineChart;
  readonly lossLines: readonly TimelineLine[];
  /** The loss of the whole run, over the paper's layout. */
  readonly wholeLoss: TimelineChart;
  readonly scalar: {
    readonly chart: TimelineChart;
    readonly lines: readonly TimelineLine[];
  } | null;
  /** null for a run that never reported its curvature. */
  readonly stabilityRatio: TimelineChart | null;
}

/** The scalars over the heatmap, prepared a few times a second. */
export function useTimelines({
  run,
  base,
  data,
  axis,
  wholeAxis,
  newestStep,
  layout,
  view,
  scalarName,
}: {
  readonly run: Run;
  readonly base: RunData;
  /** What is shown: `base`, or the finer data of the window. */
  readonly data: RunData;
  readonly axis: StepAxis;
  readonly wholeAxis: StepAxis;
  readonly newestStep: number;
  readonly layout: Layout;
  readonly view: RunViewState;
  /** Stands under the loss, whether the steps in sight have it or not; null where there is none. */
  readonly scalarName: string | null;
}): Timelines {
  const { window, lossScale, isPerplexity, smoothing, scalarScale } = view;
  const timelineVersion = useThrottled(data.version, TIMELINE_MS);
  const drawnAxis = useThrottled(axis, TIMELINE_MS);
  const earlier = useEarlierAttempts(run.id, run.attempts);
  const { loss, lossLines } = useMemo(
    () => {
      const inUnit = (columns: SeriesColumns) => (isPerplexity ? toPerplexity(columns) : columns);
      const raw = inUnit(data.loss.columns);
      // Over wall time a line without times has no place.
      const given = earlier
        .filter(({ clock }) => drawnAxis.clock === undefined || clock !== null)
        .map(({ attempt, loss, clock }) => ({ attempt, loss: inUnit(loss), clock }));
      const chart = prepareTimelineChart(raw, drawnAxis, lossScale, 4, {
        includes: given.flatMap((entry) => extentOf(entry.loss, drawnAxis)),
      });
      return {
        loss: chart,
        lossLines: [
          ...given.map(({ attempt, loss, clock }) => ({
            key: `attempt ${attempt}`,
            points: prepareOverlay(loss, drawnAxis, chart),
            isFaint: true,
            ...(clock === null ? {} : { clock }),
          })),
          ...smoothedLines(raw, smoothing, drawnAxis, chart),
        ],
      };
    },
    // The series grow in place; their version says when.
    // eslint-disable-next-line react-hooks/exhaustive-deps
    [data, timelineVersion, drawnAxis, lossScale, isPerplexity, smoothing, earlier],
  );
  const isNorm = scalarName === 'gradient_norm';
  const other = useChosenScalar(run.id, isNorm ? null : scalarName, window, newestStep);
  const scalar = useMemo(
    () => {
      if (scalarName === null) return null;
      const raw = (isNorm ? data.gradientNorm.columns : other) ?? NOTHING;
      const chart = prepareTimelineChart(raw, drawnAxis, scalarScale, 3);
      return { chart, lines: smoothedLines(raw, smoothing, drawnAxis, chart) };
    },
    // eslint-disable-next-line react-hooks/exhaustive-deps
    [data, timelineVersion, drawnAxis, scalarScale, smoothing, isNorm, other, scalarName],
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
  return {
    drawnAxis,
    loss,
    lossLines,
    wholeLoss,
    scalar,
    // Kept in sight where the window holds none of its few samples.
    stabilityRatio: data.stabilityRatio.columns.length === 0 ? null : stabilityRatio,
  };
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
