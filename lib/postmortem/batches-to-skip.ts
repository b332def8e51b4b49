/** The batches to leave out on the way back: from the first sign to the recovery. */
import type { Postmortem } from '../contract/postmortem';
import { formatStep } from '../view/text/format-number';
import { findBatchIds, type BatchIds } from './changes';
import type { PostmortemFacts } from './facts';
import { findFirstSign } from './rewind';

type Skip = NonNullable<Postmortem['skip']>;

export function rangeToSkip(facts: PostmortemFacts): { fromStep: number; toStep: number } {
  const { spike } = facts;
  if (spike.kind === 'outlier_batch') {
    return { fromStep: spike.onsetStep, toStep: spike.onsetStep };
  }
  const peak = spike.peakStep ?? spike.onsetStep;
  return { fromStep: findFirstSign(facts), toStep: Math.max(peak, spike.recoveredStep ?? peak) };
}

/** null where skipping batches makes no sense. */
export function findSkip(facts: PostmortemFacts): Skip | null {
  const found = findBatches(facts);
  if (found === null) return null;
  const { fromStep, toStep, batchIds, name } = found;
  const ids =
    batchIds.length === 0
      ? '; the run does not say which they were (post a scalar such as batch_id)'
      : `, ${name} ${describeIds(batchIds)}`;
  const text = `Where batches are skipped: ${stepsOf(found)}${ids}.`;
  return { fromStep, toStep, batchIds, text };
}

/** As a part of a sentence: "the batches of steps 551 to 553 (data_index 551 to 553)". */
export function nameBatches(facts: PostmortemFacts): string | null {
  const found = findBatches(facts);
  if (found === null) return null;
  const { batchIds, name } = found;
  return `${stepsOf(found)}${batchIds.length === 0 ? '' : ` (${name} ${describeIds(batchIds)})`}`;
}

interface Batches {
  readonly fromStep: number;
  readonly toStep: number;
  /** The scalar that names them; empty where the run posts none. */
  readonly name: string;
  readonly batchIds: number[];
}

function findBatches(facts: PostmortemFacts): Batches | null {
  const batch = findBatchIds(facts);
  if (facts.spike.kind === 'rms_spike' || batch?.isFixed === true) return null;
  const { fromStep, toStep } = rangeToSkip(facts);
  const batchIds = batch === null ? [] : idsWithin(facts, batch, fromStep, toStep);
  return { fromStep, toStep, batchIds, name: batch?.name ?? '' };
}

function idsWithin(
  { columns }: PostmortemFacts,
  { ids }: BatchIds,
  fromStep: number,
  toStep: number,
): number[] {
  const read = columns.steps.flatMap((step, at) => {
    const id = ids[at] ?? NaN;
    return step >= fromStep && step <= toStep && Number.isFinite(id) ? [id] : [];
  });
  return [...new Set(read)];
}

function stepsOf({ fromStep, toStep }: Batches): string {
  return fromStep === toStep
    ? `the batch of step ${formatStep(fromStep)}`
    : `the batches of steps ${formatStep(fromStep)} to ${formatStep(toStep)}`;
}

function describeIds(ids: readonly number[]): string {
  const first = ids[0];
  const last = ids.at(-1);
  if (first === undefined || last === undefined) return '';
  const isRange = ids.every((id, index) => id === first + index);
  if (ids.length > 2 && isRange) return `${first} to ${last}`;
  return ids.length <= 6
    ? ids.join(', ')
    : `${ids.slice(0, 6).join(', ')} and ${ids.length - 6} more`;
}
