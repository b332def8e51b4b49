import type { z } from 'zod';
import type { SpikesQuery, spikesReplySchema } from '../contract/reads';
import type { Database } from '../store/database';
import { findSpikes } from '../store/findings/spikes';
import { selectSegments } from '../store/runs/trajectory';
import { requireRun } from './find-run';

export type SpikesReply = z.infer<typeof spikesReplySchema>;

/** Spikes by onset, at most `limit`. Throws AppError `run_not_found`, `attempt_not_found`. */
export async function readSpikes(
  db: Database,
  runId: string,
  query: SpikesQuery,
): Promise<SpikesReply> {
  const run = await requireRun(db, runId);
  const segments = selectSegments(run, query.attempt, {});
  const { kind, limit } = query;
  return { items: await findSpikes(db, run.runKey, { segments, kind, limit }) };
}
