import { z } from 'zod';
import { alertConditionSchema, alertSeveritySchema } from './alert-rules';
import { projectNameSchema, runIdSchema } from './identifiers';
import { queryInteger } from './query-numbers';

/** What a rule found: opened once, told once, closed when it is over. */

export const incidentSchema = z.object({
  id: z.string(),
  project: z.string(),
  ruleId: z.string(),
  ruleName: z.string(),
  severity: alertSeveritySchema,
  /** As the rule stood when it opened. */
  condition: alertConditionSchema,
  runId: z.string(),
  runName: z.string(),
  attempt: z.int(),
  /** null where it is about no step, as when no data comes. */
  openedStep: z.int().nullable(),
  closedStep: z.int().nullable(),
  openedAt: z.iso.datetime(),
  closedAt: z.iso.datetime().nullable(),
  /** Why it closed. */
  closedBy: z.enum(['recovered', 'run_ended', 'new_attempt', 'rule_changed']).nullable(),
  /** One line: what, where, with its number. */
  title: z.string(),
  /** The most extreme value so far; null where it has none, or it is not finite. */
  peakValue: z.number().nullable(),
  peakStep: z.int().nullable(),
  /** At most 64 of them, by index. */
  layers: z.array(z.int()),
  layerCount: z.int(),
  /** Of the spike that it tells of. */
  spikeId: z.string().nullable(),
  acknowledgedAt: z.iso.datetime().nullable(),
  acknowledgedBy: z.string().nullable(),
  /** Nobody was told: the rule was muted. */
  wasMuted: z.boolean(),
});
export type Incident = z.infer<typeof incidentSchema>;

export const incidentsQuerySchema = z.object({
  project: projectNameSchema.optional(),
  runId: runIdSchema.optional(),
  ruleId: z.string().max(64).optional(),
  state: z.enum(['open', 'closed', 'all']).default('all'),
  /** Of `open` ones: those that nobody has acknowledged. */
  acknowledged: z
    .enum(['true', 'false'])
    .transform((text) => text === 'true')
    .pipe(z.boolean())
    .optional(),
  cursor: z.string().max(512).optional(),
  limit: queryInteger.pipe(z.int().min(1).max(500)).default(100),
});
export type IncidentsQuery = z.infer<typeof incidentsQuerySchema>;

/** The newest first. */
export const incidentsReplySchema = z.object({
  items: z.array(incidentSchema),
  /** How many match in all, and of all that match how many are open and not acknowledged. */
  total: z.int(),
  openCount: z.int(),
  nextCursor: z.string().optional(),
});
export type IncidentsReply = z.infer<typeof incidentsReplySchema>;

export const incidentParamsSchema = z.object({ name: projectNameSchema, incidentId: z.string() });

/** Body of `POST /api/v1/projects/{name}/incidents/{incidentId}/acknowledge`. */
export const acknowledgeIncidentSchema = z.strictObject({
  by: z.string().trim().min(1).max(128),
});

/** Payload of the live message `incident`: one opened, closed or was acknowledged. */
export const liveIncidentSchema = z.object({
  change: z.enum(['opened', 'closed', 'acknowledged']),
  /** Whether pages that may are to show a notification. */
  notify: z.boolean(),
  incident: incidentSchema,
});
export type LiveIncident = z.infer<typeof liveIncidentSchema>;
