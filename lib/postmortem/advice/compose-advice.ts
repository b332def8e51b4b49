/**
 * What a training loop may do now. Every item rests on what detectors found and on the
 * precondition of its remedy; it says what was seen, and never that one thing caused another.
 */
import { ADVICE_ACTIONS, type AdviceItem } from '../../contract/advice';
import type { AdviceDraft, AdviceFacts } from './advice-facts';
import { adviseKnownBatches, adviseNonFinite, adviseProbe, adviseRewind } from './after-the-loss';
import {
  adviseAtCurvature,
  adviseAtTrigger,
  adviseCheckpoint,
  adviseRepeated,
} from './before-the-loss';
import { adviseClipping, adviseEpsilon, adviseReset } from './of-the-optimizer';
import { toSituation } from './situation';

const SEVERITIES = ['page', 'warn', 'note'] as const;

/** The most urgent first. What the job has said that it did, by an event of the item's id, is left out. */
export function composeAdvice(facts: AdviceFacts): AdviceItem[] {
  const done = new Set(facts.events.map(({ id }) => id));
  return draftAdvice(facts)
    .map((draft) => toItem(facts, draft))
    .filter(({ id }) => !done.has(id))
    .toSorted(
      (a, b) =>
        SEVERITIES.indexOf(a.severity) - SEVERITIES.indexOf(b.severity) ||
        ADVICE_ACTIONS.indexOf(a.action) - ADVICE_ACTIONS.indexOf(b.action) ||
        a.sinceStep - b.sinceStep,
    );
}

function draftAdvice(facts: AdviceFacts): AdviceDraft[] {
  const situation = toSituation(facts);
  const gone = adviseNonFinite(situation);
  if (gone !== null) return [gone];
  return [
    adviseRewind(situation),
    adviseProbe(situation),
    ...adviseKnownBatches(situation),
    adviseCheckpoint(situation),
    adviseAtTrigger(situation),
    ...adviseAtCurvature(situation),
    adviseRepeated(situation),
    adviseClipping(situation),
    ...adviseReset(situation),
    adviseEpsilon(situation),
  ].filter((draft) => draft !== null);
}

function toItem(facts: AdviceFacts, { key, ...draft }: AdviceDraft): AdviceItem {
  const { attempt, incidents } = facts;
  const spikeId = draft.spikeId ?? null;
  return {
    id: `${attempt}-${draft.action}-${key}`,
    layers: [],
    factor: null,
    value: null,
    forSteps: null,
    checkpointStep: null,
    skipSteps: null,
    incidentId: spikeId === null ? null : (incidents.get(spikeId) ?? null),
    ...draft,
    spikeId,
  };
}
