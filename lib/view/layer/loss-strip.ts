import type { Bucket } from '../../contract/reads';
import { logTicks, linearTicks, stepTicks, type Tick } from '../axes/ticks';
import { prepareTrace, stepToX, valueToY, type Trace, type TraceWindow } from '../timelines/trace';

export interface PlacedTick {
  readonly tick: Tick;
  /** 0 to 1 along its axis. */
  readonly at: number;
}

/** The loss over the window on which steps are chosen. */
export interface LossStrip {
  readonly trace: Trace;
  readonly window: TraceWindow;
  readonly stepTicks: readonly PlacedTick[];
  readonly lossTicks: readonly PlacedTick[];
  /** "log" or "linear", as drawn. */
  readonly scale: 'linear' | 'log';
}

/** A tick of the loss needs about 25 px, one of the steps about 70. */
const LOSS_TICKS = 3;
/** A tick this near to the upper end would be cut by the frame. */
const EDGE = 0.97;

/** Prepares the strip; logarithmic while the loss is positive, as a spike spans decades. */
export function prepareLossStrip(
  points: readonly Bucket[],
  window: TraceWindow,
  stepTickCount: number,
): LossStrip {
  const trace = prepareTrace(points, window, 'log');
  const { low, high, scale } = trace;
  const lossTicks =
    low === null || high === null || high <= low
      ? []
      : (scale === 'log' ? logTicks : linearTicks)(low, high, LOSS_TICKS).flatMap((tick) => {
          const at = valueToY(trace, tick.value);
          return at === null || at > EDGE ? [] : [{ tick, at }];
        });
  return {
    trace,
    window,
    scale,
    lossTicks,
    stepTicks: stepTicks(window.fromStep, window.toStep, stepTickCount).map((tick) => ({
      tick,
      at: stepToX(window, tick.value),
    })),
  };
}
