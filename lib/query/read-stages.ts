import type { z } from 'zod';
import type { StagesQuery, stagesReplySchema } from '../contract/reads';
import { describeStageLabel } from '../contract/stages';
import type { Database } from '../store/database';
import { findStageIntervals } from '../store/stages';
import { selectSegments } from '../store/trajectory';
import { requireRun } from './find-run';

export type StagesReply = z.infer<typeof stagesReplySchema>;

/** The stages of every layer in a range of steps. Throws AppError `run_not_found`, `attempt_not_found`. */
export async function readStages(
  db: Database,
  runId: string,
  query: StagesQuery,
): Promise<StagesReply> {
  const run = await requireRun(db, runId);
  const segments = selectSegments(run, query.attempt, query);
  const intervals = await findStageIntervals(db, run.runKey, segments);
  return {
    items: intervals.map((interval) => ({
      ...interval,
      meaning: describeStageLabel(interval.label),
    })),
  };
}
