import { z } from 'zod';
import { metricNameSchema, projectNameSchema, runIdSchema, stepSchema } from './identifiers';
import { STAGE_NAMES } from './stages';

/** What a team wants to be told of: a condition on runs, and where the message goes. */

/** Layers by their names, a regular expression as JavaScript reads it; without one, all of them. */
const layersSchema = z
  .string()
  .max(512)
  .refine((pattern) => isPattern(pattern), 'expected a regular expression')
  .optional();

function isPattern(text: string): boolean {
  try {
    new RegExp(text, 'u');
    return true;
  } catch {
    return false;
  }
}

/** A metric of layers where `layers` is given, else a scalar such as `loss`. */
const seriesSchema = { metric: metricNameSchema, layers: layersSchema };
const sidesSchema = z.enum(['above', 'below']);

/** Stages that someone may have to be told of; the rest is health or ignorance. */
export const ALERT_STAGES = STAGE_NAMES.filter(
  (name) => name !== 'insufficient_data' && name !== 'healthy' && name !== 'recovering',
);

/**
 * When an incident opens and when it closes. `openAfter` and `closeAfter` count reported
 * steps in a row, so that a value that trembles at its limit makes one incident.
 */
export const alertConditionSchema = z.discriminatedUnion('kind', [
  /** A loss spike was confirmed; closes with its recovery. */
  z.strictObject({ kind: z.literal('loss_spike'), outlierBatches: z.boolean().default(false) }),
  /** The loss diverged; closes with the attempt. */
  z.strictObject({ kind: z.literal('divergence') }),
  /** NaN or ±Inf in the loss, in the gradient norm or in any metric of a layer. */
  z.strictObject({
    kind: z.literal('non_finite'),
    closeAfter: z.int().min(1).max(100_000).default(100),
  }),
  /** RMS_t of at least so many layers left its limit on one step; closes after `closeAfter` quiet ones. */
  z.strictObject({
    kind: z.literal('rms_spike'),
    layers: layersSchema,
    minimumLayers: z.int().min(1).max(65_536).default(1),
    closeAfter: z.int().min(1).max(100_000).default(100),
  }),
  /** At least so many layers stand in this stage or a worse one. */
  z.strictObject({
    kind: z.literal('stage'),
    stage: z
      .enum(STAGE_NAMES)
      .refine(
        (name) => ALERT_STAGES.some((known) => known === name),
        'expected a stage that is no health',
      ),
    layers: layersSchema,
    minimumLayers: z.int().min(1).max(65_536).default(1),
    closeAfter: z.int().min(1).max(100_000).default(20),
  }),
  /** A value beyond a limit; not finite counts as beyond. Closes `closeAfter` steps after it came back past `clear`. */
  z.strictObject({
    kind: z.literal('threshold'),
    ...seriesSchema,
    side: sidesSchema.default('above'),
    limit: z.number(),
    /** Where it is well again; the limit itself without it. */
    clear: z.number().optional(),
    openAfter: z.int().min(1).max(100_000).default(1),
    closeAfter: z.int().min(1).max(100_000).default(20),
  }),
  /** So many robust deviations (1.4826 · MAD) from the median of the last `window` reports. */
  z.strictObject({
    kind: z.literal('z_score'),
    ...seriesSchema,
    side: z.enum(['above', 'below', 'either']).default('above'),
    z: z.number().min(1).max(1000),
    window: z.int().min(16).max(1024).default(128),
    openAfter: z.int().min(1).max(100_000).default(1),
    closeAfter: z.int().min(1).max(100_000).default(20),
  }),
  /** A running run has posted nothing for so long; closes with its next frame or its end. */
  z.strictObject({ kind: z.literal('no_data'), minutes: z.number().min(0.1).max(10_080) }),
  /** The stability ratio κ warns; closes when the warning does. */
  z.strictObject({ kind: z.literal('curvature') }),
]);
export type AlertCondition = z.infer<typeof alertConditionSchema>;
export type AlertConditionKind = AlertCondition['kind'];
export type AlertConditionOf<K extends AlertConditionKind> = Extract<AlertCondition, { kind: K }>;

/** How loud: `page` wakes somebody, `warn` is for the day, `note` stays on the screen. */
export const alertSeveritySchema = z.enum(['page', 'warn', 'note']);
export type AlertSeverity = z.infer<typeof alertSeveritySchema>;

const channelIdsSchema = z.array(z.string().min(1).max(64)).max(32);
const ruleNameSchema = z.string().trim().min(1).max(128);

/** What a rule says, without what the server knows of it. */
export const alertRuleDraftSchema = z.strictObject({
  name: ruleNameSchema,
  /** One run of the project; without it, all of them, those to come as well. */
  runId: runIdSchema.nullable().default(null),
  condition: alertConditionSchema,
  severity: alertSeveritySchema.default('warn'),
  channelIds: channelIdsSchema.default([]),
  /** Also where an open page may show notifications. */
  notifyBrowsers: z.boolean().default(true),
  isEnabled: z.boolean().default(true),
});
export type AlertRuleDraft = z.infer<typeof alertRuleDraftSchema>;

/** Body of `PATCH …/alert-rules/{ruleId}`: what is not named stays. */
export const patchAlertRuleSchema = z.strictObject({
  name: ruleNameSchema.optional(),
  /** One run of the project, or null for all of them. */
  runId: runIdSchema.nullable().optional(),
  condition: alertConditionSchema.optional(),
  severity: alertSeveritySchema.optional(),
  channelIds: channelIdsSchema.optional(),
  notifyBrowsers: z.boolean().optional(),
  isEnabled: z.boolean().optional(),
  /** Incidents open meanwhile, but nobody is told; null ends it. */
  mutedUntil: z.iso.datetime().nullable().optional(),
});
export type PatchAlertRule = z.infer<typeof patchAlertRuleSchema>;

export const alertRuleSchema = alertRuleDraftSchema.extend({
  id: z.string(),
  project: z.string(),
  mutedUntil: z.iso.datetime().nullable(),
  createdAt: z.iso.datetime(),
  updatedAt: z.iso.datetime(),
  /** Of its incidents. */
  openCount: z.int(),
  lastOpenedAt: z.iso.datetime().nullable(),
});
export type AlertRule = z.infer<typeof alertRuleSchema>;
export const alertRulesReplySchema = z.object({ items: z.array(alertRuleSchema) });

export const alertRuleParamsSchema = z.object({ name: projectNameSchema, ruleId: z.string() });

/** Body of `POST /api/v1/projects/{name}/alert-backtest`: a rule on what is stored, nothing saved or sent. */
export const alertBacktestSchema = z.strictObject({
  condition: alertConditionSchema,
  /** Without it, the newest runs of the project. */
  runIds: z.array(runIdSchema).min(1).max(64).optional(),
  runLimit: z.int().min(1).max(64).default(16),
  fromStep: stepSchema.optional(),
  toStep: stepSchema.optional(),
  /** An incident is true when a loss spike or divergence begins so many steps after it opened, or it opened within one. */
  horizon: z.int().min(1).max(100_000).default(500),
});
export type AlertBacktest = z.infer<typeof alertBacktestSchema>;

export const backtestIncidentSchema = z.object({
  runId: z.string(),
  attempt: z.int(),
  openedStep: z.int(),
  /** null: open at the end of what is stored. */
  closedStep: z.int().nullable(),
  /** The message's line. */
  title: z.string(),
  layers: z.array(z.int()),
  verdict: z.enum(['true', 'false', 'too_early_to_say']),
  /** The spike that makes it true, and how many steps before its rise it opened; negative: after. */
  spikeId: z.string().nullable(),
  leadSteps: z.int().nullable(),
});
export type BacktestIncident = z.infer<typeof backtestIncidentSchema>;

export const alertBacktestReplySchema = z.object({
  /** "7 times, 2 false" */
  summary: z.string(),
  items: z.array(backtestIncidentSchema),
  trueCount: z.int(),
  falseCount: z.int(),
  undecidedCount: z.int(),
  /** Loss spikes and divergences of these runs that no incident came before or with; by their best dates. */
  missedSpikes: z.array(z.object({ runId: z.string(), spikeId: z.string(), onsetStep: z.int() })),
  runs: z.array(
    z.object({
      runId: z.string(),
      /** Reported steps that were looked at. */
      stepCount: z.int(),
      /** Why some were not, in words; null where all were. */
      caveat: z.string().nullable(),
      /**
       * Where a policy has left rollups alone of what the rule looks at, ascending an attempt: an
       * incident there would not have been found. At most 200; more are counted in the caveat.
       */
      unjudged: z.array(z.object({ attempt: z.int(), fromStep: z.int(), toStep: z.int() })),
    }),
  ),
});
export type AlertBacktestReply = z.infer<typeof alertBacktestReplySchema>;
