import { z } from 'zod';
import type { AlertConditionOf } from '../contract/alert-rules';
import { formatNumber } from '../view/text/format-number';
import { Excursion, excursionSchema, Worst } from './excursion';
import type { FoldContext, RuleFold } from './rule-fold';
import { NO_NEEDS, stepFold } from './step-fold';
import { atStep, nameSome, plural } from './words';

const stateSchema = z.object({ excursion: excursionSchema });

export const RMS_SPIKE_NEEDS = { ...NO_NEEDS, layerMetrics: ['rms'], rmsSpikes: true } as const;

/** RMS_t of at least so many of the named layers left its limit on one step. */
export function foldRmsSpike(
  condition: AlertConditionOf<'rms_spike'>,
  { layerMask, layerNames }: FoldContext,
  saved: unknown,
): RuleFold {
  const state = saved === null ? null : stateSchema.parse(saved);
  const excursion = new Excursion(condition.closeAfter, state?.excursion ?? null);
  return stepFold(condition, excursion, {
    observe({ step, rmsStarting, layerMetrics }) {
      const rms = layerMetrics.get('rms');
      const worst = new Worst();
      for (const layer of rmsStarting) {
        const value = rms?.[layer] ?? NaN;
        if (layerMask[layer] !== 1) continue;
        worst.note(layer, value, Number.isFinite(value) ? value : Infinity);
      }
      const isBad = worst.bad.length >= condition.minimumLayers;
      const layers = isBad ? worst.bad.toSorted((a, b) => a - b) : [];
      excursion.observe(step, {
        ...{ isBad, isWell: !isBad, layers, extreme: isBad ? worst.extreme : null },
        describe: () => {
          const value = Number.isFinite(worst.value) ? `, up to ${formatNumber(worst.value)}` : '';
          return `RMS of ${plural(layers.length, 'layer')} left its limit ${atStep(step)}${value}: ${nameSome(layers, layerNames)}`;
        },
      });
    },
    save: () => ({ excursion: excursion.save() }),
    stateSize: () => 16,
  });
}
