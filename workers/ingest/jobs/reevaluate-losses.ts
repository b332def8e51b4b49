/**
 * Looks at every stored loss of a run again, in order and whole, and puts the second look at
 * each event beside the spike that was told of it: for runs that an older version watched,
 * and for posts that came too late to be looked at.
 *
 *   losses of an attempt and of what led up to it ▶ detector ▶ second looks ▶ spikes, by id
 *
 * No spike is added, dated otherwise or taken away: what differs is counted in the result.
 */
import { z } from 'zod';
import type { ReevaluateLosses } from '../../../lib/contract/jobs';
import { concludeLosses, observeLoss } from '../../../lib/detect/loss-detector';
import type { LossUpdate } from '../../../lib/detect/loss-event';
import { createLossDetector } from '../../../lib/detect/loss-state';
import { spikeIdOfLoss } from '../../../lib/detect/to-spike';
import type { JobJson } from '../../../lib/store/jobs';
import {
  type FoundAgain,
  countSteps,
  findLosses,
  saveReevaluations,
} from '../../../lib/store/findings/reevaluations';
import type { RunAttempt } from '../../../lib/store/runs/run-context';
import type { Segment } from '../../../lib/store/runs/trajectory';
import { segmentsBefore } from '../detect/load-detection';
import { type JobContext, JobStopped } from './job-kind';

/** Attempts that are done, and what came of them. */
const cursorSchema = z.object({
  attempts: z.int(),
  doneSteps: z.int(),
  reevaluated: z.int(),
  notFound: z.array(z.string()),
  notStored: z.array(z.string()),
});
type Cursor = z.infer<typeof cursorSchema>;

/** Read in some 5 ms and looked at in as many. */
const STEPS_AT_ONCE = 4096;
/** Of each list: enough to see what differs. */
const MOST_NAMED = 100;

export async function reevaluateLosses(
  context: JobContext,
  { attempt: asked }: ReevaluateLosses,
): Promise<JobJson> {
  const { db, run } = context;
  const attempts = run.attempts.filter(({ attempt }) => asked === undefined || attempt === asked);
  const trajectories = attempts.map((attempt) => ({
    attempt,
    segments: segmentsBefore(run, attempt, Number.MAX_SAFE_INTEGER),
  }));
  let totalSteps = 0;
  for (const segment of trajectories.flatMap(({ segments }) => segments)) {
    totalSteps += await countSteps(db, run.runKey, segment);
  }
  let cursor: Cursor =
    context.cursor === null
      ? { attempts: 0, doneSteps: 0, reevaluated: 0, notFound: [], notStored: [] }
      : cursorSchema.parse(context.cursor);
  for (const { attempt, segments } of trajectories.slice(cursor.attempts)) {
    const report = (doneSteps: number): Promise<void> =>
      context.report({ doneSteps, totalSteps: Math.max(totalSteps, doneSteps), cursor });
    const { found, doneSteps } = await review(context, attempt, segments, cursor, report);
    cursor = await save(context, attempt, found, { ...cursor, doneSteps });
    await report(doneSteps);
  }
  const { doneSteps, reevaluated, notFound, notStored } = cursor;
  return {
    ...{
      steps: doneSteps,
      reevaluated,
      notFoundCount: notFound.length,
      notStoredCount: notStored.length,
    },
    // Stored spikes that the whole series does not show, and events that were never stored.
    notFound: notFound.slice(0, MOST_NAMED),
    notStored: notStored.slice(0, MOST_NAMED),
  };
}

/** The last word on every event that opened in the attempt, by the id of its spike. */
async function review(
  { db, run }: JobContext,
  { attempt, resumeFromStep }: RunAttempt,
  segments: readonly Segment[],
  cursor: Cursor,
  report: (doneSteps: number) => Promise<void>,
): Promise<{ readonly found: ReadonlyMap<string, FoundAgain>; readonly doneSteps: number }> {
  const detector = createLossDetector();
  const found = new Map<string, FoundAgain>();
  const note = (updates: readonly LossUpdate[]): void => {
    for (const update of updates) {
      if (update.event.openedStep < resumeFromStep) continue;
      const id = spikeIdOfLoss(update.event, attempt);
      const { reevaluation = null } = found.get(id) ?? {};
      found.set(id, toFound(id, { ...update, reevaluation: update.reevaluation ?? reevaluation }));
    }
  };
  let { doneSteps } = cursor;
  for (const segment of segments) {
    for (let { fromStep } = segment; ;) {
      const steps = await findLosses(db, run.runKey, { ...segment, fromStep }, STEPS_AT_ONCE);
      const last = steps.at(-1);
      if (last === undefined) break;
      for (const step of steps) note(observeLoss(detector, step));
      doneSteps += steps.length;
      await report(doneSteps);
      fromStep = last.step + 1;
    }
  }
  note(concludeLosses(detector));
  return { found, doneSteps };
}

function toFound(id: string, { event, reevaluation }: LossUpdate): FoundAgain {
  const { riseStep, kind, baseline, recovery, levelShift } = event;
  const isMeasured = kind !== 'divergence' && baseline !== null && recovery !== 'open';
  return {
    ...{ id, riseStep, levelShift, reevaluation },
    excessArea: isMeasured ? event.excessArea : null,
  };
}

async function save(
  { db, run }: JobContext,
  { attempt }: RunAttempt,
  found: ReadonlyMap<string, FoundAgain>,
  cursor: Cursor,
): Promise<Cursor> {
  const stored = await saveReevaluations(db, { runKey: run.runKey, attempt }, [...found.values()]);
  if (stored === null) throw new JobStopped('gone');
  const known = new Set(stored);
  return {
    attempts: cursor.attempts + 1,
    doneSteps: cursor.doneSteps,
    reevaluated:
      cursor.reevaluated +
      stored.filter((id) => (found.get(id)?.reevaluation ?? null) !== null).length,
    notFound: [...cursor.notFound, ...stored.filter((id) => !found.has(id))],
    notStored: [...cursor.notStored, ...[...found.keys()].filter((id) => !known.has(id))],
  };
}
