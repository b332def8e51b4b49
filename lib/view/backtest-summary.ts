/** What a rule would have done, put together from the tries on single runs. */
import type { AlertBacktestReply, BacktestIncident } from '../contract/alert-rules';
import { formatCount, formatStep } from './format-number';

export interface BacktestView {
  /** "7 times, 2 false" */
  readonly summary: string;
  /** What the numbers are of: "on 16 runs, 9 600 steps; 4 of 6 spikes found". */
  readonly detail: string;
  readonly incidents: readonly BacktestIncident[];
  readonly missed: AlertBacktestReply['missedSpikes'];
  /** Runs of which something could not be looked at, and why. */
  readonly caveats: readonly { readonly runId: string; readonly text: string }[];
}

const times = (count: number): string =>
  count === 1 ? 'Once' : count === 2 ? 'Twice' : `${formatCount(count)} times`;

function summarise(trueCount: number, falseCount: number, undecidedCount: number): string {
  const count = trueCount + falseCount + undecidedCount;
  if (count === 0) return 'Never';
  return [
    times(count),
    ...(falseCount > 0 || trueCount > 0
      ? [falseCount === 0 ? 'none false' : `${formatCount(falseCount)} false`]
      : []),
    ...(undecidedCount > 0 ? [`${formatCount(undecidedCount)} too early to say`] : []),
  ].join(', ');
}

/**
 * The tries of all runs as one: counts are sums, incidents stay in the order of the runs.
 *
 * Empty  "Never", on no runs
 */
export function prepareBacktest(replies: readonly AlertBacktestReply[]): BacktestView {
  const total = (read: (reply: AlertBacktestReply) => number): number =>
    replies.reduce((sum, reply) => sum + read(reply), 0);
  const incidents = replies.flatMap(({ items }) => items);
  const missed = replies.flatMap(({ missedSpikes }) => missedSpikes);
  const runs = replies.flatMap((reply) => reply.runs);
  const steps = runs.reduce((sum, { stepCount }) => sum + stepCount, 0);
  // Several incidents may announce one spike; an id names a spike within its run.
  const found = new Set(
    incidents.flatMap(({ runId, spikeId }) => (spikeId === null ? [] : [`${runId}/${spikeId}`])),
  );
  const spikes = found.size + missed.length;
  const where = `on ${formatCount(runs.length)} ${runs.length === 1 ? 'run' : 'runs'}, ${formatStep(steps)} steps`;
  return {
    summary: summarise(
      total(({ trueCount }) => trueCount),
      total(({ falseCount }) => falseCount),
      total(({ undecidedCount }) => undecidedCount),
    ),
    detail:
      spikes === 0
        ? `${where}, which had no spike`
        : `${where}; ${formatCount(found.size)} of ${formatCount(spikes)} spikes announced or told of`,
    incidents,
    missed,
    caveats: runs.flatMap(({ runId, caveat }) =>
      caveat === null ? [] : [{ runId, text: caveat }],
    ),
  };
}

/** "2 steps before", "with it", "9 steps after". */
export function describeLead(leadSteps: number | null): string | null {
  if (leadSteps === null) return null;
  if (leadSteps === 0) return 'with it';
  const count = Math.abs(leadSteps);
  const steps = `${formatStep(count)} ${count === 1 ? 'step' : 'steps'}`;
  return leadSteps > 0 ? `${steps} before` : `${steps} after`;
}

export const VERDICT_WORDS: Readonly<Record<BacktestIncident['verdict'], string>> = {
  true: 'true',
  false: 'false',
  too_early_to_say: 'too early to say',
};
