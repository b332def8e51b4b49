import type { RunEvent } from '@/lib/contract/runs';
import type { StageInterval } from '@/lib/contract/reads';
import type { PostmortemFacts, StepColumns } from '@/lib/postmortem/facts';
import { aSpike } from './spike';

/** A run of four layers around a loss spike at 552, quiet and unannounced unless said otherwise. */
export function someFacts(overrides: Partial<PostmortemFacts> = {}): PostmortemFacts {
  const columns = someColumns();
  return {
    run: {
      ...{ id: 'run', name: 'the run', project: 'tests' },
      ...{ isRunning: true, missingStageInputs: [] },
      layerNames: ['wte', 'h.0.mlp', 'h.1.mlp', 'lm_head'],
      parameterCounts: [8192, 4096, 4096, 8192],
    },
    attempts: [anAttempt()],
    spike: aSpike({
      recovery: 'fast',
      recoveredStep: 562,
      firstMovers: [],
      verdict: 'no_precursor',
    }),
    spikes: [],
    columns,
    stages: [],
    events: [],
    warnings: [],
    leadLag: [],
    others: [],
    extremes: [],
    rates: { toStep: [...columns.steps], rate: columns.steps.map(() => 1e-3) },
    notes: [],
    ...overrides,
  };
}

export function anAttempt(
  over: Partial<PostmortemFacts['attempts'][number]> = {},
): PostmortemFacts['attempts'][number] {
  return {
    attempt: 1,
    resumeFromStep: 0,
    optimizer: { name: 'adamw', beta1: 0.9, beta2: 0.95, epsilon: 1e-8 },
    createdAt: '2026-01-01T00:00:00.000Z',
    firstStep: 1,
    lastStep: 700,
    ...over,
  };
}

/** Steps 400 to 650; the loss is 0.005 but for the spike, RMS is 1 in every layer. */
export function someColumns({
  scalars = {},
  layers = {},
}: {
  readonly scalars?: Readonly<Record<string, (step: number) => number>>;
  readonly layers?: Readonly<Record<string, (step: number, layer: number) => number>>;
} = {}): StepColumns {
  const steps = Array.from({ length: 251 }, (_, index) => 400 + index);
  const loss = (step: number) => (step >= 552 && step < 562 ? 1.76 : 0.005);
  return {
    steps,
    scalars: new Map(
      Object.entries({ loss, learning_rate: () => 1e-3, ...scalars }).map(([name, at]) => [
        name,
        Float64Array.from(steps, at),
      ]),
    ),
    layers: new Map(
      Object.entries<(step: number, layer: number) => number>({ rms: () => 1, ...layers }).map(
        ([name, at]) => [
          name,
          steps.map((step) => Float32Array.from([0, 1, 2, 3], (layer) => at(step, layer))),
        ],
      ),
    ),
  };
}

export function anEvent(over: Partial<RunEvent> & Pick<RunEvent, 'step'>): RunEvent {
  return {
    ...{ id: `event-${over.step}`, attempt: 1, kind: 'checkpoint', title: `step ${over.step}` },
    ...{ detail: null, createdAt: '2026-01-01T00:00:00.000Z' },
    ...over,
  };
}

export function aStage(over: Partial<StageInterval> = {}): StageInterval {
  return {
    ...{ layer: 0, attempt: 1, stage: 'healthy', label: null, fromStep: 1, toStep: null },
    ...over,
  };
}
