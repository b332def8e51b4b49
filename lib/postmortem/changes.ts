/** What changed before the spike, as far as the job said: events, restarts, learning rate, batches. */
import type { Change, Evidence, Sentence } from '../contract/postmortem';
import type { Attempt } from '../contract/runs';
import { formatSetting, formatStep } from '../view/text/format-number';
import { columnAt, riseOf, scalarAt, type PostmortemFacts } from './facts';
import { nameList, plural } from './words';

/** Reported steps before the rise in which a change counts as one before the spike. */
const CHANGE_COLUMNS = 100;
/** A rate that moves more than this between two reports left its schedule. */
const RATE_JUMP = 0.02;
/** And more than this times what is usual for the schedule. */
const RATE_JUMP_OF_USUAL = 5;

const EVENT_WORDS = {
  checkpoint: 'checkpoint',
  batch_skip: 'batch skipped',
  learning_rate: 'learning rate',
  hyperparameter: 'setting',
  note: 'note',
} as const;

/** Scalars by which jobs name what a step read. */
const BATCH_NAME =
  /(^|[_./:-])(batch|data|shard|document|sample)s?[_-]?(id|ids|index|idx|hash|offset|start|number|no)$/i;

/** The first step that counts as just before. */
function changesFrom({ columns, spike }: PostmortemFacts): number {
  const rise = columnAt(columns, riseOf(spike));
  return columns.steps[Math.max(0, rise - CHANGE_COLUMNS)] ?? riseOf(spike);
}

/** By step. Events of attempts that were left before the spike are none of its past. */
export function findChanges(facts: PostmortemFacts): Change[] {
  const { spike, events, attempts } = facts;
  const rise = riseOf(spike);
  const from = changesFrom(facts);
  const changes: Change[] = events
    .filter((event) => event.step >= from && event.step <= rise && isInPast(facts, event))
    .map(({ attempt, kind, step, title }) => ({
      ...{ kind, attempt, step },
      text: `${EVENT_WORDS[kind]}: ${title}`,
    }));
  for (const { attempt, resumeFromStep } of attempts) {
    if (attempt === 1 || attempt > spike.attempt) continue;
    if (resumeFromStep < from || resumeFromStep > rise) continue;
    const text = `restart from ${formatStep(resumeFromStep)} as attempt ${attempt}`;
    changes.push({ kind: 'attempt', attempt, step: resumeFromStep, text });
  }
  changes.push(...findRateJumps(facts, from));
  return changes.sort((a, b) => a.step - b.step);
}

/** Whether a step of an attempt is on the way that led to the spike. */
export function isInPast(
  {
    attempts,
    spike,
  }: Pick<PostmortemFacts, 'spike'> & {
    readonly attempts: readonly Pick<Attempt, 'attempt' | 'resumeFromStep'>[];
  },
  { attempt, step }: { readonly attempt: number; readonly step: number },
): boolean {
  return (
    attempt <= spike.attempt &&
    attempts.every(
      (other) =>
        other.attempt <= attempt || other.attempt > spike.attempt || step <= other.resumeFromStep,
    )
  );
}

function findRateJumps({ columns, spike }: PostmortemFacts, from: number): Change[] {
  const rates = columns.scalars.get('learning_rate');
  if (rates === undefined) return [];
  const rise = riseOf(spike);
  const moves: RateMove[] = [];
  columns.steps.forEach((step, at) => {
    const before = rates[at - 1] ?? NaN;
    const after = rates[at] ?? NaN;
    if (!(before > 0) || !(after > 0) || step < from || step > rise) return;
    moves.push({ step, before, after, share: Math.abs(after / before - 1) });
  });
  const shares = moves.map(({ share }) => share).sort((a, b) => a - b);
  const usual = shares[shares.length >> 1] ?? 0;
  return joinClimbs(
    columns,
    moves.filter(({ share }) => share > RATE_JUMP),
  )
    .filter(({ share }) => share > RATE_JUMP_OF_USUAL * usual)
    .map(({ step, before, after }) => ({
      ...{ kind: 'reported_rate' as const, attempt: spike.attempt, step },
      text: `the reported learning rate went from ${formatSetting(before)} to ${formatSetting(after)}`,
    }));
}

interface RateMove {
  readonly step: number;
  readonly before: number;
  readonly after: number;
  /** The largest of its reports. */
  readonly share: number;
}

/** Moves on one reported step after the other, the same way, are one: a warm-up is no list of its steps. */
function joinClimbs(
  columns: PostmortemFacts['columns'],
  moves: readonly RateMove[],
): readonly RateMove[] {
  const joined: RateMove[] = [];
  for (const move of moves) {
    const last = joined.at(-1);
    const goesOn =
      last !== undefined &&
      columnAt(columns, move.step) === columnAt(columns, last.step) + 1 &&
      move.after > move.before === last.after > last.before;
    if (goesOn) {
      const share = Math.max(last.share, move.share);
      joined[joined.length - 1] = { ...move, before: last.before, share };
    } else joined.push(move);
  }
  return joined;
}

/** One sentence, always: what changed, or that nothing that was posted did. */
export function describeChanges(facts: PostmortemFacts, changes: readonly Change[]): Sentence {
  const { spike, columns } = facts;
  const from = changesFrom(facts);
  const rise = riseOf(spike);
  const rate = scalarAt(columns, 'learning_rate', rise);
  const evidence: Evidence[] = Number.isFinite(rate)
    ? [{ metric: 'learning_rate', layer: null, attempt: spike.attempt, step: rise, value: rate }]
    : [];
  const rateText = Number.isFinite(rate) ? `; the learning rate was ${formatSetting(rate)}` : '';
  // A checkpoint changes nothing.
  const real = changes.filter(({ kind }) => kind !== 'checkpoint' && kind !== 'note');
  if (real.length === 0) {
    return {
      kind: 'changes',
      text: `Nothing that was posted changed between ${formatStep(from)} and ${formatStep(rise)}${rateText}.`,
      evidence,
    };
  }
  const listed = real.slice(-4).map(({ step, text }) => `${text} (at ${formatStep(step)})`);
  // Said by the change itself.
  const tail = real.at(-1)?.text.endsWith(` ${formatSetting(rate)}`) === true ? '' : rateText;
  return {
    kind: 'changes',
    text: `Changed between ${formatStep(from)} and ${formatStep(rise)}: ${listed.join('; ')}${tail}.`,
    evidence: [
      ...evidence,
      ...real.slice(-4).map(({ kind, attempt, step }) => ({
        ...{ metric: `change:${kind}`, layer: null, attempt, step, value: null },
      })),
    ],
  };
}

export interface BatchIds {
  readonly name: string;
  /** The ids of the columns; NaN where none was posted. */
  readonly ids: Float64Array;
  /** Whether every step read the same batch. */
  readonly isFixed: boolean;
}

/** The scalar that names what each step read; null where the job posts none. */
export function findBatchIds({ columns }: PostmortemFacts): BatchIds | null {
  for (const [name, ids] of columns.scalars) {
    if (!isBatchName(name)) continue;
    const known = [...ids].filter(Number.isFinite);
    if (known.length === 0) continue;
    return { name, ids, isFixed: known.length > 1 && new Set(known).size === 1 };
  }
  return null;
}

export function isBatchName(name: string): boolean {
  return BATCH_NAME.test(name);
}

/** Which batch it was; null where the job does not say. */
export function describeBatch(facts: PostmortemFacts): Sentence | null {
  const batch = findBatchIds(facts);
  if (batch === null) return null;
  const { spike, columns } = facts;
  const { onsetStep, attempt } = spike;
  const id = scalarAt(columns, batch.name, onsetStep);
  if (!Number.isFinite(id)) return null;
  const evidence = [{ metric: batch.name, layer: null, attempt, step: onsetStep, value: id }];
  if (batch.isFixed) {
    const text = `Every step around it read the same batch (${batch.name} ${String(id)}): the data did not change.`;
    return { kind: 'batch', text, evidence };
  }
  const again = columns.steps.filter(
    (step, at) => step !== onsetStep && batch.ids[at] === id && isQuietAt(facts, step),
  );
  const text = `Step ${formatStep(onsetStep)} read ${batch.name} ${String(id)}`;
  if (again.length === 0) return { kind: 'batch', text: `${text}.`, evidence };
  const steps = nameList(again.slice(0, 3).map(formatStep), 3);
  return {
    kind: 'batch',
    text: `${text}, which was read ${plural(again.length, 'more time')} without a spike (at ${steps}): that batch alone does not make one.`,
    evidence: [
      ...evidence,
      ...again
        .slice(0, 3)
        .map((step) => ({ metric: batch.name, layer: null, attempt, step, value: id })),
    ],
  };
}

function isQuietAt({ spikes, spike }: PostmortemFacts, step: number): boolean {
  return !spikes.some(
    ({ attempt, kind, onsetStep, recoveredStep }) =>
      attempt === spike.attempt &&
      kind !== 'rms_spike' &&
      step >= onsetStep &&
      step <= (recoveredStep ?? Infinity),
  );
}
