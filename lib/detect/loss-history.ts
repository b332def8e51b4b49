/**
 * The newest measured losses of a run, in events and out of them, for looking at an event
 * again once what follows it is known.
 */
import type { Point } from './loss-event';

export interface LossHistory {
  /** [HISTORY_SAMPLES] rings; sample n lies at n modulo their length. */
  readonly steps: Float64Array;
  readonly values: Float64Array;
  /** Losses ever remembered. */
  count: number;
}

/**
 * An event of 1,000 samples, after which it is given up; 512 for what follows it; and 138
 * before it; to the next power of two. 32 kB a run.
 */
export const HISTORY_SAMPLES = 2048;

export function createLossHistory(): LossHistory {
  return {
    steps: new Float64Array(HISTORY_SAMPLES),
    values: new Float64Array(HISTORY_SAMPLES),
    count: 0,
  };
}

export function rememberLoss(history: LossHistory, step: number, value: number): void {
  const at = history.count % HISTORY_SAMPLES;
  history.steps[at] = step;
  history.values[at] = value;
  history.count++;
}

/** What is remembered, oldest first. */
export function rememberedLosses({ steps, values, count }: LossHistory): Point[] {
  const held = Math.min(count, HISTORY_SAMPLES);
  return Array.from({ length: held }, (_, i) => {
    const at = (count - held + i) % HISTORY_SAMPLES;
    return { step: steps[at] ?? 0, value: values[at] ?? NaN };
  });
}

/** As it was: the newest losses of `count` ever remembered. */
export function restoreLossHistory(count: number, points: readonly Point[]): LossHistory {
  const history = createLossHistory();
  history.count = count - points.length;
  for (const { step, value } of points) rememberLoss(history, step, value);
  return history;
}
