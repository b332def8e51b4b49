/** What a postmortem is written from: stored values around one spike, read by lib/query. */
import type { LeadLag } from '../stats/lead-lag';
import type { Note } from '../contract/notes';
import type { DistributionsReply, Spike, StageInterval } from '../contract/reads';
import type { Warning } from '../contract/warnings';
import type { Attempt, Layer, RunEvent } from '../contract/runs';
import { shortLayerNames } from '../view/axes/layer-names';
import { refineSpike } from '../view/spikes/refined-spike';

/** Reported steps of one attempt, and what they reported; NaN where a step did not. */
export interface StepColumns {
  /** [C] ascending. */
  readonly steps: readonly number[];
  /** Name → [C]. */
  readonly scalars: ReadonlyMap<string, Float64Array>;
  /** Metric → a column [L] a step. */
  readonly layers: ReadonlyMap<string, readonly Float32Array[]>;
}

/** One attempt's loss over steps that the spike's attempt passed too. */
export interface OtherAttempt {
  readonly attempt: number;
  readonly steps: readonly number[];
  readonly loss: Float64Array;
  readonly gradientNorm: Float64Array;
}

/** The largest value of a metric over a whole attempt, and where it stood. */
export interface Extreme {
  readonly metric: string;
  readonly layer: number;
  readonly step: number;
  readonly value: number;
}

/** What an attempt showed that its settings bound. */
export interface AttemptExtremes {
  readonly attempt: number;
  /** RMS_t; null where it was never reported. */
  readonly rms: Extreme | null;
  /** Share of coordinates with |r| beyond what its betas allow; null where not known. */
  readonly ratioExcess: Extreme | null;
}

export interface PostmortemFacts {
  readonly run: {
    readonly id: string;
    readonly name: string;
    readonly project: string;
    /** Whether steps may still come. */
    readonly isRunning: boolean;
    /** Metrics that a stage is read from and that no layer ever reported. */
    readonly missingStageInputs: readonly string[];
    /** Short, in model order. */
    readonly layerNames: readonly string[];
    readonly parameterCounts: readonly number[];
  };
  /** Ascending. */
  readonly attempts: readonly Attempt[];
  /** By its best dates. */
  readonly spike: Spike;
  /** All loss spikes, outlier batches and divergences of the run, and RMS spikes near this one; by onset. */
  readonly spikes: readonly Spike[];
  readonly columns: StepColumns;
  /** Of the spike's attempt, touching the steps of `columns`. */
  readonly stages: readonly StageInterval[];
  /** Of all attempts, by step. */
  readonly events: readonly RunEvent[];
  readonly warnings: readonly Warning[];
  readonly leadLag: readonly (LeadLag & { readonly layer: number })[];
  readonly others: readonly OtherAttempt[];
  readonly extremes: readonly AttemptExtremes[];
  /** Learning rates from the first step to the rise. */
  readonly rates: { readonly toStep: readonly number[]; readonly rate: readonly number[] };
  readonly notes: readonly Note[];
}

/** Distributions of u and r of the first movers, for reports. */
export interface LayerDistributions {
  readonly layer: number;
  readonly items: DistributionsReply['items'];
  readonly referenceCurves: DistributionsReply['referenceCurves'];
}

/** Index of the last reported step at or before `step`; −1 where there is none. */
export function columnAt({ steps }: Pick<StepColumns, 'steps'>, step: number): number {
  let low = 0;
  let high = steps.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((steps[middle] ?? Infinity) <= step) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/** NaN where nothing was reported at exactly this step. */
export function scalarAt(columns: StepColumns, name: string, step: number): number {
  const at = columnAt(columns, step);
  if (columns.steps[at] !== step) return NaN;
  return columns.scalars.get(name)?.[at] ?? NaN;
}

/** One layer's metric on every step; NaN where it was not reported. */
export function layerSeries(columns: StepColumns, metric: string, layer: number): number[] {
  const values = columns.layers.get(metric);
  return columns.steps.map((_, index) => values?.[index]?.[layer] ?? NaN);
}

/** A median over fewer values than this says nothing. */
const LEAST_USUAL = 8;
const USUAL_STEPS = 64;
/** Steps before the rise that first movers are looked for in. */
export const LEAD_STEPS = 10;

/** The loss spike that was open when the loss diverged: what came first is said there. */
export function spikeBefore({
  spike,
  spikes,
}: Pick<PostmortemFacts, 'spike' | 'spikes'>): Spike | null {
  if (spike.kind !== 'divergence') return null;
  const open = spikes.findLast(
    ({ kind, attempt, onsetStep, recoveredStep }) =>
      kind === 'loss_spike' &&
      attempt === spike.attempt &&
      onsetStep < spike.onsetStep &&
      (recoveredStep ?? Infinity) >= spike.onsetStep,
  );
  return open ?? null;
}

/** As many losses as the level after a spike is measured by. */
const LEVEL_LOSSES = 100;

/** The finite losses that a level after the spike is taken from; fewer where the attempt ended before. */
export function lossesAfter({
  spike,
  columns,
}: Pick<PostmortemFacts, 'spike' | 'columns'>): readonly {
  readonly step: number;
  readonly loss: number;
}[] {
  const { recoveredStep } = spike;
  const losses = columns.scalars.get('loss');
  if (recoveredStep === null || losses === undefined) return [];
  return columns.steps
    .flatMap((step, at) => {
      const loss = losses[at] ?? NaN;
      return step > recoveredStep && Number.isFinite(loss) ? [{ step, loss }] : [];
    })
    .slice(0, LEVEL_LOSSES);
}

/** The median of a series over up to 64 steps that end where first movers are looked for; NaN where there are too few. */
export function usualBefore(
  columns: StepColumns,
  series: ArrayLike<number>,
  riseStep: number,
): number {
  const end = columnAt(columns, riseStep - LEAD_STEPS - 1) + 1;
  const values: number[] = [];
  for (let at = Math.max(0, end - USUAL_STEPS); at < end; at++) {
    const value = series[at] ?? NaN;
    if (Number.isFinite(value)) values.push(value);
  }
  return values.length < LEAST_USUAL ? NaN : medianOf(values);
}

/** NaN of nothing. */
export function medianOf(values: readonly number[]): number {
  const ordered = [...values].sort((a, b) => a - b);
  const middle = ordered.length >> 1;
  const upper = ordered[middle] ?? NaN;
  return ordered.length % 2 === 1 ? upper : ((ordered[middle - 1] ?? NaN) + upper) / 2;
}

export const finiteOrNull = (value: number): number | null =>
  Number.isFinite(value) ? value : null;

/** Leads count from here. */
export function riseOf({ riseStep, onsetStep }: Pick<Spike, 'riseStep' | 'onsetStep'>): number {
  return riseStep ?? onsetStep;
}

/** The step before anything moved: what a layer was like then, the burst itself has not made. */
export function lastQuietStep({ spike }: Pick<PostmortemFacts, 'spike'>): number {
  const leading = [...spike.firstMovers, ...spike.globalMovers].filter(
    ({ leadSteps }) => leadSteps >= 1,
  );
  return Math.min(riseOf(spike), ...leading.map(({ step }) => step)) - 1;
}

export function layerName({ run }: PostmortemFacts, layer: number): string {
  return run.layerNames[layer] ?? `layer ${layer}`;
}

/** As pages call them. */
export function namesOfLayers(layers: readonly Pick<Layer, 'name'>[]): string[] {
  return shortLayerNames(layers.map(({ name }) => name));
}

/** The spike by the second look's dates, where there was one. */
export const bestDates = (spike: Spike): Spike => refineSpike(spike);
