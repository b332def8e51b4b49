/** `GET /api/v1/stages`: which layers reached a stage, in how many runs, and for how long. */
import { z } from 'zod';
import { queryInteger } from './query-numbers';
import { queryText } from './run-conditions';
import { runSelection, stageListSchema } from './spike-search';
import { STAGE_NAMES } from './stages';

export const STAGE_SEARCH_GROUPS = ['layer', 'layer_kind'] as const;

export const stageSearchSchema = z.object({
  ...runSelection,
  stage: stageListSchema.default(['armed', 'trigger', 'explosion', 'diverged']),
  /** Text in the layer's name, or `/regex/`. */
  layer: queryText(256).optional(),
  groupBy: z.enum(STAGE_SEARCH_GROUPS).default('layer'),
  cursor: z.string().max(1024).optional(),
  limit: queryInteger.pipe(z.int().min(1).max(1000)).default(200),
});
export type StageSearch = z.infer<typeof stageSearchSchema>;

export const reachedStageSchema = z.object({
  /** The layer's name, or the kind that was posted with it; null: none was. */
  key: z.string().nullable(),
  stage: z.enum(STAGE_NAMES),
  /** Runs in which it was reached, of those that have such a layer. */
  runCount: z.int(),
  ofRunCount: z.int(),
  layerCount: z.int(),
  intervalCount: z.int(),
  /** Steps in the stage, summed over runs and layers; what is open counts up to its attempt's last step. */
  steps: z.int(),
  longestSteps: z.int(),
  /** Where it stood in it longest. */
  longest: z.object({
    runId: z.string(),
    runName: z.string(),
    attempt: z.int(),
    layer: z.int(),
    fromStep: z.int(),
    toStep: z.int(),
  }),
});
export type ReachedStage = z.infer<typeof reachedStageSchema>;

export const stageSearchReplySchema = z.object({
  /** By runs, then by steps, the most first. */
  items: z.array(reachedStageSchema),
  total: z.int(),
  /** Runs that were asked. */
  runCount: z.int(),
  nextCursor: z.string().optional(),
});
export type StageSearchReply = z.infer<typeof stageSearchReplySchema>;
