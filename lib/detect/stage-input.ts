/** What stages are made of, taken from a step and from what a run says of its optimizer. */
import type { StageColumns } from './stage-machine';
import type { StageSetting } from './stage-rules';
import { HELD_INPUTS } from './stage-state';

/** Those of the step's metrics that stages read, beside the gradient's RMS and RMS_t. */
export function toStageColumns(
  layerMetrics: ReadonlyMap<string, Float32Array>,
  {
    gradient,
    rms,
  }: { readonly gradient: Float32Array | undefined; readonly rms: Float32Array | undefined },
): StageColumns {
  const columns: { -readonly [Name in keyof StageColumns]: StageColumns[Name] } = {};
  for (const name of HELD_INPUTS) {
    const column = layerMetrics.get(name);
    if (column !== undefined) columns[name] = column;
  }
  if (gradient !== undefined) columns.gradient = gradient;
  if (rms !== undefined) columns.rms = rms;
  return columns;
}

export interface AdamSetting {
  readonly beta1: number | null;
  readonly beta2: number | null;
  readonly epsilon: number | null;
}

/** NaN where the run does not name a beta or ε: every comparison with it fails, no stage is told. */
export function toStageSetting(
  { beta1, beta2, epsilon }: AdamSetting,
  isLossDisturbed: boolean,
  isLossLost: boolean,
): StageSetting {
  const b1 = beta1 ?? NaN;
  return {
    epsilon: epsilon ?? NaN,
    healthyStd: Math.sqrt((1 - b1) / (1 + b1)),
    burst: (1 - b1) / Math.sqrt(1 - (beta2 ?? NaN)),
    isLossDisturbed,
    isLossLost,
  };
}
