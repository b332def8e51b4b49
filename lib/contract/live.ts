import { z } from 'zod';
import { metricNameSchema, runIdSchema } from './identifiers';

/**
 * The `/live` namespace of socket.io. A client subscribes to one run and one layer
 * metric; what is committed from then on arrives as `frames`, at most ten times a
 * second. `sequence` counts the messages of one run and metric; a client that sees a
 * number skipped has been too slow and reads the missing steps over HTTP.
 */
export const LIVE_NAMESPACE = '/live';
export const LIVE_PATH = '/socket.io/';
/** Ten messages a second is more than an eye follows and little enough for recharts. */
export const LIVE_INTERVAL_MS = 100;

export const subscribeSchema = z.object({
  runId: runIdSchema,
  metric: metricNameSchema,
  /** The newest step that the client has; frames after it are sent. -1: none. */
  afterStep: z.int().min(-1),
});
export type Subscribe = z.infer<typeof subscribeSchema>;

export const subscribeReplySchema = z.union([
  z.object({
    ok: z.literal(true),
    /** Newest committed step of the effective trajectory; -1 before the first. */
    newestStep: z.int(),
    attempt: z.int(),
    /** Number of the newest message already sent to others; the next one carries +1. */
    sequence: z.int().min(0),
  }),
  z.object({ ok: z.literal(false), code: z.string(), message: z.string() }),
]);
export type SubscribeReply = z.infer<typeof subscribeReplySchema>;

/**
 * First argument of `frames`; the second is the binary body of `heatmap-columns.ts`
 * with one column a committed post, scalars beside `loss` where they were posted. A
 * shard's column reports only its own layers; columns of one step are merged by taking
 * what is reported.
 */
export const liveFramesHeadSchema = z.object({
  runId: z.string(),
  metric: z.string(),
  sequence: z.int().min(1),
  attempt: z.int(),
});
export type LiveFramesHead = z.infer<typeof liveFramesHeadSchema>;

/** Payload of `run`: the run's status or name changed, or a new attempt opened. */
export const liveRunSchema = z.object({
  runId: z.string(),
  status: z.enum(['running', 'finished', 'failed', 'stopped']),
  attempt: z.int(),
});
export type LiveRun = z.infer<typeof liveRunSchema>;

/** Payload of `event`: a posted event, or what a detector says. */
export const liveEventSchema = z.object({
  runId: z.string(),
  kind: z.string(),
  step: z.int(),
  attempt: z.int(),
  title: z.string(),
  /** Of the spike or warning that it tells of. */
  id: z.string().optional(),
});
export type LiveEvent = z.infer<typeof liveEventSchema>;
