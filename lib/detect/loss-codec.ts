/** The loss detector on a tape; each `write` has its `read` below it, in the same order. */
import {
  LOSS_EVENT_KINDS,
  type LossEvent,
  type Point,
  RECOVERIES,
  type Sample,
} from './loss-event';
import { rememberedLosses, restoreLossHistory } from './loss-history';
import type { LossReview } from './loss-review';
import type { LossDetector } from './loss-state';
import { type MedianWindow, restoreMedianWindow, windowValues } from './median-window';
import type { TapeReader, TapeWriter } from './number-tape';
import type { OpenEvent } from './open-event';
import type { Baseline } from './robust-baseline';
import type { SampleFilter } from './sample-filter';

const WARM_UP_KINDS = ['unseen', 'climbing', 'over'] as const;

export function writeWindow(tape: TapeWriter, window: MedianWindow): void {
  tape.number(window.width);
  tape.numbers(windowValues(window));
}

export function readWindow(tape: TapeReader): MedianWindow {
  const width = tape.number();
  return restoreMedianWindow(width, tape.numbers());
}

export function writeFilter(tape: TapeWriter, filter: SampleFilter): void {
  tape.optional(filter.last, (last) => tape.number(last));
  tape.numbers(filter.changes);
  tape.number(filter.repeatShare);
}

export function readFilter(tape: TapeReader): SampleFilter {
  return {
    last: tape.optional(tape.number),
    changes: tape.numbers(),
    repeatShare: tape.number(),
  };
}

function writeBaseline(tape: TapeWriter, baseline: Baseline | null): void {
  tape.optional(baseline, ({ median, scale }) => {
    tape.number(median);
    tape.number(scale);
  });
}

function readBaseline(tape: TapeReader): Baseline {
  return { median: tape.number(), scale: tape.number() };
}

function writePoints(tape: TapeWriter, points: readonly Point[]): void {
  tape.list(points, ({ step, value }) => {
    tape.number(step);
    tape.number(value);
  });
}

function readPoints(tape: TapeReader): Point[] {
  return tape.list(() => ({ step: tape.number(), value: tape.number() }));
}

function writeSamples(tape: TapeWriter, samples: readonly Sample[]): void {
  tape.list(samples, ({ step, value, z }) => {
    tape.number(step);
    tape.number(value);
    tape.number(z);
  });
}

function readSamples(tape: TapeReader): Sample[] {
  return tape.list(() => ({ step: tape.number(), value: tape.number(), z: tape.number() }));
}

function writeEvent(tape: TapeWriter, event: OpenEvent): void {
  const number = (value: number): void => tape.number(value);
  tape.choice(LOSS_EVENT_KINDS, event.kind);
  for (const step of [event.openedStep, event.onsetStep, event.confirmedStep, event.riseStep]) {
    tape.number(step);
  }
  tape.optional(event.peakStep, number);
  tape.optional(event.peakValue, number);
  writeBaseline(tape, event.baseline);
  tape.number(event.onsetLimit);
  tape.optional(event.recoveredStep, number);
  tape.choice(RECOVERIES, event.recovery);
  tape.number(event.excessArea);
  tape.optional(event.levelShift, number);
  tape.boolean(event.isInherited);
  writeSamples(tape, event.climb);
  writeSamples(tape, event.tail);
  writeWindow(tape, event.after);
  writeSamples(tape, event.nested);
  tape.number(event.sampleCount);
  tape.number(event.lastStep);
}

function readEvent(tape: TapeReader): OpenEvent {
  return {
    kind: tape.choice(LOSS_EVENT_KINDS),
    openedStep: tape.number(),
    onsetStep: tape.number(),
    confirmedStep: tape.number(),
    riseStep: tape.number(),
    peakStep: tape.optional(tape.number),
    peakValue: tape.optional(tape.number),
    baseline: tape.optional(() => readBaseline(tape)),
    onsetLimit: tape.number(),
    recoveredStep: tape.optional(tape.number),
    recovery: tape.choice(RECOVERIES),
    excessArea: tape.number(),
    levelShift: tape.optional(tape.number),
    isInherited: tape.boolean(),
    climb: readSamples(tape),
    tail: readSamples(tape),
    after: readWindow(tape),
    nested: readSamples(tape),
    sampleCount: tape.number(),
    lastStep: tape.number(),
  };
}

function writeClosedEvent(tape: TapeWriter, event: LossEvent): void {
  const number = (value: number): void => tape.number(value);
  tape.choice(LOSS_EVENT_KINDS, event.kind);
  for (const step of [event.openedStep, event.onsetStep, event.confirmedStep, event.riseStep]) {
    tape.number(step);
  }
  for (const value of [event.peakStep, event.peakValue, event.baseline, event.scale]) {
    tape.optional(value, number);
  }
  tape.optional(event.onsetLimit, number);
  tape.optional(event.recoveredStep, number);
  tape.choice(RECOVERIES, event.recovery);
  tape.number(event.excessArea);
  tape.optional(event.levelShift, number);
  tape.boolean(event.isInherited);
}

function readClosedEvent(tape: TapeReader): LossEvent {
  return {
    kind: tape.choice(LOSS_EVENT_KINDS),
    openedStep: tape.number(),
    onsetStep: tape.number(),
    confirmedStep: tape.number(),
    riseStep: tape.number(),
    peakStep: tape.optional(tape.number),
    peakValue: tape.optional(tape.number),
    baseline: tape.optional(tape.number),
    scale: tape.optional(tape.number),
    onsetLimit: tape.optional(tape.number),
    recoveredStep: tape.optional(tape.number),
    recovery: tape.choice(RECOVERIES),
    excessArea: tape.number(),
    levelShift: tape.optional(tape.number),
    isInherited: tape.boolean(),
  };
}

function writeReview(tape: TapeWriter, { history, spans, awaited }: LossReview): void {
  tape.number(history.count);
  writePoints(tape, rememberedLosses(history));
  tape.list(spans, ({ openedStep, fromStep, toStep }) => {
    tape.number(openedStep);
    tape.number(fromStep);
    tape.number(toStep);
  });
  tape.list(awaited, ({ event, endStep, samples, quietSamples }) => {
    writeClosedEvent(tape, event);
    tape.number(endStep);
    tape.number(samples);
    tape.number(quietSamples);
  });
}

function readReview(tape: TapeReader): LossReview {
  const count = tape.number();
  return {
    history: restoreLossHistory(count, readPoints(tape)),
    spans: tape.list(() => ({
      openedStep: tape.number(),
      fromStep: tape.number(),
      toStep: tape.number(),
    })),
    awaited: tape.list(() => ({
      event: readClosedEvent(tape),
      endStep: tape.number(),
      samples: tape.number(),
      quietSamples: tape.number(),
    })),
  };
}

export function writeLossDetector(tape: TapeWriter, detector: LossDetector): void {
  const number = (value: number): void => tape.number(value);
  writeFilter(tape, detector.filter);
  tape.choice(WARM_UP_KINDS, detector.warmUp.kind);
  tape.optional(detector.warmUp.peak, number);
  tape.number(detector.warmUp.sinceRaised);
  writeWindow(tape, detector.window);
  writeWindow(tape, detector.recent);
  tape.optional(detector.startLevel, number);
  tape.number(detector.sampleCount);
  writePoints(tape, detector.before);
  writeBaseline(tape, detector.frozen);
  writeSamples(tape, detector.candidate);
  tape.optional(detector.event, (event) => writeEvent(tape, event));
  tape.optional(detector.settling, ({ event, values }) => {
    writeEvent(tape, event);
    tape.numbers(values);
  });
  tape.optional(detector.aftermath, ({ baseline, samples }) => {
    writeBaseline(tape, baseline);
    writePoints(tape, samples);
  });
  tape.optional(detector.recoveredAt, number);
  tape.optional(detector.lastOutlier, ({ event, endedAt }) => {
    writeEvent(tape, event);
    tape.number(endedAt);
  });
  writeReview(tape, detector.review);
}

export function readLossDetector(tape: TapeReader): LossDetector {
  const baseline = (): Baseline | null => tape.optional(() => readBaseline(tape));
  return {
    filter: readFilter(tape),
    warmUp: {
      kind: tape.choice(WARM_UP_KINDS),
      peak: tape.optional(tape.number),
      sinceRaised: tape.number(),
    },
    window: readWindow(tape),
    recent: readWindow(tape),
    startLevel: tape.optional(tape.number),
    sampleCount: tape.number(),
    before: readPoints(tape),
    frozen: baseline(),
    candidate: readSamples(tape),
    event: tape.optional(() => readEvent(tape)),
    settling: tape.optional(() => ({ event: readEvent(tape), values: tape.numbers() })),
    aftermath: tape.optional(() => {
      // The writer puts a presence flag before every baseline.
      const old = baseline();
      if (old === null) throw new RangeError('expected the baseline of an aftermath');
      return { baseline: old, samples: readPoints(tape) };
    }),
    recoveredAt: tape.optional(tape.number),
    lastOutlier: tape.optional(() => ({ event: readEvent(tape), endedAt: tape.number() })),
    review: readReview(tape),
  };
}
