import { z } from 'zod';
import {
  MAX_LAYERS_PER_RUN,
  metricNameSchema,
  projectNameSchema,
  runIdSchema,
  stepSchema,
} from './identifiers';

/** The largest JSON `config` kept with a run, in characters. */
const MAX_CONFIG_CHARACTERS = 262_144;

/** The largest that the database keeps; a model has some hundreds. */
const MAX_DEPTH = 2 ** 31 - 1;

export const optimizerSchema = z.object({
  name: z.string().min(1).max(64),
  beta1: z.number().min(0).max(1).optional(),
  beta2: z.number().min(0).max(1).optional(),
  epsilon: z.number().min(0).optional(),
  weightDecay: z.number().optional(),
});
export type Optimizer = z.infer<typeof optimizerSchema>;

export const layerSchema = z.object({
  name: z.string().min(1).max(512),
  kind: z.string().max(64).optional(),
  depth: z.int().min(0).max(MAX_DEPTH).optional(),
  parameterCount: z.int().min(1),
  shape: z.array(z.int().min(0)).max(16).optional(),
});
export type Layer = z.infer<typeof layerSchema>;

const tagsSchema = z.array(z.string().min(1).max(64)).max(64);
const nameSchema = z.string().min(1).max(256);
const configSchema = z
  .record(z.string(), z.json())
  .refine((config) => JSON.stringify(config).length <= MAX_CONFIG_CHARACTERS, {
    message: `expected at most ${MAX_CONFIG_CHARACTERS} characters of JSON`,
  });

/** Body of `POST /api/v1/runs`. */
export const createRunSchema = z.object({
  project: projectNameSchema,
  id: runIdSchema.optional(),
  name: nameSchema.optional(),
  tags: tagsSchema.optional(),
  config: configSchema.optional(),
  optimizer: optimizerSchema,
  layers: z
    .array(layerSchema)
    .max(MAX_LAYERS_PER_RUN)
    .superRefine((layers, context) => {
      const seen = new Map<string, number>();
      layers.forEach((layer, index) => {
        const first = seen.get(layer.name);
        if (first !== undefined) {
          context.addIssue({
            code: 'custom',
            path: [index, 'name'],
            message: `expected a name of its own; layer ${first} has it too`,
          });
        }
        seen.set(layer.name, first ?? index);
      });
    }),
  resumeFromStep: stepSchema.optional(),
});
export type CreateRun = z.infer<typeof createRunSchema>;

/** Fields of a body that the contract does not know, as paths; there only if there are any. */
const ignoredSchema = z.array(z.string()).optional();

export const createRunReplySchema = z.object({
  id: z.string(),
  attempt: z.int(),
  nextStep: z.int(),
  url: z.string(),
  ignored: ignoredSchema,
});
export type CreateRunReply = z.infer<typeof createRunReplySchema>;

/** Body of `PATCH /api/v1/runs/{id}`. */
export const patchRunSchema = z.strictObject({
  name: nameSchema.optional(),
  tags: tagsSchema.optional(),
  notes: z.string().max(65_536).optional(),
  pinned: z.boolean().optional(),
});
export type PatchRun = z.infer<typeof patchRunSchema>;

export const finishStatusSchema = z.enum(['finished', 'failed', 'stopped']);
export const finishRunSchema = z.object({ status: finishStatusSchema });
export type FinishStatus = z.infer<typeof finishStatusSchema>;

/** `running` until a finish says otherwise; a view adds "stale" from `lastFrameAt`. */
export const runStatusSchema = z.enum(['running', 'finished', 'failed', 'stopped']);
export type RunStatus = z.infer<typeof runStatusSchema>;

export const eventKindSchema = z.enum([
  'checkpoint',
  'batch_skip',
  'learning_rate',
  'hyperparameter',
  'note',
]);

/** Body of `POST /api/v1/runs/{id}/events`. */
export const createEventSchema = z.object({
  id: runIdSchema.optional(),
  step: stepSchema,
  attempt: z.int().min(1).optional(),
  kind: eventKindSchema,
  title: z.string().min(1).max(256),
  detail: z.string().max(65_536).optional(),
});
export type CreateEvent = z.infer<typeof createEventSchema>;

export const runEventSchema = z.object({
  id: z.string(),
  step: z.int(),
  attempt: z.int(),
  kind: eventKindSchema,
  title: z.string(),
  detail: z.string().nullable(),
  createdAt: z.iso.datetime(),
});
export type RunEvent = z.infer<typeof runEventSchema>;

export const attemptSchema = z.object({
  attempt: z.int(),
  resumeFromStep: z.int(),
  optimizer: optimizerSchema,
  createdAt: z.iso.datetime(),
  firstStep: z.int().nullable(),
  lastStep: z.int().nullable(),
});
export type Attempt = z.infer<typeof attemptSchema>;

/** One row of `GET /api/v1/runs`. Steps are those of the effective trajectory. */
export const runSummarySchema = z.object({
  id: z.string(),
  project: z.string(),
  name: z.string(),
  tags: z.array(z.string()),
  notes: z.string(),
  pinned: z.boolean(),
  status: runStatusSchema,
  createdAt: z.iso.datetime(),
  /** When the worker last committed a frame; null before the first. */
  lastFrameAt: z.iso.datetime().nullable(),
  finishedAt: z.iso.datetime().nullable(),
  attempt: z.int(),
  layerCount: z.int(),
  firstStep: z.int().nullable(),
  lastStep: z.int().nullable(),
  nextStep: z.int(),
  /** The newest reported loss; null when none was reported or it is not finite. */
  lastLoss: z.number().nullable(),
  isLastLossNonFinite: z.boolean(),
  /** Steps a second over the last 64 steps by the job's wall time; null when unknown. */
  stepsPerSecond: z.number().nullable(),
  spikeCount: z.int(),
  /** Loss spikes and divergences without an end, those that a later attempt replayed left out. */
  openSpikeCount: z.int(),
  /** Of these, the ones whose attempt has ended: no step will tell their end. */
  neverRecoveredCount: z.int(),
  worstStage: z.string().nullable(),
  /** What the detectors found in all attempts, by kind; kinds without any are left out. */
  findingCounts: z.record(z.string(), z.int()),
  /** The newest of those that are open; null where none is. */
  openSpike: z.object({ id: z.string(), kind: z.string(), onsetStep: z.int() }).nullable(),
  /** How many layers of the newest attempt are in each stage now. */
  layersByStage: z.record(z.string(), z.int()),
  /** What no layer ever reported of the metrics that a stage is read from; empty without layers. */
  missingStageInputs: z.array(z.string()),
});
export type RunSummary = z.infer<typeof runSummarySchema>;

/** `GET /api/v1/runs/{id}`. */
export const runSchema = runSummarySchema.extend({
  config: z.record(z.string(), z.json()),
  optimizer: optimizerSchema,
  attempts: z.array(attemptSchema),
  layers: z.array(layerSchema.extend({ index: z.int() })),
});
export type Run = z.infer<typeof runSchema>;

/** `GET /api/v1/runs/{id}/settings`: what a run was told, without its layers. */
export const runSettingsSchema = z.object({
  id: z.string(),
  config: z.record(z.string(), z.json()),
  layerCount: z.int(),
  /** Ascending. */
  attempts: z.array(
    z.object({ attempt: z.int(), resumeFromStep: z.int(), optimizer: optimizerSchema }),
  ),
});
export type RunSettings = z.infer<typeof runSettingsSchema>;

/** Replies of `POST /api/v1/runs/{id}/events` and `/finish`. */
export const eventReplySchema = runEventSchema.extend({ ignored: ignoredSchema });
export const finishReplySchema = finishRunSchema.extend({
  id: z.string(),
  ignored: ignoredSchema,
});

/** `GET /api/v1/runs/{id}/metrics`: what is stored. */
export const runMetricsSchema = z.object({
  scalars: z.array(metricNameSchema),
  layerMetrics: z.array(metricNameSchema),
  histograms: z.array(metricNameSchema),
});
export type RunMetrics = z.infer<typeof runMetricsSchema>;

/** Reply of `POST /api/v1/runs/{id}/frames`. */
export const framesReplySchema = z.object({
  accepted: z.int(),
  duplicates: z.int(),
  rejected: z.array(z.object({ step: z.int(), code: z.string(), message: z.string() })),
  /** What the detectors opened, confirmed or closed with these frames. */
  events: z.array(z.record(z.string(), z.json())),
  /** Also keys of a binary body's metadata. */
  ignored: ignoredSchema,
});
export type FramesReply = z.infer<typeof framesReplySchema>;
