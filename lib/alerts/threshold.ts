import { z } from 'zod';
import type { AlertConditionOf } from '../contract/alert-rules';
import { Excursion, excursionSchema, Worst } from './excursion';
import type { FoldContext, RuleFold } from './rule-fold';
import { NO_NEEDS, seriesNeeds, stepFold } from './step-fold';
import { eachReported, SCALAR, Streaks } from './step-series';
import { describeLimit } from './words';

const stateSchema = z.object({
  excursion: excursionSchema,
  streaks: z.array(z.tuple([z.int(), z.int()])),
});

export const thresholdNeeds = (condition: AlertConditionOf<'threshold'>) => ({
  ...NO_NEEDS,
  ...seriesNeeds(condition),
});

/**
 * A value beyond a limit, in a scalar or in any of the layers. The limit itself is not
 * beyond; what is not finite is. Well again is every reported series past `clear`.
 */
export function foldThreshold(
  condition: AlertConditionOf<'threshold'>,
  { layerMask, layerNames }: FoldContext,
  saved: unknown,
): RuleFold {
  const state = saved === null ? null : stateSchema.parse(saved);
  const { side, limit, clear = limit, openAfter, closeAfter, metric } = condition;
  const sign = side === 'above' ? 1 : -1;
  const isBeyond = (value: number): boolean =>
    !Number.isFinite(value) || sign * (value - limit) > 0;
  const isUnwell = (value: number): boolean => isBeyond(value) || sign * (value - clear) > 0;
  const streaks = new Streaks(openAfter, state?.streaks ?? []);
  const excursion = new Excursion(closeAfter, state?.excursion ?? null);
  return stepFold(condition, excursion, {
    observe(step) {
      let reported = 0;
      let unwell = 0;
      const worst = new Worst();
      eachReported(condition, step, layerMask, (value, layer) => {
        reported++;
        if (isUnwell(value)) unwell++;
        if (!streaks.note(layer, isBeyond(value))) return;
        worst.note(layer, value, Number.isFinite(value) ? sign * value : Infinity);
      });
      if (reported === 0) return;
      const layers = worst.bad.filter((layer) => layer !== SCALAR);
      excursion.observe(step.step, {
        isBad: worst.bad.length > 0,
        isWell: unwell === 0,
        ...{ layers, extreme: worst.extreme },
        describe: () =>
          describeLimit(
            { ...{ metric, step: step.step, layers, layerNames }, value: worst.value },
            side,
            limit,
          ),
      });
    },
    save: () => ({ excursion: excursion.save(), streaks: streaks.save() }),
    stateSize: () => 16,
  });
}
