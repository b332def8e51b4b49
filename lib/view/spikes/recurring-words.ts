/** Steps that several runs of one data order stumble over, in words that do not make a cause of a chance. */
import type { DataOrder, RecurringBatch } from '../../contract/recurring-batches';
import { formatCount, formatNumber, formatStep } from '../text/format-number';
import { spikeKindWord } from './spike-facts';

/** Fewer such places than this are made by chance: then it is worth a look. */
export const RARE = 0.05;

export function describeOrder({ settings }: DataOrder): string {
  return Object.entries(settings)
    .map(([path, value]) => `${path} ${value}`)
    .join(', ');
}

/** What the places of one data order come to, and what chance would make of it. */
export function describeRecurrence({
  runs,
  itemCount,
  placeCount,
  pairCount,
  expectedPairs,
}: DataOrder): string {
  const ofRuns = `${formatCount(runs.length)} runs`;
  if (placeCount === 0) return `Nothing happened in these ${ofRuns}.`;
  const chance = `chance alone makes ${formatNumber(expectedPairs)}`;
  if (itemCount === 0) {
    return `Of ${formatCount(placeCount)} places with an event in ${ofRuns} none is shared; ${chance} pairs.`;
  }
  const places = `${formatCount(itemCount)} of ${formatCount(placeCount)} places`;
  return `${places} with an event are shared by two or more of ${ofRuns}: ${formatCount(pairCount)} pairs, where ${chance}.`;
}

export function describeSteps({ fromStep, toStep }: RecurringBatch): string {
  return fromStep === toStep
    ? formatStep(fromStep)
    : `${formatStep(fromStep)}–${formatStep(toStep)}`;
}

/** "2 outlier batches, 1 loss spike". */
export function describeEvents({ events }: RecurringBatch): string {
  const counts = new Map<RecurringBatch['events'][number]['kind'], number>();
  for (const { kind } of events) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  return Array.from(counts, ([kind, count]) => {
    const word = spikeKindWord(kind).toLowerCase();
    if (count === 1) return `1 ${word}`;
    return `${count} ${word}${word.endsWith('batch') ? 'es' : 's'}`;
  }).join(', ');
}

/** What to make of it: association, and only where chance does not make it. */
export function judgeRecurrence({ expected, isSameBatch }: RecurringBatch): string {
  if (isSameBatch === false) return 'other batches were read: not the data';
  if (expected >= 1) return 'chance makes as many';
  if (expected >= RARE) return 'may be chance';
  return isSameBatch === true ? 'the same batch each time' : 'rare by chance: look at the batch';
}

/** The ids that were posted: "12", "12 and 7"; "–" where none were. */
export function describeBatchIds({ events }: RecurringBatch): string {
  const ids = [...new Set(events.flatMap(({ batchId }) => (batchId === null ? [] : [batchId])))];
  return ids.length === 0 ? '–' : ids.map(String).join(', ');
}
