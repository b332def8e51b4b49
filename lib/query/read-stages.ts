import type { z } from 'zod';
import { stageEvidenceSchema, type StagesQuery, type stagesReplySchema } from '../contract/reads';
import { describeStageLabel, STAGE_EVIDENCE } from '../contract/stages';
import type { Database } from '../store/database';
import { findExplainedIntervals, findStageIntervals } from '../store/findings/stages';
import { selectSegments } from '../store/runs/trajectory';
import { requireRun } from './find-run';

export type StagesReply = z.infer<typeof stagesReplySchema>;

/**
 * The stages of every layer in a range of steps; of one, with the numbers that decided
 * them. A layer that the run does not have is in none. Throws AppError `run_not_found`,
 * `attempt_not_found`.
 */
export async function readStages(
  db: Database,
  runId: string,
  query: StagesQuery,
): Promise<StagesReply> {
  const run = await requireRun(db, runId);
  const segments = selectSegments(run, query.attempt, query);
  if (query.layer !== undefined) {
    const found = await findExplainedIntervals(db, run.runKey, segments, query.layer);
    return {
      items: found.map(({ interval, evidence }) => ({
        ...interval,
        meaning: describeStageLabel(interval.label),
        evidence: evidence === null ? null : nameEvidence(evidence),
      })),
    };
  }
  const intervals = await findStageIntervals(db, run.runKey, segments);
  return {
    items: intervals.map((interval) => ({
      ...interval,
      meaning: describeStageLabel(interval.label),
    })),
  };
}

/** JSON has no NaN: what is not finite is not known. */
function nameEvidence(values: readonly number[]): z.infer<typeof stageEvidenceSchema> {
  const named = STAGE_EVIDENCE.map((name, index) => {
    const value = values[index] ?? NaN;
    return [name, Number.isFinite(value) ? value : null] as const;
  });
  return stageEvidenceSchema.parse(Object.fromEntries(named));
}
