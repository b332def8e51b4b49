import { observeLoss } from '@/lib/detect/loss-detector';
import type { LossEvent, LossUpdate } from '@/lib/detect/loss-event';
import { type LossDetector, createLossDetector } from '@/lib/detect/loss-state';

/** A language model's loss as it falls: 12 at the start, about 3 after a thousand steps. */
export function fallingLoss(step: number): number {
  return 2.3 + 8 * Math.exp(-step / 120) + 1.7 / Math.sqrt(1 + step / 150);
}

/** Rounded to bfloat16, as trainers log that keep the loss in it. */
export function toBfloat16(value: number): number {
  const bits = new Uint32Array(Float32Array.of(value).buffer);
  bits[0] = (bits[0]! + 0x7fff + ((bits[0]! >>> 16) & 1)) & 0xffff0000;
  return new Float32Array(bits.buffer)[0]!;
}

export interface SeriesOptions {
  readonly fromStep?: number;
  readonly everySteps?: number;
  readonly learningRate?: (step: number) => number;
  readonly detector?: LossDetector;
}

/** Steps `fromStep`, `fromStep + everySteps`… below `toStep` through a detector. */
export function detect(
  toStep: number,
  lossAt: (step: number) => number,
  {
    fromStep = 1,
    everySteps = 1,
    learningRate,
    detector = createLossDetector(),
  }: SeriesOptions = {},
): LossUpdate[] {
  const updates: LossUpdate[] = [];
  for (let step = fromStep; step < toStep; step += everySteps) {
    updates.push(
      ...observeLoss(detector, {
        step,
        loss: lossAt(step),
        learningRate: learningRate?.(step) ?? null,
      }),
    );
  }
  return updates;
}

/** The last word on each event, in the order they opened. */
function lastWords(updates: readonly LossUpdate[]): LossEvent[] {
  const events = new Map<string, LossEvent>();
  for (const { event } of updates) events.set(`${event.kind} ${event.openedStep}`, event);
  return Array.from(events.values());
}

export function eventsOf(
  toStep: number,
  lossAt: (step: number) => number,
  options?: SeriesOptions,
): LossEvent[] {
  return lastWords(detect(toStep, lossAt, options));
}

/** "loss_spike 318" and so on: what opened, and its onset. */
export function summarise(events: readonly LossEvent[]): string[] {
  return events.map(({ kind, onsetStep }) => `${kind} ${onsetStep}`);
}
