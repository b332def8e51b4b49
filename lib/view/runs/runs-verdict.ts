import type { RunStatus, RunSummary } from '../../contract/runs';
import { formatAge, formatStep } from '../text/format-number';
import { shortenName } from '../text/shorten-name';
import { prepareRunStatus, type RunStatusKind } from './run-status';

/** The one sentence above the runs and the one below it, all of it from data. */
export interface RunsVerdict {
  /** What asks for someone now; null where nothing does. */
  readonly alarm: {
    readonly kind: 'loss_spike' | 'divergence';
    readonly words: string;
    readonly runId: string;
  } | null;
  /** The run that failed last and not long ago, where the sentence is about it. */
  readonly failedRunId: string | null;
  readonly sentence: string;
  readonly detail: string | null;
  readonly liveCount: number;
}

const MOST_NAMED = 3;
/** Who comes in the morning should read of what failed in the night. */
const NEWS_MS = 12 * 3600 * 1000;
const NUMBER_WORDS = ['no', 'one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine'];

function countWord(count: number): string {
  return NUMBER_WORDS[count] ?? String(count);
}

function capitalise(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function joinNames(names: readonly string[]): string {
  const shown = names.slice(0, MOST_NAMED).map(shortenName);
  const more = names.length - shown.length;
  if (more > 0) return `${shown.join(', ')} and ${countWord(more)} more`;
  const last = shown.at(-1) ?? '';
  return shown.length < 2 ? last : `${shown.slice(0, -1).join(', ')} and ${last}`;
}

/** Ages in a sentence are spelt out: "14 minutes". */
export function spellAge(ageMs: number): string {
  const [amount = '', unit = ''] = formatAge(ageMs).split(' ');
  const whole = unit === 's' ? String(Math.round(Number(amount))) : amount;
  const names: Readonly<Record<string, string>> = {
    s: 'second',
    min: 'minute',
    h: 'hour',
    d: 'day',
    y: 'year',
  };
  return `${whole} ${names[unit] ?? unit}${whole === '1' ? '' : 's'}`;
}

/** What the verdict is about, filters aside. */
export interface RunsOverview {
  /** Those that run, all of them or the first few hundred. */
  readonly running: readonly RunSummary[];
  /** Those that failed, as far as they are here. */
  readonly failed: readonly RunSummary[];
  readonly total: number;
  readonly statuses: Readonly<Partial<Record<RunStatus, number>>>;
}

/**
 * The verdict over all runs: what needs someone, else what failed lately, else how many are
 * live; then who has fallen silent, then how the others ended.
 *
 * Empty  a sentence that says that there are no runs
 */
export function prepareRunsVerdict(
  { running, failed, total, statuses }: RunsOverview,
  nowMs: number,
): RunsVerdict {
  const withStatus = running.map((run) => ({ run, status: prepareRunStatus(run, nowMs) }));
  const ofKind = (kind: RunStatusKind) => withStatus.filter(({ status }) => status.kind === kind);
  const live = ofKind('live');
  // Of very many running runs only the first are here.
  const isPartial = (statuses.running ?? 0) > running.length;
  const sentence = describeLive(live.length, total, isPartial);
  const diverged = withStatus.filter(
    ({ run }) => run.status === 'running' && run.isLastLossNonFinite,
  );
  const spiking = withStatus.filter(
    ({ run }) => run.status === 'running' && countOpen(run) > 0 && !run.isLastLossNonFinite,
  );
  const needing = [...diverged, ...spiking].map(({ run }) => run);
  const first = needing[0];
  const news = describeFailed(failed, nowMs);
  const others = describeOthers(withStatus, statuses);
  const liveCount = live.length;
  if (first === undefined && news !== null) {
    const detail = joinSentences([sentence, others]);
    return { alarm: null, failedRunId: news.runId, sentence: news.sentence, detail, liveCount };
  }
  if (first === undefined) {
    return { alarm: null, failedRunId: null, sentence, detail: others, liveCount };
  }
  const what = [
    ...diverged.map(({ run }) => `${shortenName(run.name)}: loss is NaN`),
    ...spiking.map(({ run }) => `${shortenName(run.name)}: ${describeSpikes(run)}`),
  ];
  const more = what.length - MOST_NAMED;
  return {
    alarm: {
      kind: diverged.length > 0 ? 'divergence' : 'loss_spike',
      words: `${capitalise(countWord(needing.length))} ${needing.length === 1 ? 'run needs' : 'runs need'} you.`,
      runId: first.id,
    },
    sentence: `${what.slice(0, MOST_NAMED).join('; ')}${more > 0 ? `; ${countWord(more)} more` : ''}.`,
    failedRunId: null,
    detail: joinSentences([news?.sentence ?? null, sentence, others]),
    liveCount,
  };
}

function joinSentences(sentences: readonly (string | null)[]): string {
  return sentences.filter((sentence) => sentence !== null).join(' ');
}

/** Who failed lately, the last one first; null where nobody did. */
function describeFailed(
  failed: readonly RunSummary[],
  nowMs: number,
): { readonly runId: string; readonly sentence: string } | null {
  const lately = failed
    .map((run) => ({ run, ageMs: nowMs - Date.parse(run.finishedAt ?? '') }))
    .filter(({ ageMs }) => ageMs <= NEWS_MS)
    .sort((a, b) => a.ageMs - b.ageMs);
  const [last] = lately;
  if (last === undefined) return null;
  const { run, ageMs } = last;
  const ago = `${spellAge(Math.max(0, ageMs))} ago`;
  if (lately.length > 1) {
    const names = joinNames(lately.map(({ run: one }) => one.name));
    return { runId: run.id, sentence: `${names} failed, the last one ${ago}.` };
  }
  const where =
    run.lastStep === null ? 'before its first step' : `at step ${formatStep(run.lastStep)}`;
  return { runId: run.id, sentence: `${shortenName(run.name)} failed ${where}, ${ago}.` };
}

/** What a restart left behind needs nobody any more. */
const countOpen = ({ openSpikeCount, neverRecoveredCount }: RunSummary): number =>
  openSpikeCount - neverRecoveredCount;

function describeSpikes(run: RunSummary): string {
  const { openSpike } = run;
  const openSpikeCount = countOpen(run);
  const since = openSpike === null ? '' : ` since step ${formatStep(openSpike.onsetStep)}`;
  if (openSpikeCount === 1) {
    return `${openSpike?.kind === 'divergence' ? 'divergence' : 'loss spike'} open${since}`;
  }
  const newest = openSpike === null ? '' : `, the newest${since}`;
  return `${countWord(openSpikeCount)} spikes are open${newest}`;
}

function describeLive(liveCount: number, total: number, isPartial: boolean): string {
  if (total === 0) return 'No runs yet.';
  if (liveCount === 0) return 'No run is live.';
  const count = isPartial ? `At least ${countWord(liveCount)}` : capitalise(countWord(liveCount));
  return `${count} ${liveCount === 1 ? 'run is' : 'runs are'} live.`;
}

function describeOthers(
  runs: readonly { run: RunSummary; status: ReturnType<typeof prepareRunStatus> }[],
  statuses: RunsOverview['statuses'],
): string | null {
  const named = (kind: RunStatusKind) =>
    runs.filter(({ status }) => status.kind === kind).map(({ run }) => run.name);
  const sentences: string[] = [];
  const stale = runs.filter(({ status }) => status.kind === 'stale');
  const [only] = stale;
  if (stale.length === 1 && only !== undefined) {
    sentences.push(
      `${shortenName(only.run.name)} has sent nothing for ${spellAge(only.status.ageMs ?? 0)}.`,
    );
  } else if (stale.length > 1) {
    const longest = Math.max(...stale.map(({ status }) => status.ageMs ?? 0));
    sentences.push(
      `${joinNames(stale.map(({ run }) => run.name))} have gone silent, the longest for ${spellAge(longest)}.`,
    );
  }
  const waiting = named('waiting');
  if (waiting.length > 0) {
    sentences.push(`${joinNames(waiting)} ${waiting.length === 1 ? 'has' : 'have'} no frames yet.`);
  }
  const ended = (['finished', 'failed', 'stopped'] as const)
    .map((kind) => ({ kind, count: statuses[kind] ?? 0 }))
    .filter(({ count }) => count > 0)
    .map(({ kind, count }) => `${countWord(count)} ${kind}`);
  if (ended.length > 0) sentences.push(`${capitalise(joinParts(ended))}.`);
  return sentences.length === 0 ? null : sentences.join(' ');
}

function joinParts(parts: readonly string[]): string {
  const last = parts.at(-1) ?? '';
  return parts.length < 2 ? last : `${parts.slice(0, -1).join(', ')} and ${last}`;
}
