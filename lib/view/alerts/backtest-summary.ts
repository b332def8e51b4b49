/** What a rule would have done, put together from the tries on single runs. */
import type { AlertBacktestReply, BacktestIncident } from '../../contract/alert-rules';
import { formatCount, formatStep } from '../text/format-number';

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
    caveats: runs.flatMap(({ runId, caveat, unjudged }) => {
      const texts = [caveat, describeUnjudged(unjudged)].filter((text) => text !== null);
      return texts.length === 0 ? [] : [{ runId, text: texts.join('; ') }];
    }),
  };
}

/** Ranges that are named; the rest are counted. */
const NAMED_RANGES = 3;

/** "of steps 0 to 4 095 only rollups are left, and nothing could be found there"; null for nowhere. */
export function describeUnjudged(
  unjudged: AlertBacktestReply['runs'][number]['unjudged'],
): string | null {
  const severalAttempts = new Set(unjudged.map(({ attempt }) => attempt)).size > 1;
  const named = unjudged.slice(0, NAMED_RANGES).map(({ attempt, fromStep, toStep }) => {
    const steps = `${formatStep(fromStep)} to ${formatStep(toStep)}`;
    return severalAttempts ? `${steps} of attempt ${attempt}` : steps;
  });
  if (named.length === 0) return null;
  const more = unjudged.length - named.length;
  const all =
    more > 0 ? [...named, `${formatCount(more)} more ${more === 1 ? 'range' : 'ranges'}`] : named;
  return `of steps ${all.join(', ')} the project’s policy has left rollups alone, and nothing could be found there`;
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
