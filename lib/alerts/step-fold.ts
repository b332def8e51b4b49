/** What the folds over steps share; each adds how it judges one. */
import type { AlertCondition } from '../contract/alert-rules';
import type { Excursion } from './excursion';
import type { AlertStep, FoldNeeds, RuleFold } from './rule-fold';
import type { Series } from './step-series';

export const NO_NEEDS: FoldNeeds = {
  scalars: [],
  layerMetrics: [],
  stages: false,
  rmsSpikes: false,
  spikes: false,
  warnings: false,
  clock: false,
};

export function seriesNeeds({
  metric,
  layers,
}: Series): Pick<FoldNeeds, 'scalars' | 'layerMetrics'> {
  return layers === undefined
    ? { scalars: [metric], layerMetrics: [] }
    : { scalars: [], layerMetrics: [metric] };
}

interface StepJudge {
  observe(step: AlertStep): void;
  save(): object;
  stateSize(): number;
}

export function stepFold(
  condition: AlertCondition,
  excursion: Excursion,
  judge: StepJudge,
): RuleFold {
  return {
    condition,
    observe: (step) => {
      judge.observe(step);
    },
    settle: () => undefined,
    closeAll: (by, step) => {
      excursion.closeAll(by, step);
    },
    get changed() {
      return excursion.changed;
    },
    get openings() {
      return excursion.openings;
    },
    forgetChanges: () => {
      excursion.forgetChanges();
    },
    save: () => judge.save(),
    get stateSize() {
      return judge.stateSize();
    },
  };
}
