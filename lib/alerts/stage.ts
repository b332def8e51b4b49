import { z } from 'zod';
import type { AlertConditionOf } from '../contract/alert-rules';
import { STAGES_BY_SEVERITY, type StageName } from '../contract/stages';
import { Excursion, excursionSchema } from './excursion';
import type { FoldContext, RuleFold, StageChange } from './rule-fold';
import { NO_NEEDS, stepFold } from './step-fold';
import { atStep, nameSome, plural } from './words';

const stateSchema = z.object({ excursion: excursionSchema, bad: z.array(z.int()) });

export const STAGE_NEEDS = { ...NO_NEEDS, stages: true } as const;

/** At least so many of the named layers stand in a stage or a worse one. */
export function foldStage(
  condition: AlertConditionOf<'stage'>,
  { layerMask, layerNames, stagesAtStart }: FoldContext,
  saved: unknown,
): RuleFold {
  const state = saved === null ? null : stateSchema.parse(saved);
  const { stage, minimumLayers, closeAfter } = condition;
  const severity = STAGES_BY_SEVERITY.indexOf(stage);
  const isBad = (name: StageName): boolean => STAGES_BY_SEVERITY.indexOf(name) >= severity;
  const bad = new Set(state?.bad ?? []);
  const excursion = new Excursion(closeAfter, state?.excursion ?? null);

  function take(changes: readonly StageChange[]): void {
    for (const change of changes) {
      if (layerMask[change.layer] !== 1) continue;
      if (isBad(change.stage)) bad.add(change.layer);
      else bad.delete(change.layer);
    }
  }

  if (state === null) take(stagesAtStart);
  return stepFold(condition, excursion, {
    observe({ step, stageChanges }) {
      take(stageChanges);
      const isReached = bad.size >= minimumLayers;
      const layers = isReached ? [...bad].sort((a, b) => a - b) : [];
      excursion.observe(step, {
        isBad: isReached,
        isWell: !isReached,
        layers,
        extreme: null,
        describe: () =>
          `${plural(layers.length, 'layer')} at ${stage.replaceAll('_', ' ')} or worse ${atStep(step)}: ${nameSome(layers, layerNames)}`,
      });
    },
    save: () => ({ excursion: excursion.save(), bad: [...bad] }),
    stateSize: () => 16 + bad.size,
  });
}
