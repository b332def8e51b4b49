/** What a rule would have said of stored runs, and whether it would have been right. */
import {
  findMissed,
  isTrouble,
  judgeIncident,
  summariseJudgements,
} from '../alerts/judge-incidents';
import type { AlertBacktest, AlertBacktestReply, BacktestIncident } from '../contract/alert-rules';
import { bestDates } from '../postmortem/facts';
import { findBacktestRuns } from '../store/alerts/backtest-runs';
import type { Database } from '../store/database';
import { findSpikes } from '../store/findings/spikes';
import { requireRun } from './find-run';
import { findUnjudged } from './find-unjudged';
import { foldStoredRun } from './fold-stored-run';

/** In all; a run of 100,000 steps takes about a second a scalar. */
const LONGEST_MS = 20_000;
/** Of each run; all are counted. */
const MAX_LISTED = 200;
const MAX_SPIKES = 10_000;

const UNJUDGED = { verdict: 'too_early_to_say', spikeId: null, leadSteps: null } as const;

type RunReply = Pick<
  AlertBacktestReply,
  'items' | 'missedSpikes' | 'trueCount' | 'falseCount' | 'undecidedCount'
> & { readonly run: AlertBacktestReply['runs'][number] };

/**
 * Runs share the time; what it does not suffice for is said.
 *
 * Throws  AppError `project_not_found`, `run_not_found`
 */
export async function readBacktest(
  db: Database,
  project: string,
  request: AlertBacktest,
  { clock, now }: { readonly clock: () => number; readonly now: Date },
): Promise<AlertBacktestReply> {
  const { runIds, runLimit } = request;
  const ids = await findBacktestRuns(db, project, { runIds, limit: runLimit });
  const endMs = clock() + LONGEST_MS;
  const replies: RunReply[] = [];
  for (const [index, id] of ids.entries()) {
    const share = Math.max(0, endMs - clock()) / (ids.length - index);
    replies.push(await backtestRun(db, id, request, { clock, now, deadlineMs: clock() + share }));
  }
  const total = (read: (reply: RunReply) => number): number =>
    replies.reduce((sum, reply) => sum + read(reply), 0);
  const counts = {
    trueCount: total(({ trueCount }) => trueCount),
    falseCount: total(({ falseCount }) => falseCount),
    undecidedCount: total(({ undecidedCount }) => undecidedCount),
  };
  return {
    summary: summariseJudgements(counts),
    items: replies.flatMap(({ items }) => items),
    ...counts,
    missedSpikes: replies.flatMap(({ missedSpikes }) => missedSpikes),
    runs: replies.map(({ run }) => run),
  };
}

async function backtestRun(
  db: Database,
  runId: string,
  { condition, horizon, fromStep = 0, toStep = Number.MAX_SAFE_INTEGER }: AlertBacktest,
  limits: { readonly clock: () => number; readonly now: Date; readonly deadlineMs: number },
): Promise<RunReply> {
  const run = await requireRun(db, runId);
  const folded = await foldStoredRun(db, run, { condition, fromStep, toStep, ...limits });
  // A silence announces no spike, and is none.
  const isJudged = condition.kind !== 'no_data';
  const seen = new Map(folded.attempts.map((attempt) => [attempt.attempt, attempt]));
  const segments = run.attempts.map(({ attempt }) => ({
    ...{ attempt, fromStep: 0, toStep: Number.MAX_SAFE_INTEGER },
  }));
  // As postmortems date them.
  const spikes = (
    await findSpikes(db, run.runKey, { segments, kind: undefined, limit: MAX_SPIKES })
  )
    .filter(isTrouble)
    .map(bestDates);
  const incidents = folded.incidents.map((incident) => ({
    ...incident,
    openedStep: incident.openedStep ?? 0,
  }));
  const all = incidents.map((incident): BacktestIncident => {
    const { attempt, openedStep, closed, title, layers } = incident;
    const lastStep = seen.get(attempt)?.lastStep ?? openedStep;
    return {
      ...{ runId, attempt, openedStep, closedStep: closed?.step ?? null, title },
      layers: [...layers],
      ...(isJudged ? judgeIncident(incident, spikes, { horizon, lastStep }) : UNJUDGED),
    };
  });
  const inSight = spikes.filter(({ attempt, onsetStep }) => {
    const { firstStep = null, lastStep = null } = seen.get(attempt) ?? {};
    return (
      firstStep !== null && lastStep !== null && onsetStep >= firstStep && onsetStep <= lastStep
    );
  });
  const count = (verdict: BacktestIncident['verdict']): number =>
    all.filter((incident) => incident.verdict === verdict).length;
  const unjudged = await findUnjudged(db, run, condition, folded.attempts);
  const unlisted = (count: number, what: string): string | null =>
    count > MAX_LISTED ? `${count - MAX_LISTED} more ${what}` : null;
  const caveats = [
    folded.caveat,
    isJudged ? null : 'silences are not held against spikes',
    unlisted(all.length, 'incidents are counted but not listed'),
    unlisted(unjudged.length, 'ranges of steps whose values a policy let go are not listed'),
  ].filter((text) => text !== null);
  return {
    items: all.slice(0, MAX_LISTED),
    trueCount: count('true'),
    falseCount: count('false'),
    undecidedCount: count('too_early_to_say'),
    missedSpikes: (isJudged ? findMissed(incidents, inSight, horizon) : []).map(
      ({ id, onsetStep }) => ({
        ...{ runId, spikeId: id, onsetStep },
      }),
    ),
    run: {
      ...{ runId, stepCount: folded.stepCount },
      caveat: caveats.length === 0 ? null : caveats.join('; '),
      unjudged: unjudged.slice(0, MAX_LISTED),
    },
  };
}
