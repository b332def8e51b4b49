import type { AdviceFacts } from '@/lib/postmortem/advice/advice-facts';
import type { Warning } from '@/lib/contract/warnings';
import { WARNING_WORDS } from '@/lib/contract/warnings';

/** A healthy run of three layers at step 640, of which nothing is to be said. */
export function someAdviceFacts(over: Partial<AdviceFacts> = {}): AdviceFacts {
  return {
    attempt: 1,
    optimizer: { name: 'adamw', beta1: 0.9, beta2: 0.95, epsilon: 1e-8 },
    attempts: [{ attempt: 1, resumeFromStep: 0 }],
    step: 640,
    watchedFromStep: 64,
    layers: ['transformer.wte.weight', 'transformer.h.0.mlp.weight', 'lm_head.weight'].map(
      (name) => ({ name, parameterCount: 4096 }),
    ),
    columns: lastColumns({ rms: [1, 1, 1] }),
    lastLoss: 2.1,
    spikes: [],
    stages: [],
    events: [],
    warnings: [],
    incidents: new Map(),
    ...over,
  };
}

/** Steps 639 and 640; each metric with its newest value of every layer. */
export function lastColumns(
  metrics: Readonly<Record<string, readonly number[]>>,
): AdviceFacts['columns'] {
  return {
    steps: [639, 640],
    scalars: new Map(),
    layers: new Map(
      Object.entries(metrics).map(([name, values]) => [
        name,
        [new Float32Array(values.length).fill(NaN), Float32Array.from(values)],
      ]),
    ),
  };
}

export function aWarning(over: Partial<Warning> = {}): Warning {
  return {
    ...{ id: '1-curvature_beyond_limit-600', attempt: 1, kind: 'curvature_beyond_limit' },
    ...{ metric: 'stability_ratio', fromStep: 600, toStep: null, peakStep: 630, peakValue: 1.6 },
    ...{ learningRate: 1e-3, ...WARNING_WORDS.curvature_beyond_limit },
    ...over,
  };
}
