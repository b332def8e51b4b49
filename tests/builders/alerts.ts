import type { AlertFindings, AlertStep, FoldContext, FoundIncident } from '@/lib/alerts/rule-fold';
import { foldRule } from '@/lib/alerts/fold-rule';
import type { AlertCondition, AlertConditionOf } from '@/lib/contract/alert-rules';
import type { IncidentToSave } from '@/lib/store/alerts/write-incidents';

/** The loss above 6, told on the first step. */
export function aThreshold(
  over: Partial<AlertConditionOf<'threshold'>> = {},
): AlertConditionOf<'threshold'> {
  return {
    ...{ kind: 'threshold', metric: 'loss', side: 'above', limit: 6, openAfter: 1, closeAfter: 20 },
    ...over,
  };
}

/** One that opened at step 10 and is open. */
export function anIncident(over: Partial<IncidentToSave> = {}): IncidentToSave {
  return {
    ...{ opening: '10', openedStep: 10, title: 'loss 7.00 above 6 at step 10' },
    ...{ peakValue: 7, peakStep: 10, layers: [], layerCount: 0, spikeId: null, closed: null },
    ...over,
  };
}

const LAYERS = ['wte', 'h.0.attn', 'h.0.mlp', 'lm_head'];

/** A run of four layers, looked at from its first step on. */
export function aContext(over: Partial<FoldContext> = {}): FoldContext {
  return {
    layerNames: LAYERS,
    layerMask: new Uint8Array(LAYERS.length).fill(1),
    startStep: -1,
    stagesAtStart: [],
    ...over,
  };
}

/** A step that reports what is given. */
export function aStep(
  step: number,
  {
    layers = {},
    scalars = {},
    ...over
  }: {
    readonly scalars?: Readonly<Record<string, number>>;
    readonly layers?: Readonly<Record<string, readonly number[]>>;
    readonly stageChanges?: AlertStep['stageChanges'];
    readonly rmsStarting?: readonly number[];
  } = {},
): AlertStep {
  return {
    step,
    scalars: new Map(Object.entries(scalars)),
    layerMetrics: new Map(
      Object.entries(layers).map(([name, values]) => [name, Float32Array.from(values)]),
    ),
    stageChanges: [],
    rmsStarting: [],
    ...over,
  };
}

/** Losses of steps from 0 on. */
export function losses(...values: readonly number[]): AlertStep[] {
  return values.map((loss, step) => aStep(step, { scalars: { loss } }));
}

/** The incidents of a fold over steps, as they stand at the end; `splits` are where it is saved and restored. */
export function foldAll(
  condition: AlertCondition,
  steps: readonly AlertStep[],
  {
    splits = [],
    context = aContext(),
    findings = () => ({ spikes: [], warnings: [] }),
  }: {
    readonly splits?: readonly number[];
    readonly context?: FoldContext;
    /** As they stand once this step was taken in. */
    readonly findings?: (step: number) => AlertFindings;
  } = {},
): FoundIncident[] {
  const found = new Map<string, FoundIncident>();
  let fold = foldRule(condition, context, null);
  const keep = (): void => {
    for (const incident of fold.changed) found.set(incident.opening, incident);
    fold.forgetChanges();
  };
  steps.forEach((step, index) => {
    fold.observe(step);
    if (!splits.includes(index)) return;
    fold.settle(findings(step.step));
    keep();
    // As it comes back from the database.
    fold = foldRule(condition, context, JSON.parse(JSON.stringify(fold.save())));
  });
  fold.settle(findings(steps.at(-1)?.step ?? -1));
  keep();
  return [...found.values()];
}
