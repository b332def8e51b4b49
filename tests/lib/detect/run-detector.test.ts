import { describe, expect, it } from 'vitest';
import {
  type LossReport,
  type StepObservation,
  createRunDetector,
  observeStep,
} from '@/lib/detect/run-detector';
import type { RmsSpike } from '@/lib/detect/rms-spikes';
import { seededNormal } from '@/tests/seeded-random';
import { loadPublicLog, loadRecordedRun } from './recorded-run';

function reportsOf(name: 'B_spontaneous_spike' | 'C_stale_v') {
  const run = loadRecordedRun(name);
  const detector = createRunDetector(run.layerNames.length);
  const opened: LossReport[] = [];
  const byOnset = new Map<number, RmsSpike>();
  for (const observation of run.steps) {
    const findings = observeStep(detector, observation, run.context);
    opened.push(...findings.loss.filter(({ phase }) => phase === 'opened'));
    for (const { event } of findings.rmsSpikes) byOnset.set(event.onsetStep, event);
  }
  const isLarge = (layer: number) => Number(run.context.parameterCounts[layer]) >= 1000;
  return { run, detector, opened, rmsSpikes: Array.from(byOnset.values()), isLarge };
}

describe('first movers of run B', () => {
  const { run, detector, opened, isLarge } = reportsOf('B_spontaneous_spike');
  const [first, second] = opened;
  const names = (report: LossReport, lead: number) =>
    report.precursor.firstMovers
      .filter(({ layer, leadSteps }) => isLarge(layer) && leadSteps === lead)
      .map(({ layer }) => run.layerNames[layer]!);

  it('are 34 of the 35 large layers at 317, one step before the loss rises', () => {
    expect(first!.event.riseStep).toBe(318);
    expect(names(first!, 1)).toHaveLength(34);
    expect(names(first!, 1)).not.toContain('lm_head');
    expect(names(first!, 0)).toEqual(['lm_head']);
    expect(first!.precursor).toMatchObject({ verdict: 'precursor_found' });
    expect(first!.precursor.firstMovers[0]).toMatchObject({ step: 317, metric: 'gradient_rms' });
  });

  it('are wte, wpe and blocks 0 to 3 at 551', () => {
    const places = new Set(names(second!, 1).map((name) => name.split('.').slice(0, 2).join('.')));
    expect(places).toEqual(new Set(['wte', 'wpe', 'h.0', 'h.1', 'h.2', 'h.3']));
    expect(second!.precursor.verdict).toBe('precursor_found');
  });

  it('lead by no more than they did, in every layer', () => {
    for (const { precursor } of opened) {
      for (const { leadSteps } of precursor.firstMovers) expect(leadSteps).toBeLessThanOrEqual(1);
    }
  });

  it('are rare enough in quiet steps that finding one says something', () => {
    expect(first!.precursor.chance!).toBeLessThan(0.02);
    expect(detector.odds.quietSteps).toBeGreaterThan(200);
  });
});

describe('run C, whose gradients rise with its loss', () => {
  const { run, opened, rmsSpikes } = reportsOf('C_stale_v');

  it('has no precursor to any event', () => {
    expect(opened.length).toBeGreaterThanOrEqual(3);
    for (const { precursor } of opened) expect(precursor.verdict).toBe('no_precursor');
  });

  it('has RMS spikes with and without a loss event', () => {
    const attention = run.layerNames.indexOf('h.0.attn.c_attn');
    for (const step of [61, 150, 220, 301, 320, 470, 499]) {
      const event = rmsSpikes.find(
        ({ onsetStep, recoveredStep }) => step >= onsetStep && step < (recoveredStep ?? Infinity),
      );
      expect(event, `step ${step}`).toBeDefined();
    }
    const at301 = rmsSpikes.find(({ peakStep }) => peakStep === 301);
    expect(at301!.layers.map(({ layer }) => layer)).toContain(attention);
  });
});

function observationOf(step: number, scalars: Record<string, number | null>): StepObservation {
  const known = Object.entries(scalars).filter(
    (entry): entry is [string, number] => entry[1] !== null,
  );
  return { step, scalars: new Map(known), layerMetrics: new Map() };
}

const context = { parameterCounts: [], beta1: 0.9, beta2: 0.95, epsilon: 1e-8 };

describe('a run that posts no layers', () => {
  it('has no precursor where its gradient norm did not move first (llm.c)', () => {
    const detector = createRunDetector(0);
    const verdicts = new Set<string>();
    for (const { step, loss, gradientNorm, learningRate } of loadPublicLog('llmc-gpt2-124M')) {
      const scalars = { loss, gradient_norm: gradientNorm, learning_rate: learningRate };
      const findings = observeStep(detector, observationOf(step, scalars), context);
      for (const { precursor } of findings.loss) verdicts.add(precursor.verdict);
    }
    expect(verdicts).toEqual(new Set(['no_precursor']));
  });

  it('has too little to say so where it posts a loss alone (nanoGPT)', () => {
    const detector = createRunDetector(0);
    const verdicts = new Set<string>();
    for (const { step, loss } of loadPublicLog('nanogpt-adam')) {
      const findings = observeStep(detector, observationOf(step, { loss }), context);
      for (const { precursor } of findings.loss) verdicts.add(precursor.verdict);
    }
    expect(verdicts).toEqual(new Set(['insufficient_data']));
  });

  it('shows the gradient norm’s lead (BLOOM: 31215, one step)', () => {
    const normal = seededNormal(3);
    const rows = new Map(
      loadPublicLog('bloom-176B-first-loss-spike').map((row) => [row.step, row]),
    );
    const detector = createRunDetector(0);
    const opened: LossReport[] = [];
    for (let step = 30_900; step <= 31_222; step++) {
      const row = rows.get(step);
      const loss = row?.loss ?? 2.21 + 0.02 * normal();
      const gradientNorm = row?.gradientNorm ?? 0.24 * Math.exp(0.05 * normal());
      const scalars = { loss, gradient_norm: gradientNorm };
      const { loss: reports } = observeStep(detector, observationOf(step, scalars), context);
      opened.push(...reports.filter(({ phase }) => phase === 'opened'));
    }
    expect(opened).toHaveLength(1);
    expect(opened[0]!.event.onsetStep).toBe(31_216);
    expect(opened[0]!.precursor).toMatchObject({
      verdict: 'precursor_found',
      gradientNorm: { step: 31_215, leadSteps: 1 },
    });
  });
});

describe('one step', () => {
  it('must come after the one before', () => {
    const detector = createRunDetector(0);
    observeStep(detector, observationOf(5, { loss: 1 }), context);
    expect(() => observeStep(detector, observationOf(5, { loss: 1 }), context)).toThrow(RangeError);
  });

  it('that stands out is told of before it is judged', () => {
    const detector = createRunDetector(0);
    const normal = seededNormal(4);
    const candidates: number[] = [];
    for (let step = 0; step < 220; step++) {
      const loss = 3 + 0.03 * normal() + (step >= 200 ? 2 : 0);
      const findings = observeStep(detector, observationOf(step, { loss }), context);
      if (findings.isCandidateOpen) candidates.push(step);
    }
    expect(candidates).toEqual([200, 201]);
  });

  it('without layers leaves their stages alone', () => {
    const detector = createRunDetector(2);
    const { stages, stageColumn } = observeStep(detector, observationOf(1, { loss: 1 }), {
      ...context,
      parameterCounts: [1, 1],
    });
    expect(stages).toEqual([]);
    expect(stageColumn).toBeNull();
  });

  it('takes a layer’s norm where no RMS was posted', () => {
    const detector = createRunDetector(1);
    for (let step = 0; step < 64; step++) {
      const norm = step === 63 ? 50 : 2;
      const layerMetrics = new Map([['gradient_norm', Float32Array.of(norm)]]);
      const observation = { step, scalars: new Map([['loss', 1]]), layerMetrics };
      observeStep(detector, observation, { ...context, parameterCounts: [4] });
    }
    expect(detector.monitor.gradient.median[0]).toBe(1);
    expect(detector.monitor.movers.written).toBe(1);
  });
});

describe('curvature', () => {
  it('is read from the posted sharpness with the step’s learning rate and the run’s β1', () => {
    const detector = createRunDetector(0);
    const scalars = { learning_rate: 1e-3, preconditioned_sharpness: 38_000 };
    const { curvature } = observeStep(detector, observationOf(1, scalars), context);
    expect(curvature!.kappa).toBeCloseTo(1, 12);
  });
});
