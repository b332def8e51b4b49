import { z } from 'zod';
import { postmortemSchema, reportQuerySchema } from './postmortem';
import { spikeSchema } from './reads';
import { runEventSchema, runSummarySchema } from './runs';
import { noteSchema } from './notes';
import { warningSchema } from './warnings';

/** `GET /api/v1/runs/{id}/report?format=json`. */
export const runReportSchema = z.object({
  run: runSummarySchema,
  /** Steps that were trained again after restarts. */
  lostSteps: z.int(),
  /** Loss spikes, outlier batches and divergences, onset ascending. */
  spikes: z.array(spikeSchema),
  rmsSpikeCount: z.int(),
  events: z.array(runEventSchema),
  warnings: z.array(warningSchema),
  notes: z.array(noteSchema),
  /** Of the newest 20 loss spikes and divergences. */
  postmortems: z.array(postmortemSchema),
});
export type RunReport = z.infer<typeof runReportSchema>;

/** An ISO week, Monday 00:00 UTC to the next. */
export const weekSchema = z
  .string()
  .regex(/^\d{4}-W(0[1-9]|[1-4]\d|5[0-3])$/, 'expected a week such as 2026-W47');
export const projectReportQuerySchema = reportQuerySchema.extend({
  /** Without it the week that is now. */
  week: weekSchema.optional(),
});

/** How many of the warnings of one kind were followed by what they warn of. */
export const warningPrecisionSchema = z.object({
  kind: z.string(),
  /** Steps within which a loss spike or divergence counts as announced. */
  withinSteps: z.int(),
  warned: z.int(),
  followed: z.int(),
});

/** `GET /api/v1/projects/{name}/report?week=&format=json`. */
export const projectReportSchema = z.object({
  project: z.string(),
  week: z.string(),
  from: z.iso.datetime(),
  to: z.iso.datetime(),
  /** Runs that reported something in the week. */
  activeRuns: z.array(
    z.object({
      id: z.string(),
      name: z.string(),
      spikeCount: z.int(),
      lostSteps: z.int(),
    }),
  ),
  /** Loss spikes and divergences whose onset lies in the week, the oldest first. */
  spikes: z.array(
    z.object({
      runId: z.string(),
      runName: z.string(),
      at: z.iso.datetime(),
      /** null: not recovered, or not known when. */
      secondsToRecover: z.number().nullable(),
      spike: spikeSchema,
      /** No step will follow in its attempt: a spike that was open then never recovered. */
      hasEnded: z.boolean(),
    }),
  ),
  outlierBatchCount: z.int(),
  /** By restarts in the week: steps that were trained again. */
  lostSteps: z.int(),
  /** Of the spikes that recovered. */
  medianStepsToRecover: z.number().nullable(),
  medianSecondsToRecover: z.number().nullable(),
  warnings: z.array(warningPrecisionSchema),
});
export type ProjectReport = z.infer<typeof projectReportSchema>;
export type WarningPrecision = z.infer<typeof warningPrecisionSchema>;
