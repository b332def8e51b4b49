/** `GET /api/v1/spikes`: a question to the spikes of all runs that may be seen. */
import { z } from 'zod';
import { splitNames } from './name-list';
import { queryInteger } from './query-numbers';
import { queryText, runConditionsSchema, settingPathSchema } from './run-conditions';
import { firstMoverSchema, recoverySchema, spikeKindSchema, verdictSchema } from './reads';
import { optimizerSchema } from './runs';
import { STAGE_NAMES } from './stages';

const listOf = <T extends z.ZodType<unknown, string>>(item: T, most: number) =>
  queryText(4096).transform(splitNames).pipe(z.array(item).max(most));

/** Which runs and attempts a question across runs is put to. */
export const runSelection = {
  project: queryText(128).optional(),
  /** Text in id, name, project, tags and notes, or `/regex/`. */
  q: queryText(256).optional(),
  /** All of these. */
  tags: listOf(z.string(), 64).optional(),
  /** `optimizer.beta2<0.99,dataset=c4`; all of them. */
  config: runConditionsSchema.optional(),
} as const;

export const stageListSchema = listOf(z.enum(STAGE_NAMES), STAGE_NAMES.length);

/** What is known of an attempt, and so of its quiet steps too. */
export const ATTEMPT_GROUPS = [
  'project',
  'optimizer',
  'model_size',
  'beta1',
  'beta2',
  'epsilon',
] as const;
/** What is known of a spike alone. */
export const SPIKE_GROUPS = ['kind', 'recovery', 'mover_kind', 'mover_layer'] as const;

const CONFIG_GROUP = /^config\.(.+)$/;

export type GroupKey =
  | { readonly of: 'attempt'; readonly name: (typeof ATTEMPT_GROUPS)[number] }
  | { readonly of: 'setting'; readonly path: string }
  | { readonly of: 'spike'; readonly name: (typeof SPIKE_GROUPS)[number] };

/** null for a text that names no group. */
export function parseGroup(text: string): GroupKey | null {
  const attempt = ATTEMPT_GROUPS.find((name) => name === text);
  if (attempt !== undefined) return { of: 'attempt', name: attempt };
  const spike = SPIKE_GROUPS.find((name) => name === text);
  if (spike !== undefined) return { of: 'spike', name: spike };
  const path = settingPathSchema.safeParse(CONFIG_GROUP.exec(text)?.[1]);
  return path.success ? { of: 'setting', path: path.data } : null;
}

export const groupSchema = queryText(300).refine(
  (text) => parseGroup(text) !== null,
  `expected ${[...ATTEMPT_GROUPS, ...SPIKE_GROUPS].join(', ')} or config.<path>`,
);

/** Edges between groups of model sizes, ascending; without them a group a power of ten. */
export const sizeEdgesSchema = queryText(1024)
  .transform(splitNames)
  .transform((texts) => texts.map(Number))
  .pipe(z.array(z.number().positive()).min(1).max(64))
  .refine(
    (edges) => edges.every((edge, at) => at === 0 || edge > (edges[at - 1] ?? 0)),
    'expected ascending numbers',
  );

/** What was open when its attempt ended never recovered; `open` are those that may recover yet. */
export const RECOVERY_FILTERS = [...recoverySchema.options, 'never_recovered'] as const;
export type RecoveryFilter = (typeof RECOVERY_FILTERS)[number];

export const SPIKE_SORTS = ['newest', 'lead', 'lost'] as const;

export const spikeSearchSchema = z.object({
  ...runSelection,
  kind: listOf(spikeKindSchema, 4).default(['loss_spike', 'divergence']),
  recovery: listOf(z.enum(RECOVERY_FILTERS), RECOVERY_FILTERS.length).optional(),
  verdict: listOf(verdictSchema, 3).optional(),
  /** Spikes before which such a layer moved: text in its name, or `/regex/`. */
  layer: queryText(256).optional(),
  /** Spikes before which a layer (of these) moved so many steps earlier. */
  minLead: queryInteger.pipe(z.int().min(0)).optional(),
  /** Spikes at whose onset a layer was in one of these. */
  stage: stageListSchema.optional(),
  /** The layers whose stage counts: text in the name, or `/regex/`. */
  stageLayer: queryText(256).optional(),
  /** When the onset's step was reported, by the job's clock where it sends one. */
  from: z.iso.datetime({ offset: true }).optional(),
  to: z.iso.datetime({ offset: true }).optional(),
  groupBy: groupSchema.optional(),
  sizes: sizeEdgesSchema.optional(),
  sort: z.enum(SPIKE_SORTS).default('newest'),
  cursor: z.string().max(1024).optional(),
  limit: queryInteger.pipe(z.int().min(1).max(1000)).default(200),
});
export type SpikeSearch = z.infer<typeof spikeSearchSchema>;

export const searchMoverSchema = firstMoverSchema.extend({
  name: z.string(),
  /** As posted with the layer. */
  kind: z.string().nullable(),
});

export const foundSpikeSchema = z.object({
  run: z.object({ id: z.string(), name: z.string(), project: z.string() }),
  /** As the optimizer of its attempt was told. */
  optimizer: optimizerSchema,
  parameters: z.int(),
  id: z.string(),
  attempt: z.int(),
  kind: spikeKindSchema,
  /** By the second look's dates, where there was one. */
  onsetStep: z.int(),
  riseStep: z.int(),
  peakStep: z.int().nullable(),
  peakValue: z.number().nullable(),
  baseline: z.number().nullable(),
  recoveredStep: z.int().nullable(),
  recovery: recoverySchema,
  /** No step will follow in its attempt: a spike that was open then never recovered. */
  hasEnded: z.boolean(),
  verdict: verdictSchema,
  /** The layer that moved first, of those that were asked for; null where none did. */
  mover: searchMoverSchema.nullable(),
  /** From onset to recovery; without one, to the last step of the attempt. */
  lostSteps: z.int(),
  /** When the step was, by the job's clock where it sends one; null where the step is not stored. */
  at: z.iso.datetime().nullable(),
  /** The page of its postmortem. */
  postmortem: z.string(),
});
export type FoundSpike = z.infer<typeof foundSpikeSchema>;

export const spikeCountsSchema = z.object({
  spikeCount: z.int(),
  /** Runs that have one. */
  spikeRunCount: z.int(),
  /** Runs and attempts that were asked, with and without a spike. */
  runCount: z.int(),
  attemptCount: z.int(),
  /** From the first to the last reported step of each of these attempts; null where a time range was asked for. */
  steps: z.int().nullable(),
  /** null without steps. */
  spikesPer10kSteps: z.number().nullable(),
  /** Of the spikes before or at whose rise a layer moved: half of them by so many steps or more. */
  medianLead: z.number().nullable(),
  leadCount: z.int(),
  /** Spikes with a precursor, of those with enough history to tell. */
  precursorCount: z.int(),
  judgedCount: z.int(),
  lostSteps: z.int(),
});
export type SpikeCounts = z.infer<typeof spikeCountsSchema>;

export const spikeGroupSchema = spikeCountsSchema.extend({
  /** As text; null: not said. Of a model size the lower edge. */
  key: z.string().nullable(),
  /** Of a model size: the upper edge, exclusive; null: none. */
  below: z.number().nullable(),
});
export type SpikeGroup = z.infer<typeof spikeGroupSchema>;

export const spikeSearchReplySchema = z.object({
  items: z.array(foundSpikeSchema),
  nextCursor: z.string().optional(),
  /** Of all that match, not of this page. */
  total: spikeCountsSchema,
  /** With groupBy, at most 200; numbers ascending, other keys by their spikes. */
  groups: z.array(spikeGroupSchema).optional(),
  groupCount: z.int().optional(),
});
export type SpikeSearchReply = z.infer<typeof spikeSearchReplySchema>;
