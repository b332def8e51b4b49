import { describe, expect, it } from 'vitest';
import { type StepObservation, createRunDetector, observeStep } from '@/lib/detect/run-detector';
import { countQuietStep, createMoverOdds } from '@/lib/detect/precursor';
import { seededNormal } from '@/tests/seeded-random';

const context = { parameterCounts: [4096, 4096], beta1: 0.9, beta2: 0.95, epsilon: 1e-8 };

/** A run of two layers, healthy but for what `at` says of a step. */
function play(
  steps: number,
  at: (step: number) => {
    loss?: number;
    norm?: number;
    gradient?: readonly [number, number];
    rms?: readonly [number, number];
  } = () => ({}),
) {
  const normal = seededNormal(11);
  const noise = (width: number) => 10 ** (width * normal());
  const detector = createRunDetector(2);
  const findings = Array.from({ length: steps }, (_, step) => {
    const { loss, norm, gradient = [1, 1], rms = [1, 1] } = at(step);
    const observation: StepObservation = {
      step,
      scalars: new Map([
        ['loss', loss ?? 3 + 0.03 * normal()],
        ['gradient_norm', (norm ?? 1) * noise(0.03)],
      ]),
      layerMetrics: new Map([
        ['gradient_rms', Float32Array.from(gradient, (value) => 1e-4 * value * noise(0.05))],
        ['rms', Float32Array.from(rms, (value) => value * noise(0.02))],
      ]),
    };
    return observeStep(detector, observation, context);
  });
  return { detector, findings };
}

describe('the odds of a precursor', () => {
  it('count quiet steps, and those that a mover came up to ten steps before', () => {
    const odds = createMoverOdds();
    for (let step = 100; step < 200; step++) countQuietStep(odds, step, step > 120 ? 120 : -1);
    expect(odds).toEqual({ quietSteps: 100, stepsAfterMover: 10 });
  });

  it('count moves of layers and of the gradient norm alike', () => {
    const layers = play(400, (step) => (step === 300 ? { gradient: [50, 1] } : {}));
    expect(layers.detector.odds.stepsAfterMover).toBe(10);
    const norm = play(400, (step) => (step === 300 ? { norm: 5 } : {}));
    expect(norm.detector.odds.stepsAfterMover).toBe(10);
    expect(norm.detector.odds.quietSteps).toBe(337);
  });
});

describe('a loss spike that only the gradient norm announced', () => {
  const { findings } = play(500, (step) => {
    if (step === 399) return { norm: 5 };
    return step >= 400 && step < 420 ? { loss: 5 } : {};
  });
  const reports = findings.flatMap(({ loss }) => loss);

  it('has no layer among its movers, and says so', () => {
    expect(reports[0]!.precursor).toMatchObject({
      firstMovers: [],
      gradientNorm: { step: 399, leadSteps: 1 },
      verdict: 'precursor_found',
    });
  });

  it('is told the same of to its end, however much moves meanwhile', () => {
    const busy = play(700, (step) => {
      if (step === 399) return { gradient: [50, 1] };
      if (step >= 400 && step < 560) {
        const gradient: readonly [number, number] = step % 2 === 0 ? [1000, 1] : [1, 1000];
        return { loss: 5, gradient };
      }
      return {};
    });
    const told = busy.findings.flatMap(({ loss }) => loss);
    expect(told.map(({ phase }) => phase)).toContain('closed');
    for (const { precursor } of told) {
      expect(precursor.firstMovers[0]).toMatchObject({ layer: 0, step: 399, leadSteps: 1 });
    }
  });
});

describe('an RMS spike', () => {
  const verdictOf = (at: Parameters<typeof play>[1]) =>
    play(420, at).findings.flatMap(({ rmsSpikes }) => rmsSpikes)[0]!.precursor;

  it('was announced where a gradient moved in the ten steps before it', () => {
    const precursor = verdictOf((step) => {
      if (step === 397) return { gradient: [1, 40] };
      return step === 400 ? { rms: [4, 1] } : {};
    });
    expect(precursor).toMatchObject({
      verdict: 'precursor_found',
      firstMovers: [{ layer: 1, metric: 'gradient_rms', leadSteps: 3 }],
    });
  });

  it('was not announced by a gradient that moved with it', () => {
    const precursor = verdictOf((step) => (step === 400 ? { rms: [4, 1], gradient: [50, 1] } : {}));
    expect(precursor).toMatchObject({ verdict: 'no_precursor', firstMovers: [] });
  });

  it('is not judged where no gradient was ever posted', () => {
    const detector = createRunDetector(1);
    const normal = seededNormal(3);
    const verdicts = Array.from({ length: 200 }, (_, step) => {
      const rms = Float32Array.of(step === 150 ? 4 : 1 + 0.02 * normal());
      const observation = { step, scalars: new Map(), layerMetrics: new Map([['rms', rms]]) };
      return observeStep(detector, observation, { ...context, parameterCounts: [4096] });
    }).flatMap(({ rmsSpikes }) => rmsSpikes.map(({ precursor }) => precursor.verdict));
    expect(new Set(verdicts)).toEqual(new Set(['insufficient_data']));
  });
});
