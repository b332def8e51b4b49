import { describe, expect, it } from 'vitest';
import { AppError } from '@/lib/contract/app-error';
import {
  REPLAY_STEPS,
  continueDetector,
  inheritOpenEvent,
  leaveClosedEvents,
} from '@/lib/detect/continue-detector';
import { decodeDetector, encodeDetector } from '@/lib/detect/detector-codec';
import {
  type RunDetector,
  type StepFindings,
  type StepObservation,
  createRunDetector,
  observeStep,
} from '@/lib/detect/run-detector';
import { seededNormal } from '@/tests/seeded-random';
import { loadRecordedRun } from './recorded-run';
import { fallingLoss } from './series';

const run = loadRecordedRun('B_spontaneous_spike');

function feed(detector: RunDetector, steps: readonly StepObservation[]): StepFindings[] {
  return steps.map((observation) => observeStep(detector, observation, run.context));
}

const whole = feed(createRunDetector(run.layerNames.length), run.steps);

describe('a state kept as bytes', () => {
  it.each([1, 30, 63, 64, 200, 316, 317, 319, 325, 350, 480, 552, 560, 639])(
    'goes on after step %i as if nothing had been',
    (step) => {
      const detector = createRunDetector(run.layerNames.length);
      feed(detector, run.steps.slice(0, step));
      const restored = decodeDetector(encodeDetector(detector));
      expect(feed(restored, run.steps.slice(step, step + 40))).toEqual(
        whole.slice(step, step + 40),
      );
    },
  );

  it('gives the same bytes again', () => {
    const detector = createRunDetector(run.layerNames.length);
    feed(detector, run.steps.slice(0, 322));
    const bytes = encodeDetector(detector);
    expect(Buffer.from(encodeDetector(decodeDetector(bytes))).equals(Buffer.from(bytes))).toBe(
      true,
    );
  });

  it('holds what JSON has no numbers for: a divergence goes on', () => {
    const detector = createRunDetector(0);
    const context = { parameterCounts: [], beta1: 0.9, beta2: 0.95, epsilon: 1e-8 };
    const at = (step: number, loss: number) => ({
      step,
      scalars: new Map([['loss', loss]]),
      layerMetrics: new Map<string, Float32Array>(),
    });
    observeStep(detector, at(1, NaN), context);
    const restored = decodeDetector(encodeDetector(detector));
    expect(observeStep(restored, at(2, Infinity), context).loss).toEqual([]);
  });

  it('keeps open warnings, and events that wait for a second look', () => {
    const normal = seededNormal(12);
    const context = { parameterCounts: [], beta1: 0.9, beta2: 0.95, epsilon: 1e-8 };
    const steps = Array.from({ length: 700 }, (_, step): StepObservation => ({
      step,
      scalars: new Map([
        ['loss', 3 + 0.02 * normal() + (step >= 300 && step < 330 ? 2 : 0)],
        ['learning_rate', 1e-3],
        ['stability_ratio', step < 280 ? 0.9 : 1.3],
      ]),
      layerMetrics: new Map(),
    }));
    const play = (detector: RunDetector, from: number, to: number) =>
      steps.slice(from, to).map((observation) => observeStep(detector, observation, context));
    const uncut = play(createRunDetector(0), 0, 700);
    expect(uncut.flatMap(({ loss }) => loss.map(({ phase }) => phase))).toContain('reevaluated');
    for (const step of [281, 310, 345, 400, 460]) {
      const detector = createRunDetector(0);
      play(detector, 0, step);
      const restored = decodeDetector(encodeDetector(detector));
      expect(play(restored, step, 700)).toEqual(uncut.slice(step));
    }
  });

  it('is refused when it is cut, of another version or no container at all', () => {
    const bytes = encodeDetector(createRunDetector(3));
    expect(() => decodeDetector(bytes.subarray(0, bytes.length - 1))).toThrow(AppError);
    expect(() => decodeDetector(new Uint8Array(4))).toThrow(AppError);
    const other = bytes.slice();
    const view = new DataView(other.buffer);
    const headerLength = Number(view.getBigUint64(0, true));
    const header = new TextDecoder().decode(other.subarray(8, 8 + headerLength));
    const begin = Number(JSON.parse(header).tape.data_offsets[0]);
    view.setFloat64(8 + headerLength + begin, 99, true);
    expect(() => decodeDetector(other)).toThrow(/version/);
  });
});

describe('a new attempt', () => {
  const spiking = (from: number) => {
    const normal = seededNormal(8);
    return (step: number) =>
      fallingLoss(step) + 0.03 * normal() + (step >= from && step < from + 30 ? 2 : 0);
  };
  const context = { parameterCounts: [], beta1: 0.9, beta2: 0.95, epsilon: 1e-8 };
  const play = (
    detector: RunDetector,
    from: number,
    to: number,
    lossAt: (step: number) => number,
  ) => {
    const found: { kind: string; onsetStep: number; isInherited: boolean }[] = [];
    for (let step = from; step < to; step++) {
      const scalars = new Map([
        ['loss', lossAt(step)],
        ['learning_rate', 1e-3],
      ]);
      const findings = observeStep(detector, { step, scalars, layerMetrics: new Map() }, context);
      for (const { phase, event } of findings.loss) {
        if (phase !== 'opened' && phase !== 'closed') continue;
        const { kind, onsetStep, isInherited } = event;
        found.push({ kind, onsetStep, isInherited });
      }
    }
    return found;
  };

  it('that goes on where the old one ended finds a spike twenty steps later', () => {
    const lossAt = spiking(1520);
    const old = createRunDetector(0);
    play(old, 0, 1500, lossAt);
    const { kind, detector } = continueDetector(old, 1500);
    expect(kind).toBe('continued');
    expect(play(detector, 1500, 1600, lossAt)[0]).toMatchObject({ onsetStep: 1520 });
    expect(old.newestStep).toBe(1499);
  });

  it('that goes back replays the trajectory, and finds a spike twenty steps later', () => {
    const lossAt = spiking(1220);
    const old = createRunDetector(0);
    play(old, 0, 1500, () => 9);
    const { kind, detector } = continueDetector(old, 1200);
    expect(kind).toBe('replay');
    play(detector, 1200 - REPLAY_STEPS, 1200, lossAt);
    inheritOpenEvent(detector);
    expect(play(detector, 1200, 1300, lossAt)[0]).toMatchObject({ onsetStep: 1220 });
  });

  it('that goes back leaves events that were over to the attempt that told of them', () => {
    const lossAt = spiking(1150);
    const old = createRunDetector(0);
    play(old, 0, 1500, lossAt);
    const { detector } = continueDetector(old, 1200);
    play(detector, 1200 - REPLAY_STEPS, 1200, lossAt);
    expect(detector.loss.review.awaited).toHaveLength(1);
    leaveClosedEvents(detector);
    inheritOpenEvent(detector);
    const told: { phase: string; isInherited: boolean }[] = [];
    for (let step = 1200; step < 1500; step++) {
      const scalars = new Map([['loss', lossAt(step)]]);
      const { loss } = observeStep(detector, { step, scalars, layerMetrics: new Map() }, context);
      told.push(...loss.map(({ phase, event }) => ({ phase, isInherited: event.isInherited })));
    }
    expect(told.map(({ phase }) => phase)).toEqual(['settled', 'reevaluated']);
    expect(told.every(({ isInherited }) => isInherited)).toBe(true);
  });

  it('inside an open spike inherits it, and closes it as inherited', () => {
    const lossAt = spiking(1490);
    const old = createRunDetector(0);
    expect(play(old, 0, 1500, lossAt)).toEqual([
      { kind: 'loss_spike', onsetStep: 1490, isInherited: false },
    ]);
    const { detector } = continueDetector(old, 1500);
    expect(play(detector, 1500, 1600, lossAt)).toEqual([
      { kind: 'loss_spike', onsetStep: 1490, isInherited: true },
    ]);
  });
});
