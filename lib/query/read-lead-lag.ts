import type { LeadLagQuery, LeadLagReply } from '../contract/lead-lag';
import { bestDates, riseOf } from '../postmortem/facts';
import { LeadLagCounter, type WatchedSteps, countWatched } from '../stats/lead-lag';
import type { Database } from '../store/database';
import { findWatchedSteps } from '../store/findings/findings';
import { scanRmsSpikeSteps } from '../store/findings/rms-spike-steps';
import type { RunOutline } from '../store/runs/run-context';
import { findSpikes } from '../store/findings/spikes';
import { findNewestSteps } from '../store/reading/step-reports';
import { type Segment, selectSegments } from '../store/runs/trajectory';
import { requireRun } from './find-run';

/** Far more than a run that anybody trains on has. */
const MOST_LOSS_SPIKES = 100_000;

/**
 * Of every layer whose RMS spiked: how many loss spikes and divergences follow such a spike
 * within the window, and how likely that is by chance. Loss spikes are dated as pages date
 * them: by the second look where there was one.
 *
 * Memory  of the layers that spiked; a spike is counted as it comes from the database
 * Throws  AppError `run_not_found`, `attempt_not_found`
 */
export async function readLeadLag(
  db: Database,
  runId: string,
  { shortestLead, longestLead, mergeSteps, ...range }: LeadLagQuery,
): Promise<LeadLagReply> {
  const run = await requireRun(db, runId);
  const segments = await findWatchedSegments(db, run, selectSegments(run, range.attempt, range));
  const window = { shortestLead, longestLead, mergeSteps };
  const lossSpikeSteps: number[] = [];
  for (const kind of ['loss_spike', 'divergence'] as const) {
    const limit = MOST_LOSS_SPIKES;
    const spikes = await findSpikes(db, run.runKey, { segments, kind, limit });
    lossSpikeSteps.push(...spikes.map((spike) => riseOf(bestDates(spike))));
  }
  const layers = new Map<number, LeadLagCounter>();
  for (const segment of segments) {
    await scanRmsSpikeSteps(db, run.runKey, segment, (step, layer) => {
      const counter = layers.get(layer) ?? new LeadLagCounter(lossSpikeSteps, segments, window);
      layers.set(layer, counter);
      counter.add(step);
    });
  }
  return {
    ...window,
    fromStep: segments[0]?.fromStep ?? null,
    toStep: segments.at(-1)?.toStep ?? null,
    eligibleSteps: countWatched(segments),
    items: Array.from(layers, ([layer, counter]) => ({ layer, ...counter.finish() })).sort(
      (a, b) => a.tail - b.tail || a.layer - b.layer,
    ),
  };
}

/** The part of each segment in which detectors would have seen a spike, up to its last step. */
async function findWatchedSegments(
  db: Database,
  { runKey }: RunOutline,
  segments: readonly Segment[],
): Promise<(Segment & WatchedSteps)[]> {
  const watchedFrom = await findWatchedSteps(db, runKey);
  const watched: Segment[] = [];
  for (const segment of segments) {
    const from = watchedFrom.get(segment.attempt);
    const [toStep] = await findNewestSteps(db, runKey, segment, 1);
    if (from === undefined || toStep === undefined) continue;
    const fromStep = Math.max(segment.fromStep, from);
    if (fromStep <= toStep) watched.push({ attempt: segment.attempt, fromStep, toStep });
  }
  return watched;
}
