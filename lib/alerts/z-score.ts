import { z } from 'zod';
import type { AlertConditionOf } from '../contract/alert-rules';
import {
  createMedianWindow,
  medianAbsoluteDeviation,
  medianOf,
  type MedianWindow,
  pushValue,
  restoreMedianWindow,
  windowValues,
} from '../detect/median-window';
import { Excursion, excursionSchema, Worst } from './excursion';
import type { FoldContext, RuleFold } from './rule-fold';
import { NO_NEEDS, seriesNeeds, stepFold } from './step-fold';
import { eachReported, SCALAR, Streaks } from './step-series';
import { describeDeviation } from './words';

const stateSchema = z.object({
  excursion: excursionSchema,
  streaks: z.array(z.tuple([z.int(), z.int()])),
  /** Series and its last finite reports, the oldest first. */
  windows: z.array(z.tuple([z.int(), z.array(z.number())])),
});

/** Fewer reports know nothing of their scatter: with 16 the MAD is within a third of its value. */
const FEWEST_REPORTS = 16;
/** MAD of a normal is 0.6745 of its standard deviation. */
const MAD_TO_STD = 1.4826;
/** Of the level: what is all but constant has a MAD near 0, and z would know no bound. */
const RELATIVE_FLOOR = 1e-3;

/**
 * How many robust deviations a value lies from the median of a window:
 * (x − median) / max(1.4826 · MAD, 0.001 · |median|).
 *
 * Empty       NaN below 16 values
 * NaN/Inf     ±Infinity where the window is all zeros and the value is not; NaN of NaN
 * Definition  the mean of the middle two where the count is even, of the MAD too
 */
export function deviationOf(window: MedianWindow, value: number): number {
  if (window.count < FEWEST_REPORTS) return NaN;
  const median = medianOf(window);
  const distance = value - median;
  if (distance === 0) return 0;
  const floor = RELATIVE_FLOOR * Math.abs(median);
  return distance / Math.max(MAD_TO_STD * medianAbsoluteDeviation(window), floor);
}

export const zScoreNeeds = (condition: AlertConditionOf<'z_score'>) => ({
  ...NO_NEEDS,
  ...seriesNeeds(condition),
});

/**
 * A value so many robust deviations from its own past. The past is the last `window` finite
 * reports of the attempt before the step, those of the excursion too: a new level is the
 * usual one once half of the window has seen it.
 */
export function foldZScore(
  condition: AlertConditionOf<'z_score'>,
  { layerMask, layerNames }: FoldContext,
  saved: unknown,
): RuleFold {
  const state = saved === null ? null : stateSchema.parse(saved);
  const { metric, side, z: limit, window: width, openAfter, closeAfter } = condition;
  const windows = new Map<number, MedianWindow>(
    (state?.windows ?? []).map(([series, values]) => [series, restoreMedianWindow(width, values)]),
  );
  const streaks = new Streaks(openAfter, state?.streaks ?? []);
  const excursion = new Excursion(closeAfter, state?.excursion ?? null);
  const toward = (deviation: number): number =>
    side === 'either' ? Math.abs(deviation) : side === 'above' ? deviation : -deviation;

  function windowOf(series: number): MedianWindow {
    const known = windows.get(series);
    if (known !== undefined) return known;
    const window = createMedianWindow(width);
    windows.set(series, window);
    return window;
  }

  return stepFold(condition, excursion, {
    observe(step) {
      let judged = 0;
      let unwell = 0;
      const worst = new Worst();
      let found = { z: NaN, median: NaN };
      eachReported(condition, step, layerMask, (value, series) => {
        const window = windowOf(series);
        const isFinite = Number.isFinite(value);
        const deviation = isFinite ? deviationOf(window, value) : Infinity;
        const median = medianOf(window);
        if (isFinite) pushValue(window, value);
        if (Number.isNaN(deviation)) return;
        judged++;
        const rank = isFinite ? toward(deviation) : Infinity;
        const isBeyond = rank >= limit;
        if (isBeyond) unwell++;
        if (!streaks.note(series, isBeyond)) return;
        worst.note(series, value, rank);
        if (Object.is(worst.value, value)) found = { z: deviation, median };
      });
      if (judged === 0) return;
      const layers = worst.bad.filter((series) => series !== SCALAR);
      excursion.observe(step.step, {
        isBad: worst.bad.length > 0,
        isWell: unwell === 0,
        ...{ layers, extreme: worst.extreme },
        describe: () =>
          describeDeviation(
            { ...{ metric, step: step.step, layers, layerNames }, value: worst.value },
            found,
          ),
      });
    },
    save: () => ({
      excursion: excursion.save(),
      streaks: streaks.save(),
      windows: Array.from(windows, ([series, window]) => [series, windowValues(window)]),
    }),
    stateSize: () => 16 + windows.size * width,
  });
}
