import { describe, expect, it } from 'vitest';
import { createRunDetector, observeStep } from '@/lib/detect/run-detector';
import type { StageChange } from '@/lib/detect/stage-machine';
import { STAGE_EVIDENCE, STAGE_NAMES, STAGE_THRESHOLDS } from '@/lib/contract/stages';
import { seededNormal } from '@/tests/seeded-random';
import { type GradientAt, createAdamLayers } from './adam-layers';
import { loadRecordedRun } from './recorded-run';

interface Walk {
  readonly changes: readonly StageChange[];
  readonly spikeOnsets: readonly number[];
  /** [step][layer] codes. */
  readonly columns: readonly Float32Array[];
}

function walk(
  gradients: readonly GradientAt[],
  steps: number,
  lossAt: (step: number) => number,
  leaveOut: readonly string[] = [],
): Walk {
  const layers = createAdamLayers(gradients);
  const detector = createRunDetector(layers.layerCount);
  const changes: StageChange[] = [];
  const spikeOnsets: number[] = [];
  const columns: Float32Array[] = [];
  for (let step = 1; step <= steps; step++) {
    const observation = layers.observe(step, lossAt(step));
    const layerMetrics = new Map(observation.layerMetrics);
    for (const name of leaveOut) layerMetrics.delete(name);
    const findings = observeStep(detector, { ...observation, layerMetrics }, layers.context);
    changes.push(...findings.stages);
    columns.push(findings.stageColumn!);
    for (const { phase, event } of findings.loss) {
      if (phase === 'opened') spikeOnsets.push(event.onsetStep);
    }
  }
  return { changes, spikeOnsets, columns };
}

/**
 * Stages of a layer in the order they came, without what follows another of the same. On
 * the very first step there is no lag-1 cosine yet, and so no stage.
 */
function stagesOf({ changes }: Walk, layer: number): string[] {
  const stages = changes
    .filter((change) => change.layer === layer && (change.step > 1 || change.stage === 'healthy'))
    .map(({ stage }) => stage);
  return stages.filter((stage, index) => stage !== stages[index - 1]);
}

function labelsOf({ changes }: Walk, layer: number): Set<string | null> {
  return new Set(changes.filter((change) => change.layer === layer).map(({ label }) => label));
}

const flatLoss = (seed: number) => {
  const normal = seededNormal(seed);
  return () => 3 + 0.03 * normal();
};

/** Zero-mean noise; the paper's healthy layer. */
const healthy: GradientAt = (_, __, noise) => 1e-4 * noise;

const BURST = 1800;
/** Falls by a decade in 200 steps to 1e-11, then drifts, then bursts at BURST. */
const paper: GradientAt = (step, _, noise, sign) => {
  if (step >= BURST + 3) return 1e-4 * noise;
  if (step >= BURST) return 1e-4 * sign;
  const size = Math.max(1e-11, 1e-4 * 10 ** (-Math.max(0, step - 100) / 200));
  const drift = Math.min(1.5, Math.max(0, (step - 1600) / 100));
  return size * (noise + drift * sign);
};

describe('the paper’s process', () => {
  const normal = seededNormal(5);
  const lossAt = (step: number) =>
    3 + 0.03 * normal() + (step > BURST ? 3 * Math.exp(-(step - BURST - 1) / 12) : 0);
  const run = walk([paper, healthy], BURST + 120, lossAt);

  it('is walked from S1 to S9 in order, and ends in S1 again', () => {
    expect(stagesOf(run, 0)).toEqual([
      'healthy',
      'gradients_vanish',
      'update_collapsed',
      'correlating',
      'armed',
      'trigger',
      'explosion',
      'decorrelating',
      'recovering',
      'healthy',
    ]);
  });

  it('triggers one step before the loss rises', () => {
    const trigger = run.changes.find(({ stage }) => stage === 'trigger');
    expect(trigger!.step).toBe(BURST);
    expect(run.spikeOnsets).toEqual([BURST + 1]);
  });

  it('keeps the numbers that decided each stage, on the right side of what the rule asks', () => {
    const into = (stage: string) => {
      const { evidence } = run.changes.find(
        (change) => change.stage === stage && change.layer === 0,
      )!;
      return Object.fromEntries(STAGE_EVIDENCE.map((name, index) => [name, evidence[index]!]));
    };
    const vanished = into('gradients_vanish');
    expect(vanished['gradientRms']).toBeLessThan(vanished['epsilon']!);
    const collapsed = into('update_collapsed');
    expect(collapsed['secondMomentBelowEpsilonFraction']).toBeGreaterThanOrEqual(
      STAGE_THRESHOLDS.collapsedShare,
    );
    expect(collapsed['updateStd']).toBeLessThan(
      STAGE_THRESHOLDS.collapsedWidth * collapsed['healthyStd']!,
    );
    expect(into('correlating')['gradientCosine']).toBeGreaterThanOrEqual(
      STAGE_THRESHOLDS.correlatedCosine,
    );
    expect(into('armed')['ratioDip']).toBeGreaterThanOrEqual(STAGE_THRESHOLDS.twoPeaksDip);
    expect(into('trigger')['gradientJumpDecades']).toBeGreaterThanOrEqual(
      STAGE_THRESHOLDS.jumpDecades,
    );
    const exploded = into('explosion');
    expect(Math.abs(exploded['updateStd']! - exploded['ratioStd']!)).toBeLessThan(
      STAGE_THRESHOLDS.explosionGap * exploded['ratioStd']!,
    );
    expect(into('decorrelating')['ratioDip']).toBeLessThan(STAGE_THRESHOLDS.onePeakDip);
    expect(into('decorrelating')['lossDisturbed']).toBe(1);
    expect(into('recovering')['lossDisturbed']).toBe(0);
  });

  it('leaves a layer that takes no part in it healthy', () => {
    expect(stagesOf(run, 1)).toEqual(['healthy']);
  });

  it('writes the metric’s codes in the order of the names', () => {
    const codes = run.columns.map((column) => column[0]!);
    expect(STAGE_NAMES[codes[BURST - 2]!]).toBe('armed');
    expect(STAGE_NAMES[codes[BURST - 1]!]).toBe('trigger');
    expect(STAGE_NAMES[codes.at(-1)!]).toBe('healthy');
  });
});

describe('a healthy run', () => {
  const spiky: GradientAt = (step, _, noise) => (step === 300 ? 5e-3 : 1e-4) * noise;
  const warmingUp: GradientAt = (step, _, noise, sign) =>
    1e-3 * (noise + Math.max(0, 3 - step / 10) * sign);
  const embedding: GradientAt = (_, coordinate, noise) =>
    coordinate % 100 < 97 ? 0 : 1e-4 * noise;
  const correlated: GradientAt = (_, __, noise, sign) => 1e-4 * (noise + sign);
  const run = walk([healthy, spiky, warmingUp, embedding, correlated], 500, flatLoss(6));

  it.each([0, 1, 2, 3, 4])('never leaves S1: layer %i', (layer) => {
    expect(stagesOf(run, layer)).toEqual(['healthy']);
  });

  it('is labelled start-up at first, and then not', () => {
    expect(labelsOf(run, 0)).toEqual(new Set(['start_up', null]));
    const settled = run.changes.find(({ layer, label }) => layer === 0 && label === null);
    expect(settled!.step).toBe(65);
  });

  it('has a benign gradient spike where one gradient jumps and nothing follows', () => {
    const spike = run.changes.filter(({ layer, step }) => layer === 1 && step >= 300);
    expect(spike[0]).toMatchObject({ step: 300, stage: 'healthy' });
    expect(['benign_gradient_spike', 'single_burst']).toContain(spike[0]!.label);
    expect(spike.at(-1)!.label).toBeNull();
  });

  it('knows the rows of an embedding that no batch holds', () => {
    expect(labelsOf(run, 3)).toEqual(new Set(['start_up', 'structural_zeros']));
  });
});

describe('what looks like a collapsed update and is not', () => {
  /** Five decades in a hundred steps: v forgets more slowly than the gradient shrinks. */
  const stale: GradientAt = (step, _, noise) =>
    noise * (step < 200 ? 1e-2 : 1e-2 * 10 ** (-Math.min(step - 200, 120) / 20));
  const oscillating: GradientAt = (step, _, noise, sign) =>
    (step % 2 === 0 ? 1 : -1) * sign * 1e-4 * (1 + 0.1 * noise);
  const run = walk([stale, oscillating], 420, flatLoss(7));

  it('is called stale v where the gradient shrinks faster than v forgets', () => {
    const during = run.changes.filter(({ layer, step }) => layer === 0 && step > 210 && step < 320);
    expect(during.map(({ label }) => label)).toContain('stale_v');
    expect(stagesOf(run, 0)).not.toContain('armed');
  });

  it('is called an oscillating gradient where the cosine is near −1', () => {
    expect(labelsOf(run, 1)).toContain('oscillating_gradient');
    expect(stagesOf(run, 1)).toEqual(['healthy']);
  });
});

describe('inputs that were never posted', () => {
  it.each([
    'second_moment_below_epsilon_fraction',
    'update_std',
    'ratio_std',
    'update_dip',
    'ratio_dip',
    'gradient_cosine',
    'gradient_rms',
  ])('without %s a layer is not called healthy', (name) => {
    const leaveOut = name === 'gradient_rms' ? [name, 'gradient_norm'] : [name];
    expect(
      new Set(walk([healthy], 150, flatLoss(8), leaveOut).changes.map(({ stage }) => stage)),
    ).toEqual(new Set(['insufficient_data']));
  });

  it('are told apart from inputs that come every tenth step', () => {
    const layers = createAdamLayers([healthy]);
    const detector = createRunDetector(1);
    const loss = flatLoss(9);
    const stages = new Set<string>();
    for (let step = 1; step <= 400; step++) {
      const { layerMetrics, ...rest } = layers.observe(step, loss());
      const posted = new Map(layerMetrics);
      if (step % 10 !== 0) for (const name of ['ratio_dip', 'update_dip']) posted.delete(name);
      const observation = { ...rest, layerMetrics: posted };
      for (const { stage } of observeStep(detector, observation, layers.context).stages) {
        if (step > 64) stages.add(stage);
      }
    }
    expect(stages).toEqual(new Set(['healthy']));
  });

  it('are needed of the optimizer too: without β1 no layer is healthy', () => {
    const layers = createAdamLayers([healthy]);
    const detector = createRunDetector(1);
    const loss = flatLoss(10);
    const context = { ...layers.context, beta1: null };
    for (let step = 1; step <= 100; step++) {
      const { stageColumn } = observeStep(detector, layers.observe(step, loss()), context);
      expect(stageColumn![0]).toBe(0);
    }
  });
});

describe('run B before its spikes', () => {
  const run = loadRecordedRun('B_spontaneous_spike');
  const detector = createRunDetector(run.layerNames.length);
  const labelAt = new Map<number, (string | null)[]>();
  const current = new Array<string | null>(run.layerNames.length).fill(null);
  const stages = new Set<string>();
  for (const observation of run.steps) {
    for (const { layer, stage, label } of observeStep(detector, observation, run.context).stages) {
      current[layer] = label;
      stages.add(stage);
    }
    labelAt.set(observation.step, [...current]);
  }
  const large = run.layerNames.flatMap((_, layer) =>
    Number(run.context.parameterCounts[layer]) >= 1000 ? [layer] : [],
  );

  it.each([312, 500])('step %i: a stale v or an oscillating gradient, not ε', (step) => {
    const labels = large.map((layer) => labelAt.get(step)![layer]!);
    const stale = labels.filter((label) => label === 'stale_v' || label === 'oscillating_gradient');
    expect(stale.length / large.length).toBeGreaterThan(0.9);
  });

  it('has one dominant gradient at 317 in most large layers', () => {
    const labels = large.map((layer) => labelAt.get(317)![layer]!);
    expect(labels.filter((label) => label === 'single_burst').length).toBeGreaterThan(17);
  });

  it('is never called healthy: the share of √v below ε was not recorded', () => {
    expect(stages).toEqual(new Set(['insufficient_data']));
  });
});

describe('a ratio beyond its bound', () => {
  const context = { parameterCounts: [10, 10], beta1: 0.9, beta2: 0.95, epsilon: 1e-8 };

  /** Layer 0 reports these shares, a step each, NaN being none; layer 1 is never corrupt. */
  function labelsOfShares(shares: readonly number[]) {
    const detector = createRunDetector(2);
    let label: string | null = null;
    return shares.map((share, step) => {
      const { stages } = observeStep(
        detector,
        {
          step,
          scalars: new Map([['loss', 3]]),
          layerMetrics: new Map([
            ['gradient_norm', Float32Array.of(1, 1)],
            ['ratio_beyond_bound_fraction', Float32Array.of(share, 0)],
          ]),
        },
        context,
      );
      for (const change of stages) {
        if (change.layer === 0) ({ label } = change);
        else expect(change.label).not.toBe('corrupt_ratio');
      }
      return label;
    });
  }

  it('is said at once, at the start of training too, and keeps no layer from its stage', () => {
    expect(labelsOfShares([0, 1e-4, 0])).toEqual(['start_up', 'corrupt_ratio', 'corrupt_ratio']);
  });

  it('is said for sixteen samples after the last of it', () => {
    const shares = [
      ...Array.from({ length: 80 }, () => 0),
      0.1,
      0,
      0,
      0.1,
      ...Array.from({ length: 20 }, () => 0),
    ];
    const labels = labelsOfShares(shares);
    const corrupt = labels.flatMap((label, step) => (label === 'corrupt_ratio' ? [step] : []));
    expect([corrupt[0], corrupt.at(-1), corrupt.length]).toEqual([80, 98, 19]);
  });

  it('is held between reports of a job that reports r now and then', () => {
    const shares = Array.from({ length: 120 }, (_, step) =>
      step === 80 ? 0.1 : step === 110 ? 0 : NaN,
    );
    const labels = labelsOfShares(shares);
    expect(labels[109]).toBe('corrupt_ratio');
    expect(labels.slice(80).every((label) => label === 'corrupt_ratio')).toBe(true);
  });
});
