import { z } from 'zod';

/** How a run stands now: `running` is live, stale, or waiting for its first frame. */
export const runStateSchema = z.enum(['live', 'stale', 'waiting', 'failed', 'stopped', 'finished']);
export type RunState = z.infer<typeof runStateSchema>;

/** What someone may have to look at first; the order of a list sorted by state. */
export const RUN_STATES = runStateSchema.options;

/** A run is stale after ten usual intervals, but not within a minute: evaluation and
 * checkpoints pause jobs that step many times a second. */
export const STALE_INTERVALS = 10;
export const STALE_AFTER_AT_LEAST_SECONDS = 60;
