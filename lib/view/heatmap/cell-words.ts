import { formatNumber } from '../text/format-number';

/** A cell: not reported, not finite, or a number. */
export type SpokenValue = number | 'non_finite' | null;

/**
 * A cell of the heatmap as it is read out to those who do not see it: "Step 317, layer
 * h.0.mlp, gradient norm 0.859, stage healthy." The stage is left out where none is stored.
 */
export function describeCell({
  stepText,
  layer,
  metric,
  value,
  format = formatNumber,
  stage,
}: {
  /** As the page writes it: "317", or "300–309" of a bucket. */
  readonly stepText: string;
  readonly layer: string;
  /** "gradient norm"; null where the run has no layer metric. */
  readonly metric: string | null;
  readonly value: SpokenValue;
  readonly format?: (value: number) => string;
  readonly stage: string | null;
}): string {
  const said =
    value === 'non_finite' ? 'not finite' : value === null ? 'not reported' : format(value);
  const parts = [
    `Step ${stepText}`,
    `layer ${layer}`,
    ...(metric === null ? [] : [`${metric} ${said}`]),
    ...(stage === null ? [] : [`stage ${stage}`]),
  ];
  return `${parts.join(', ')}.`;
}
