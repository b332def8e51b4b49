import { z } from 'zod';
import { leadLagSchema } from './lead-lag';
import { noteSchema } from './notes';
import { firstMoverSchema, spikeSchema } from './reads';
import { eventKindSchema, optimizerSchema } from './runs';

/**
 * What is known of a spike afterwards: what happened, what moved first, what changed before
 * it, and what can be done. Every sentence carries the stored numbers that it was made from.
 */

/** One stored number. `layer` is null for what belongs to no layer. */
export const evidenceSchema = z.object({
  metric: z.string(),
  layer: z.int().nullable(),
  attempt: z.int(),
  step: z.int(),
  /** null where what counts is that it was so at this step. */
  value: z.number().nullable(),
});
export type Evidence = z.infer<typeof evidenceSchema>;

export const sentenceKindSchema = z.enum([
  'course',
  'precursor',
  'chance',
  'stages',
  'distribution',
  'lead_lag',
  'changes',
  'batch',
  'attempts',
  'aftermath',
  'limits',
]);
export const sentenceSchema = z.object({
  kind: sentenceKindSchema,
  text: z.string(),
  evidence: z.array(evidenceSchema),
});
export type Sentence = z.infer<typeof sentenceSchema>;

export const postmortemMoverSchema = firstMoverSchema.extend({
  name: z.string(),
  parameterCount: z.int(),
  /** The metric on the step of the move, and its median over up to 64 steps before. */
  value: z.number().nullable(),
  usual: z.number().nullable(),
  /** The metric on each of `moverSteps`. */
  recent: z.array(z.number().nullable()),
});
export type PostmortemMover = z.infer<typeof postmortemMoverSchema>;

/** One attempt over the steps around the spike, a value a reported step. */
export const attemptCourseSchema = z.object({
  attempt: z.int(),
  resumeFromStep: z.int(),
  /** Batches that were posted as skipped in this attempt, up to the end of the window. */
  skippedBatches: z.array(z.object({ step: z.int(), title: z.string() })),
  steps: z.array(z.int()),
  loss: z.array(z.number().nullable()),
  gradientNorm: z.array(z.number().nullable()),
});
export type AttemptCourse = z.infer<typeof attemptCourseSchema>;

export const changeSchema = z.object({
  kind: z.union([eventKindSchema, z.enum(['attempt', 'reported_rate', 'batch_id'])]),
  attempt: z.int(),
  step: z.int(),
  text: z.string(),
});
export type Change = z.infer<typeof changeSchema>;

/** One remedy, judged by what the run reported around the spike. */
export const remedySchema = z.object({
  key: z.string(),
  title: z.string(),
  /** `unknown`: the run lacks what would tell. */
  standing: z.enum(['offered', 'not_now', 'unknown']),
  /** Why, with numbers; without a full stop at its end. */
  reason: z.string(),
  caveat: z.string(),
});

export const rewindSchema = z.object({
  /** The first sign that something was under way; the loss's rise where there was none. */
  firstSignStep: z.int(),
  /** The last checkpoint before it; null where none was posted. */
  checkpoint: z.object({ attempt: z.int(), step: z.int(), title: z.string() }).nullable(),
  text: z.string(),
});
export const skipSchema = z.object({
  fromStep: z.int(),
  toStep: z.int(),
  /** As posted on those steps; empty where the run names no batches. */
  batchIds: z.array(z.number()),
  text: z.string(),
});

/** Whether what a restart was given can be seen in what it reported. */
export const restartCheckSchema = z.object({
  attempt: z.int(),
  resumeFromStep: z.int(),
  setting: z.enum(['beta1', 'beta2', 'epsilon', 'weightDecay', 'learning_rate', 'none']),
  outcome: z.enum(['in_effect', 'not_in_effect', 'cannot_tell']),
  text: z.string(),
  evidence: z.array(evidenceSchema),
});
export type RestartCheck = z.infer<typeof restartCheckSchema>;

/** `GET /api/v1/runs/{id}/spikes/{spikeId}/postmortem`. */
export const postmortemSchema = z.object({
  run: z.object({ id: z.string(), name: z.string(), project: z.string(), layerCount: z.int() }),
  optimizer: optimizerSchema,
  /** By its best dates: those of the second look where there is one. */
  spike: spikeSchema,
  /** No step will follow in its attempt: a spike that was open then never recovered. */
  hasEnded: z.boolean(),
  /** Its place among the run's spikes of its kind, from 1. */
  place: z.object({ index: z.int(), count: z.int() }),
  /** The job's wall time of the onset; null where it sent none. */
  onsetAt: z.iso.datetime().nullable(),
  /** The steps that the timeline shows. */
  fromStep: z.int(),
  toStep: z.int(),
  headline: z.string(),
  /** What to do now, with the steps that it is about: one to three sentences. */
  decision: z.string(),
  sentences: z.array(sentenceSchema),
  /** Names of the layers in the evidence, by their index. */
  layerNames: z.record(z.string(), z.string()),
  moverSteps: z.array(z.int()),
  /** On how many of the 10 steps before the rise layers were reported; null for a run without layers. */
  watchedSteps: z.int().nullable(),
  /** By lead, the longest first; at most 64. */
  movers: z.array(postmortemMoverSchema),
  moverCount: z.int(),
  /** The spike's own attempt first, then those that passed the same steps. */
  attempts: z.array(attemptCourseSchema),
  /** Layers whose RMS spikes announce loss spikes, the smallest tail first; at most 16. */
  leadLag: z.array(leadLagSchema.extend({ name: z.string() })),
  changes: z.array(changeSchema),
  remedies: z.array(remedySchema),
  rewind: rewindSchema.nullable(),
  skip: skipSchema.nullable(),
  restarts: z.array(restartCheckSchema),
  notes: z.array(noteSchema),
});
export type Postmortem = z.infer<typeof postmortemSchema>;

export const spikeParamsSchema = z.object({ id: z.string(), spikeId: z.string() });

export const REPORT_FORMATS = ['md', 'json', 'html'] as const;
export const reportQuerySchema = z.object({ format: z.enum(REPORT_FORMATS).default('html') });
export type ReportFormat = (typeof REPORT_FORMATS)[number];
export const REPORT_MEDIA_TYPES: Readonly<Record<ReportFormat, string>> = {
  md: 'text/markdown; charset=utf-8',
  json: 'application/json; charset=utf-8',
  html: 'text/html; charset=utf-8',
};
