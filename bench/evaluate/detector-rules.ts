/**
 * Spike rules of other projects, written anew from their published parameters, beside
 * ours. Each reads a whole series in order, looks at no later step than the one it judges,
 * and says on which steps it would have raised an alarm.
 */
import { createRunDetector, observeStep } from '../../lib/detect/run-detector';
import type { LabelledSeries } from './labelled-series';

export interface Alarm {
  /** The step that the alarm calls the start. */
  readonly onset: number;
  /** The step on which it was raised. */
  readonly raisedAt: number;
  /** Steps before the loss's rise on which the rule saw something move; 0: none. */
  readonly lead: number;
}

export interface DetectorRule {
  readonly name: string;
  /** null where the rule cannot read this series. */
  readonly detect: (series: LabelledSeries) => readonly Alarm[] | null;
}

const MERGE_STEPS = 10;

/** Flags less than ten steps apart are one alarm, dated by the first. */
function mergeFlags(flags: readonly { onset: number; raisedAt: number }[]): Alarm[] {
  const alarms: Alarm[] = [];
  let newest = -Infinity;
  for (const { onset, raisedAt } of flags) {
    if (onset - newest >= MERGE_STEPS) alarms.push({ onset, raisedAt, lead: 0 });
    newest = raisedAt;
  }
  return alarms;
}

/** Spikes and divergences; outlier batches are reported apart and are no alarm. */
const spikescope: DetectorRule = {
  name: 'Spikescope',
  detect: ({ points }) => {
    const detector = createRunDetector(0);
    const alarms = new Map<number, Alarm>();
    for (const { step, loss, gradientNorm, learningRate } of points) {
      const scalars = new Map<string, number>();
      if (loss !== null) scalars.set('loss', loss);
      if (gradientNorm !== null) scalars.set('gradient_norm', gradientNorm);
      if (learningRate !== null) scalars.set('learning_rate', learningRate);
      const findings = observeStep(
        detector,
        { step, scalars, layerMetrics: new Map() },
        { parameterCounts: [], beta1: 0.9, beta2: 0.95, epsilon: 1e-8 },
      );
      for (const { event, precursor } of findings.loss) {
        if (event.kind === 'outlier_batch') continue;
        alarms.set(event.openedStep, {
          onset: event.onsetStep,
          raisedAt: event.confirmedStep,
          lead: precursor.gradientNorm?.leadSteps ?? 0,
        });
      }
    }
    return Array.from(alarms.values());
  },
};

/** Mean and sample standard deviation of the last `width` values; null until that many are in. */
function createRollingMoments(width: number) {
  const values: number[] = [];
  return {
    push(value: number): void {
      values.push(value);
      if (values.length > width) values.shift();
    },
    read(): { mean: number; std: number } | null {
      if (values.length < width) return null;
      const mean = values.reduce((sum, value) => sum + value, 0) / width;
      const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
      return { mean, std: Math.sqrt(squares / (width - 1)) };
    },
  };
}

/** OLMo-core StabilityMonitor: above mean + 6 sd of the last 128; a flat window flags nothing. */
function olmoCore(of: 'loss' | 'gradientNorm', label: string): DetectorRule {
  return {
    name: `OLMo-core, ${label}`,
    detect: ({ points }) => {
      if (points.every((point) => point[of] === null)) return null;
      const window = createRollingMoments(128);
      const flags: { onset: number; raisedAt: number }[] = [];
      for (const { step, [of]: value } of points) {
        if (value === null || !Number.isFinite(value)) continue;
        const moments = window.read();
        if (moments !== null && moments.std >= 1e-10 && value > moments.mean + 6 * moments.std) {
          flags.push({ onset: step, raisedAt: step });
        }
        window.push(value);
      }
      return mergeFlags(flags);
    },
  };
}

/**
 * LLM-Foundry KillLossSpike: more than 4 losses in a row at twice the window's mean or
 * above; or half the window above the largest loss of the first window, at most 10.
 */
const llmFoundry: DetectorRule = {
  name: 'LLM-Foundry',
  detect: ({ points }) => {
    const losses = points.filter(({ loss }) => loss !== null);
    const width = Math.max(100, Math.round(0.05 * losses.length));
    const window: number[] = [];
    const flags: { onset: number; raisedAt: number }[] = [];
    let highest: number | null = null;
    let inARow = 0;
    let firstOfRow = 0;
    for (const { step, loss } of losses) {
      if (loss === null) continue;
      if (window.length === width) {
        highest ??= Math.min(10, Math.max(...window));
        const limit = highest;
        const mean = window.reduce((sum, value) => sum + value, 0) / width;
        if (loss >= 2 * mean) {
          if (inARow === 0) firstOfRow = step;
          inARow++;
        } else inARow = 0;
        const isHigh = window.filter((value) => value > limit).length > width / 2;
        if (inARow > 4) flags.push({ onset: firstOfRow, raisedAt: step });
        else if (isHigh) flags.push({ onset: step, raisedAt: step });
      }
      window.push(loss);
      if (window.length > width) window.shift();
    }
    return mergeFlags(flags);
  },
};

/** ZClip: gradient norm at z > 2.5 of an EMA of 0.97, after 25 steps; what is clipped enters clipped. */
const zClip: DetectorRule = {
  name: 'ZClip (gradient norm)',
  detect: ({ points }) => {
    const norms = points.filter(
      ({ gradientNorm }) => gradientNorm !== null && Number.isFinite(gradientNorm),
    );
    if (norms.length === 0) return null;
    const warmUp = norms.slice(0, 25).map(({ gradientNorm }) => gradientNorm ?? 0);
    let mean = warmUp.reduce((sum, value) => sum + value, 0) / warmUp.length;
    let variance = warmUp.reduce((sum, value) => sum + (value - mean) ** 2, 0) / warmUp.length;
    const flags: { onset: number; raisedAt: number }[] = [];
    for (const { step, gradientNorm } of norms.slice(25)) {
      const norm = gradientNorm ?? 0;
      const std = Math.sqrt(variance);
      const z = (norm - mean) / (std + 1e-6);
      const isSpike = z > 2.5;
      if (isSpike) flags.push({ onset: step, raisedAt: step });
      const taken = isSpike ? mean + (2.5 * std) / (z / 2.5) : norm;
      mean = 0.97 * mean + 0.03 * taken;
      variance = 0.97 * variance + 0.03 * (taken - mean) ** 2;
    }
    return mergeFlags(flags);
  },
};

export const RULES: readonly DetectorRule[] = [
  spikescope,
  olmoCore('loss', 'loss'),
  olmoCore('gradientNorm', 'gradient norm'),
  llmFoundry,
  zClip,
];
