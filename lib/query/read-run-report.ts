import { runSummarySchema } from '../contract/runs';
import type { Bucket } from '../contract/reads';
import type { RunReport } from '../contract/reports';
import { bestDates } from '../postmortem/facts';
import type { Database } from '../store/database';
import { readEvents } from './read-events';
import { readNotes } from './read-notes';
import { readPostmortem } from './read-postmortem';
import { readRun } from './read-run';
import { readSpikes } from './read-spikes';
import { readTimeline } from './read-timeline';
import { readWarnings } from './read-warnings';

const MOST_POSTMORTEMS = 20;
const MOST_ITEMS = 1000;
const LOSS_POINTS = 400;

/** A run as it stands, with the loss for its picture. Throws AppError `run_not_found`. */
export async function readRunReport(
  db: Database,
  runId: string,
): Promise<{ readonly report: RunReport; readonly loss: readonly Bucket[] }> {
  const run = await readRun(db, runId);
  const all = { attempt: 'all' as const, limit: MOST_ITEMS };
  const [timeline, lossSpikes, outliers, divergences, rmsSpikes, events, warnings, notes] =
    await Promise.all([
      readTimeline(db, runId, { series: ['loss'], attempt: 'effective', points: LOSS_POINTS }),
      readSpikes(db, runId, { ...all, kind: 'loss_spike' }),
      readSpikes(db, runId, { ...all, kind: 'outlier_batch' }),
      readSpikes(db, runId, { ...all, kind: 'divergence' }),
      readSpikes(db, runId, { ...all, kind: 'rms_spike', limit: 10_000 }),
      readEvents(db, runId, all),
      readWarnings(db, runId, all),
      readNotes(db, runId, {}),
    ]);
  const spikes = [...lossSpikes.items, ...outliers.items, ...divergences.items]
    .map(bestDates)
    .sort((a, b) => a.onsetStep - b.onsetStep);
  const costly = spikes.filter(({ kind }) => kind !== 'outlier_batch').slice(-MOST_POSTMORTEMS);
  const postmortems = [];
  // One after the other: each holds up to 40 MB while it is made.
  for (const { id } of costly) postmortems.push(await readPostmortem(db, runId, id));
  return {
    report: {
      run: runSummarySchema.parse(run),
      lostSteps: lostSteps(run.attempts),
      spikes,
      rmsSpikeCount: rmsSpikes.items.length,
      events: events.items,
      warnings: warnings.items,
      notes: notes.items,
      postmortems,
    },
    loss: timeline.series[0]?.points ?? [],
  };
}

function lostSteps(
  attempts: readonly { readonly resumeFromStep: number; readonly lastStep: number | null }[],
): number {
  return attempts.reduce((sum, { resumeFromStep }, index) => {
    const before = attempts[index - 1]?.lastStep;
    return before == null ? sum : sum + Math.max(0, before - resumeFromStep + 1);
  }, 0);
}
