import { z } from 'zod';
import { metricNameSchema, runIdSchema } from './identifiers';
import { splitNames } from './name-list';
import { queryInteger, queryLayer, queryStep } from './query-numbers';
import { runStateSchema } from './run-state';
import { layerSchema, runEventSchema, runStatusSchema, runSummarySchema } from './runs';
import { STAGE_EVIDENCE } from './stages';

/**
 * Queries and replies of the contract's reads. Query values arrive as text, so numbers
 * are coerced; ranges are inclusive on both ends.
 */

/** A number, `effective` (the trajectory that training really followed) or `all`. */
export const attemptSelectorSchema = z.union(
  [z.literal('effective'), z.literal('all'), queryInteger.pipe(z.int().min(1))],
  { error: 'expected the number of an attempt, effective or all' },
);
export type AttemptSelector = z.infer<typeof attemptSelectorSchema>;

const stepRange = {
  fromStep: queryStep.optional(),
  toStep: queryStep.optional(),
  attempt: attemptSelectorSchema.default('effective'),
};

export const gapsQuerySchema = z.object(stepRange);
export type GapsQuery = z.infer<typeof gapsQuerySchema>;

/** The most columns or points one reply may hold. */
export const MAX_COLUMNS = 8192;
const queryColumns = queryInteger.pipe(z.int().min(1).max(MAX_COLUMNS));

export const reduceSchema = z.enum(['max', 'min', 'mean']);
export type Reduce = z.infer<typeof reduceSchema>;
/** Of a heatmap also both ends of what a column holds: the highest as its values, and the lowest. */
export const heatmapReduceSchema = z.enum([...reduceSchema.options, 'extremes']);

const queryNames = z.string().max(4096).transform(splitNames).pipe(z.array(z.string()).max(64));

/** The columns by which runs are sorted; `-` before one turns the order round. */
export const RUN_SORT_KEYS = [
  'created',
  'name',
  'project',
  'state',
  'spikes',
  'stage',
  'loss',
  'step',
  'speed',
  'heard',
] as const;
export type RunSortKey = (typeof RUN_SORT_KEYS)[number];
export const runSortSchema = z.enum([
  ...RUN_SORT_KEYS,
  ...RUN_SORT_KEYS.map((key) => `-${key}` as const),
]);
export type RunSort = z.infer<typeof runSortSchema>;

export const RUN_SPIKE_FILTERS = ['any', 'open', 'never_recovered', 'none'] as const;
export type RunSpikeFilter = (typeof RUN_SPIKE_FILTERS)[number];

export const runsQuerySchema = z.object({
  project: z.string().optional(),
  status: runStatusSchema.optional(),
  /** Text searched in id, name, project, tags and notes, or `/regex/`. */
  q: z.string().max(256).optional(),
  /** These runs and no others. */
  ids: z.string().transform(splitNames).pipe(z.array(runIdSchema).max(500)).optional(),
  /** Any of these. */
  state: z.string().transform(splitNames).pipe(z.array(runStateSchema)).optional(),
  /** All of these. */
  tags: queryNames.optional(),
  /**
   * By loss spikes and divergences: runs with any, with one that is open, with one that was open
   * when its attempt ended and that no later attempt replayed, or with none.
   */
  spikes: z.enum(RUN_SPIKE_FILTERS).optional(),
  /** Counted, but not listed: the groups that somebody has closed. */
  excludeProjects: queryNames.optional(),
  /** Within pinned runs and within the others; what is not known comes last. Else the newest first. */
  sort: runSortSchema.optional(),
  cursor: z.string().max(1024).optional(),
  limit: queryInteger.pipe(z.int().min(1).max(500)).default(100),
});
export type RunsQuery = z.infer<typeof runsQuerySchema>;
export const runsReplySchema = z.object({
  items: z.array(runSummarySchema),
  /** How many runs match in all, those of excluded projects too. */
  total: z.int(),
  nextCursor: z.string().optional(),
  /** Where they are, the project with the newest run first. */
  projects: z.array(z.object({ name: z.string(), runCount: z.int() })),
  /** How many of them have each status that one has. */
  statuses: z.partialRecord(runStatusSchema, z.int()),
});
export type RunsReply = z.infer<typeof runsReplySchema>;

export const timelineQuerySchema = z.object({
  ...stepRange,
  series: z
    .string()
    .transform((text) => text.split(',').filter((name) => name.length > 0))
    .pipe(z.array(metricNameSchema).min(1).max(64))
    .default(['loss']),
  points: queryColumns.default(1000),
});
export type TimelineQuery = z.infer<typeof timelineQuerySchema>;

/** One bucket of a series. The three values are null where no finite value was reported. */
export const bucketSchema = z.object({
  fromStep: z.int(),
  toStep: z.int(),
  min: z.number().nullable(),
  max: z.number().nullable(),
  mean: z.number().nullable(),
  nonFiniteCount: z.int(),
});
export type Bucket = z.infer<typeof bucketSchema>;

export const timelineReplySchema = z.object({
  series: z.array(z.object({ name: z.string(), points: z.array(bucketSchema) })),
});
export type TimelineReply = z.infer<typeof timelineReplySchema>;

export const heatmapQuerySchema = z.object({
  ...stepRange,
  metric: metricNameSchema.default('gradient_norm'),
  columns: queryColumns.default(1000),
  reduce: heatmapReduceSchema.default('max'),
});
export type HeatmapQuery = z.infer<typeof heatmapQuerySchema>;

/** The JSON form; the binary one is in `heatmap-columns.ts`. */
export const heatmapReplySchema = z.object({
  metric: z.string(),
  reduce: heatmapReduceSchema,
  fromStep: z.array(z.int()),
  toStep: z.array(z.int()),
  loss: z.array(z.number().nullable()),
  /** [layers][columns] */
  values: z.array(z.array(z.number().nullable())),
  nonFiniteCount: z.array(z.array(z.int())),
  /** As `values`: the lowest, with `reduce=extremes` alone. */
  minima: z.array(z.array(z.number().nullable())).optional(),
});
export type HeatmapReply = z.infer<typeof heatmapReplySchema>;

export const seriesQuerySchema = z.object({
  ...stepRange,
  metric: metricNameSchema,
  points: queryColumns.default(1000),
});
export type SeriesQuery = z.infer<typeof seriesQuerySchema>;
export const seriesReplySchema = z.object({
  layer: layerSchema.extend({ index: z.int() }),
  metric: z.string(),
  points: z.array(bucketSchema),
});
export type SeriesReply = z.infer<typeof seriesReplySchema>;

export const distributionsQuerySchema = z.object({
  ...stepRange,
  /** The newest distributions at or before this step; without it, a range. */
  step: queryStep.optional(),
  limit: queryInteger.pipe(z.int().min(1).max(1000)).default(100),
  /** Of a range: buckets with the sums of all of its steps, at most `limit`, instead of some of its steps. */
  reduce: z.enum(['sum']).optional(),
});
export type DistributionsQuery = z.infer<typeof distributionsQuerySchema>;

export const distributionSchema = z.object({
  kind: z.string(),
  edges: z.array(z.number()),
  counts: z.array(z.int()),
  underflow: z.int(),
  overflow: z.int(),
  zeros: z.int(),
  nonFinite: z.int(),
});
export type Distribution = z.infer<typeof distributionSchema>;

export const distributionSumSchema = distributionSchema.extend({
  /** How many steps reported one of this kind on these edges. */
  stepCount: z.int(),
});

export const distributionBucketSchema = z.object({
  fromStep: z.int(),
  toStep: z.int(),
  /** One a kind; more where its edges changed within the bucket. */
  distributions: z.array(distributionSumSchema),
});
export type DistributionBucket = z.infer<typeof distributionBucketSchema>;

/** What the theory draws over a distribution of r or u for this run's betas. */
export const referenceCurvesSchema = z.object({
  /** Standard deviation of the healthy normal, √((1−β1)/(1+β1)). */
  healthyStd: z.number().nullable(),
  /** Largest |r| that Adam's moments can reach; null where the run's optimizer sets none. */
  ratioBound: z.number().nullable(),
  markers: z.array(
    z.object({ kind: z.enum(['limit', 'stale_step', 'single_burst']), at: z.number() }),
  ),
});
export type ReferenceCurves = z.infer<typeof referenceCurvesSchema>;

export const distributionsReplySchema = z.object({
  layer: layerSchema.extend({ index: z.int() }),
  items: z.array(
    z.object({
      step: z.int(),
      attempt: z.int(),
      loss: z.number().nullable(),
      distributions: z.array(distributionSchema),
      /** The layer's metrics at that step; non-finite and unreported ones are null. */
      statistics: z.record(z.string(), z.number().nullable()),
      nonFiniteCount: z.int(),
    }),
  ),
  /** With `reduce=sum`, and then instead of items. Only those with a report, ascending. */
  buckets: z.array(distributionBucketSchema).optional(),
  referenceCurves: referenceCurvesSchema,
});
export type DistributionsReply = z.infer<typeof distributionsReplySchema>;

export const spikeKindSchema = z.enum(['loss_spike', 'outlier_batch', 'divergence', 'rms_spike']);
export const recoverySchema = z.enum([
  'fast',
  'slow',
  'partial',
  'unrecovered',
  'diverged',
  'open',
]);
export const verdictSchema = z.enum(['precursor_found', 'no_precursor', 'insufficient_data']);
export const firstMoverSchema = z.object({
  layer: z.int(),
  metric: z.string(),
  step: z.int(),
  leadSteps: z.int(),
  z: z.number().nullable(),
});
/** What moved before a spike and belongs to no layer: the gradient norm of the whole model. */
export const globalMoverSchema = z.object({
  metric: z.string(),
  step: z.int(),
  leadSteps: z.int(),
  z: z.number().nullable(),
});
/**
 * A spike dated and measured again once what came after it is known, by the losses of both
 * sides. The spike's own fields stay what they were when people were told of it.
 */
export const reevaluationSchema = z.object({
  /** False: seen from both sides the loss does not stand out by six scales. */
  standsOut: z.boolean(),
  onsetStep: z.int(),
  riseStep: z.int(),
  peakStep: z.int(),
  peakValue: z.number(),
  baseline: z.number(),
  recovery: recoverySchema,
  excessArea: z.number(),
  levelShift: z.number().nullable(),
  /** Losses on either side that the baseline was taken from, at most 128 each. */
  samplesBefore: z.int(),
  samplesAfter: z.int(),
});
export type Reevaluation = z.infer<typeof reevaluationSchema>;
export const spikeSchema = z.object({
  id: z.string(),
  attempt: z.int(),
  kind: spikeKindSchema,
  onsetStep: z.int(),
  confirmedStep: z.int().nullable(),
  /** First step with 5 % of the way from baseline to peak; leads count from here. */
  riseStep: z.int().nullable(),
  peakStep: z.int().nullable(),
  peakValue: z.number().nullable(),
  baseline: z.number().nullable(),
  recoveredStep: z.int().nullable(),
  recovery: recoverySchema,
  /** Σ (loss − baseline) · steps until the recovery; null while it is open. */
  excessArea: z.number().nullable(),
  /** Median of the 100 losses after the recovery less the baseline. */
  levelShift: z.number().nullable(),
  firstMovers: z.array(firstMoverSchema),
  /** How many layers moved; `firstMovers` names at most 256 of an RMS spike. */
  moverCount: z.int().nullable(),
  globalMovers: z.array(globalMoverSchema),
  verdict: verdictSchema,
  /** Share of `chanceSteps` quiet steps before which something had moved, by chance. */
  precursorChance: z.number().nullable(),
  chanceSteps: z.int().nullable(),
  /** null until 128 later losses are in or the run has ended; of loss spikes and outlier batches alone. */
  reevaluation: reevaluationSchema.nullable(),
});
export type Spike = z.infer<typeof spikeSchema>;

export const spikesQuerySchema = z.object({
  kind: spikeKindSchema.optional(),
  attempt: attemptSelectorSchema.default('all'),
  limit: queryInteger.pipe(z.int().min(1).max(10_000)).default(1000),
});
export type SpikesQuery = z.infer<typeof spikesQuerySchema>;
export const spikesReplySchema = z.object({
  items: z.array(spikeSchema),
  nextCursor: z.string().optional(),
});

export const stagesQuerySchema = z.object({
  fromStep: queryStep.optional(),
  toStep: queryStep.optional(),
  attempt: attemptSelectorSchema.default('all'),
  /** Of this layer alone, and with the numbers that decided each stage. */
  layer: queryLayer.optional(),
});
export type StagesQuery = z.infer<typeof stagesQuerySchema>;
export const stageIntervalSchema = z.object({
  layer: z.int(),
  attempt: z.int(),
  stage: z.string(),
  label: z.string().nullable(),
  fromStep: z.int(),
  toStep: z.int().nullable(),
});
/** By the names of `STAGE_EVIDENCE`; null is not known, and not finite. */
export const stageEvidenceSchema = z.record(z.enum(STAGE_EVIDENCE), z.number().nullable());
export const explainedStageSchema = stageIntervalSchema.extend({
  /** The label in words; null without one. */
  meaning: z.string().nullable(),
  /**
   * Where one layer is asked for, the numbers that it entered the stage with; null where
   * none are kept, as where an attempt took the stage over from the one before.
   */
  evidence: stageEvidenceSchema.nullable().optional(),
});
export type ExplainedStage = z.infer<typeof explainedStageSchema>;
export type StageInterval = z.infer<typeof stageIntervalSchema>;
export const stagesReplySchema = z.object({ items: z.array(explainedStageSchema) });

export const eventsQuerySchema = z.object({
  fromStep: queryStep.optional(),
  toStep: queryStep.optional(),
  attempt: attemptSelectorSchema.default('all'),
  cursor: z.string().max(512).optional(),
  limit: queryInteger.pipe(z.int().min(1).max(10_000)).default(1000),
});
export type EventsQuery = z.infer<typeof eventsQuerySchema>;
export const eventsReplySchema = z.object({
  items: z.array(runEventSchema),
  nextCursor: z.string().optional(),
});
export type EventsReply = z.infer<typeof eventsReplySchema>;

export const projectsReplySchema = z.object({
  items: z.array(
    z.object({ name: z.string(), runCount: z.int(), lastFrameAt: z.iso.datetime().nullable() }),
  ),
});
export type ProjectsReply = z.infer<typeof projectsReplySchema>;

export const tagsQuerySchema = z.object({ project: z.string().optional() });
export const tagsReplySchema = z.object({
  items: z.array(z.object({ name: z.string(), runCount: z.int() })),
});
export type TagsReply = z.infer<typeof tagsReplySchema>;

/** The path parameters `{id}` and `{index}`. */
export const runParamsSchema = z.object({ id: runIdSchema });
export const layerParamsSchema = z.object({
  id: runIdSchema,
  index: queryLayer,
});
