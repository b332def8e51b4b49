import { z } from 'zod';
import type { AlertConditionOf } from '../contract/alert-rules';
import { bitsOf, MISSING_FLOAT32_BITS } from '../contract/missing-value';
import { Excursion, excursionSchema } from './excursion';
import type { AlertStep, FoldContext, RuleFold } from './rule-fold';
import { NO_NEEDS, stepFold } from './step-fold';
import { describeNonFinite } from './words';

const stateSchema = z.object({ excursion: excursionSchema });

/** Of the whole model; any other scalar may be what its job likes. */
const WATCHED_SCALARS = ['loss', 'gradient_norm'];

export const NON_FINITE_NEEDS = {
  ...NO_NEEDS,
  scalars: WATCHED_SCALARS,
  layerMetrics: 'all',
} as const;

interface Found {
  readonly metric: string;
  readonly value: number;
  readonly layers: readonly number[];
}

/** NaN or ±Inf; a step that reports neither a loss nor a layer says nothing. */
export function foldNonFinite(
  condition: AlertConditionOf<'non_finite'>,
  { layerNames }: FoldContext,
  saved: unknown,
): RuleFold {
  const state = saved === null ? null : stateSchema.parse(saved);
  const excursion = new Excursion(condition.closeAfter, state?.excursion ?? null);
  return stepFold(condition, excursion, {
    observe(step) {
      const { scalars, layerMetrics } = step;
      if (layerMetrics.size === 0 && !WATCHED_SCALARS.some((name) => scalars.has(name))) return;
      const found = findNonFinite(step);
      const [first] = found;
      excursion.observe(step.step, {
        isBad: first !== undefined,
        isWell: first === undefined,
        layers: [...new Set(found.flatMap(({ layers }) => layers))],
        extreme: first === undefined ? null : { value: null, rank: Infinity },
        describe: () =>
          describeNonFinite({
            ...(first ?? { metric: 'loss', value: NaN, layers: [] }),
            ...{ step: step.step, layerNames },
          }),
      });
    },
    save: () => ({ excursion: excursion.save() }),
    stateSize: () => 16,
  });
}

/** The loss before the gradients, and both before layers. */
function findNonFinite({ scalars, layerMetrics }: AlertStep): Found[] {
  const found: Found[] = [];
  for (const metric of WATCHED_SCALARS) {
    const value = scalars.get(metric);
    if (value !== undefined && !Number.isFinite(value)) found.push({ metric, value, layers: [] });
  }
  for (const [metric, column] of layerMetrics) {
    const layers = nonFiniteLayers(column);
    const [first] = layers;
    if (first !== undefined) found.push({ metric, value: column[first] ?? NaN, layers });
  }
  return found;
}

/** What is not finite has all bits of its exponent set. */
const EXPONENT_BITS = 0x7f800000;

function nonFiniteLayers(column: Float32Array): number[] {
  const layers: number[] = [];
  const bits = bitsOf(column);
  for (let layer = 0; layer < bits.length; layer++) {
    const value = bits[layer] ?? 0;
    if ((value & EXPONENT_BITS) !== EXPONENT_BITS || value === MISSING_FLOAT32_BITS) continue;
    layers.push(layer);
  }
  return layers;
}
