import { describe, expect, it } from 'vitest';
import { concludeLosses, observeLoss } from '@/lib/detect/loss-detector';
import type { LossUpdate } from '@/lib/detect/loss-event';
import { HISTORY_SAMPLES } from '@/lib/detect/loss-history';
import { createLossDetector } from '@/lib/detect/loss-state';
import { seededNormal } from '@/tests/seeded-random';
import { loadRecordedRun } from './recorded-run';
import { reviewLosses } from './whole-series';

function watch(steps: number, lossAt: (step: number) => number) {
  const detector = createLossDetector();
  const updates: (LossUpdate & { at: number })[] = [];
  for (let step = 0; step < steps; step++) {
    const found = observeLoss(detector, { step, loss: lossAt(step), learningRate: null });
    updates.push(...found.map((update) => ({ ...update, at: step })));
  }
  return { detector, updates };
}

/** Noise around `level`, with a triangle of `height` that opens at 400 and is over at 430. */
function triangle(level: (step: number) => number, height: number) {
  const normal = seededNormal(5);
  const noise = Array.from({ length: 8000 }, () => 0.02 * normal());
  return (step: number) => {
    const climb = step >= 400 && step < 430 ? height * (1 - Math.abs(step - 415) / 15) : 0;
    return level(step) + noise[step]! + climb;
  };
}

describe('the second look at a loss event', () => {
  const { updates } = watch(
    900,
    triangle(() => 3, 2),
  );
  const looked = updates.filter(({ phase }) => phase === 'reevaluated');

  it('comes once, when 128 quiet losses are in on either side', () => {
    expect(looked).toHaveLength(1);
    const [{ at, reevaluation }] = looked as [(typeof updates)[number]];
    expect(reevaluation).toMatchObject({ standsOut: true, samplesBefore: 128, samplesAfter: 128 });
    const { recoveredStep } = looked[0]!.event;
    expect(at).toBeGreaterThanOrEqual(recoveredStep! + 138);
    expect(at).toBeLessThanOrEqual(recoveredStep! + 150);
  });

  it('measures the area above the level, and the shift of the level', () => {
    // Half of 30 steps times a height of 2.
    expect(looked[0]!.reevaluation!.excessArea).toBeCloseTo(30, -0.5);
    expect(Math.abs(looked[0]!.reevaluation!.excessArea - 30)).toBeLessThan(1);
    expect(Math.abs(looked[0]!.reevaluation!.levelShift!)).toBeLessThan(0.02);
    expect(looked[0]!.reevaluation!.peakStep).toBe(415);
  });

  it('sees a level that the loss has gone to', () => {
    const shifted = watch(
      900,
      triangle((step) => (step < 415 ? 3 : 3.04), 2),
    ).updates.findLast(({ phase }) => phase === 'reevaluated');
    expect(Math.abs(shifted!.reevaluation!.levelShift! - 0.04)).toBeLessThan(0.01);
  });

  it('is taken at the end of the run by what there is, and again should it go on', () => {
    const lossAt = triangle(() => 3, 2);
    const { detector, updates: before } = watch(480, lossAt);
    expect(before.some(({ phase }) => phase === 'reevaluated')).toBe(false);
    const [early] = concludeLosses(detector);
    expect(early!.reevaluation!.samplesAfter).toBeLessThan(60);
    let late: LossUpdate | undefined;
    for (let step = 480; step < 700; step++) {
      const found = observeLoss(detector, { step, loss: lossAt(step), learningRate: null });
      late ??= found.find(({ phase }) => phase === 'reevaluated');
    }
    expect(late!.event.openedStep).toBe(early!.event.openedStep);
    expect(late!.reevaluation!.samplesAfter).toBe(128);
  });

  it('says of an outlier batch how much it cost', () => {
    const normal = seededNormal(8);
    const { updates: told } = watch(900, (step) => 3 + 0.02 * normal() + (step === 500 ? 4 : 0));
    expect(told[0]!.event.kind).toBe('outlier_batch');
    expect(Math.abs(told[0]!.event.excessArea - 4)).toBeLessThan(0.1);
    expect(Math.abs(told.at(-1)!.reevaluation!.excessArea - 4)).toBeLessThan(0.2);
  });

  it('does not take the peak of a bad batch just before for that of the spike', () => {
    const normal = seededNormal(10);
    const climbOf = (step: number) => (step === 480 ? 20 : step >= 486 && step < 500 ? 2 : 0);
    const { updates: told } = watch(900, (step) => 3 + 0.02 * normal() + climbOf(step));
    const looked = told.filter(({ phase }) => phase === 'reevaluated');
    expect(looked.map(({ event }) => event.kind)).toEqual(['outlier_batch', 'loss_spike']);
    const { onsetStep, peakStep, peakValue } = looked[1]!.reevaluation!;
    expect(onsetStep).toBe(486);
    expect(peakStep).toBeGreaterThanOrEqual(486);
    expect(Math.abs(peakValue - 5)).toBeLessThan(0.1);
  });

  it('does not mistake the level after a spike that never recovered for its baseline', () => {
    const normal = seededNormal(9);
    const { updates: told } = watch(2500, (step) => (step < 500 ? 3 : 4) + 0.02 * normal());
    const last = told.findLast(({ phase }) => phase === 'reevaluated')!;
    expect(last.event.recovery).toBe('unrecovered');
    expect(last.reevaluation).toMatchObject({ standsOut: true, onsetStep: 500, samplesAfter: 0 });
    expect(Math.abs(last.reevaluation!.baseline - 3)).toBeLessThan(0.02);
    expect(Math.abs(last.reevaluation!.levelShift! - 1)).toBeLessThan(0.02);
  });

  it('never looks at more than it remembers', () => {
    const { detector } = watch(
      6000,
      triangle(() => 3, 2),
    );
    expect(detector.review.history.steps).toHaveLength(HISTORY_SAMPLES);
    expect(detector.review.awaited).toEqual([]);
    expect(detector.review.spans.length).toBeLessThan(2);
  });
});

describe.each(['B_spontaneous_spike', 'C_stale_v'] as const)('of the recorded run %s', (name) => {
  it('online and offline agree on every event that has its losses around it', () => {
    const { steps } = loadRecordedRun(name);
    const lossOf = (step: number) => steps[step]!.scalars.get('loss')!;
    const series = {
      steps: steps.map(({ step }) => step),
      losses: steps.map((_, i) => lossOf(i)),
      learningRates: steps.map(({ scalars }) => scalars.get('learning_rate')!),
    };
    const detector = createLossDetector();
    const online = new Map<number, LossUpdate>();
    steps.forEach(({ step, scalars }, i) => {
      const learningRate = scalars.get('learning_rate')!;
      for (const update of observeLoss(detector, { step, loss: lossOf(i), learningRate })) {
        if (update.phase === 'reevaluated') online.set(update.event.openedStep, update);
      }
    });
    for (const update of concludeLosses(detector)) online.set(update.event.openedStep, update);
    const offline = reviewLosses(series).filter(({ reevaluation }) => reevaluation !== null);
    expect(online.size).toBe(offline.length);
    for (const { event, reevaluation } of offline) {
      const seen = online.get(event.openedStep)!.reevaluation!;
      const { onsetStep, riseStep, peakStep, peakValue } = reevaluation!;
      expect(seen).toMatchObject({ onsetStep, riseStep, peakStep, peakValue });
      expect(seen.standsOut).toBe(reevaluation!.standsOut);
    }
  });
});
