import {
  decodeHeatmapColumns,
  SAFETENSORS_MEDIA_TYPE,
  type HeatmapColumns,
} from '@/lib/contract/heatmap-columns';
import { stagesReplySchema, timelineReplySchema, type Bucket } from '@/lib/contract/reads';
import { STABILITY_RATIO } from '@/lib/contract/warnings';
import type { LayerNow } from '@/lib/view/outlook/run-condition';
import { apiPath, readBytes, readJson } from '@/app/_hooks/api-client';

export interface StepRange {
  readonly fromStep: number | null;
  readonly toStep: number | null;
}

/**
 * Columns of the whole run: about one a pixel of a wide window, so that the first picture is
 * a whole one; with many layers fewer, so that a read stays near 12 MB. Tiles are finer.
 */
const MOST_COLUMNS = 4096;
const LEAST_COLUMNS = 256;
const CELLS_PER_READ = 1_500_000;

export function wholeRunColumns(layerCount: number): number {
  const fitting = Math.floor(CELLS_PER_READ / Math.max(1, layerCount));
  return Math.max(LEAST_COLUMNS, Math.min(MOST_COLUMNS, fitting));
}

/** A heatmap of at most `columns` columns, over the binary form of the contract. */
export async function readHeatmap(
  runId: string,
  metric: string,
  { fromStep, toStep }: StepRange,
  columns: number,
  signal?: AbortSignal,
  {
    attempt = 'effective',
    reduce = 'max',
  }: { readonly attempt?: number | 'effective'; readonly reduce?: 'max' | 'min' } = {},
): Promise<HeatmapColumns> {
  const path = apiPath(`/runs/${encodeURIComponent(runId)}/heatmap`, {
    metric,
    fromStep,
    toStep,
    columns,
    attempt: attempt === 'effective' ? null : attempt,
    reduce: reduce === 'max' ? null : reduce,
  });
  return decodeHeatmapColumns(await readBytes(path, SAFETENSORS_MEDIA_TYPE, signal));
}

export interface TimelineBuckets {
  readonly loss: readonly Bucket[];
  readonly gradientNorm: readonly Bucket[];
  readonly stabilityRatio: readonly Bucket[];
  readonly wallTime: readonly Bucket[];
}

/** Loss, global gradient norm, stability ratio and wall time; one that was never reported is empty. */
export async function readTimeline(
  runId: string,
  { fromStep, toStep }: StepRange,
  points: number,
  signal?: AbortSignal,
): Promise<TimelineBuckets> {
  const path = apiPath(`/runs/${encodeURIComponent(runId)}/timeline`, {
    series: `loss,gradient_norm,${STABILITY_RATIO},wall_time`,
    fromStep,
    toStep,
    points,
  });
  const { series } = await readJson(path, timelineReplySchema, signal);
  const pointsOf = (name: string) => series.find((entry) => entry.name === name)?.points ?? [];
  return {
    loss: pointsOf('loss'),
    gradientNorm: pointsOf('gradient_norm'),
    // Measured every hundredth step or so: the steps between are no gaps.
    stabilityRatio: pointsOf(STABILITY_RATIO).filter(isMeasured),
    wallTime: pointsOf('wall_time').filter(isMeasured),
  };
}

/** One scalar of a trajectory; empty where it was never reported. */
export async function readScalar(
  runId: string,
  name: string,
  { fromStep, toStep }: StepRange,
  points: number,
  attempt: number | 'effective',
  signal?: AbortSignal,
): Promise<readonly Bucket[]> {
  const path = apiPath(`/runs/${encodeURIComponent(runId)}/timeline`, {
    series: name,
    fromStep,
    toStep,
    points,
    attempt,
  });
  const { series } = await readJson(path, timelineReplySchema, signal);
  return series[0]?.points ?? [];
}

function isMeasured({ max, nonFiniteCount }: Bucket): boolean {
  return max !== null || nonFiniteCount > 0;
}

/** The stage of every layer at a step; empty where no layer could be placed. */
export async function readStagesAt(
  runId: string,
  step: number,
  signal?: AbortSignal,
): Promise<readonly LayerNow[]> {
  const path = apiPath(`/runs/${encodeURIComponent(runId)}/stages`, {
    fromStep: step,
    toStep: step,
    attempt: 'effective',
  });
  const { items } = await readJson(path, stagesReplySchema, signal);
  return items.some(({ stage }) => stage !== 'insufficient_data') ? items : [];
}
