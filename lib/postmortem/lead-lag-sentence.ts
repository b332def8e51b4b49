/** Whether the RMS spikes of a layer announce the loss spikes of this run. */
import type { Sentence } from '../contract/postmortem';
import { formatPercent } from '../view/text/format-number';
import { layerName, riseOf, type PostmortemFacts } from './facts';
import { plural } from './words';

/** A tail above this, times the layers that could have shown it, is no finding. */
const RARE = 0.05;

/** null where no loss spike was seen, or RMS was never reported. */
export function describeLeadLag(facts: PostmortemFacts): Sentence | null {
  const { leadLag, spike } = facts;
  const best = leadLag.toSorted((a, b) => a.tail - b.tail)[0];
  if (best === undefined || best.lossSpikeCount === 0) return null;
  const { precededCount, lossSpikeCount, chance, tail, layer } = best;
  const evidence = [
    {
      ...{ metric: 'rms_lead_lag_tail', layer, attempt: spike.attempt },
      step: riseOf(spike),
      value: tail,
    },
  ];
  const tests = leadLag.length;
  // As many tries as layers: the smallest of many tails is small by chance.
  const corrected = Math.min(1, tail * tests);
  const name = layerName(facts, layer);
  const counted = `RMS spikes of ${name} come 1 to 8 steps before ${precededCount} of ${plural(lossSpikeCount, 'loss spike')} of this run`;
  if (precededCount === 0) {
    return {
      kind: 'lead_lag',
      text: 'No layer’s RMS spikes come 1 to 8 steps before the loss spikes of this run.',
      evidence,
    };
  }
  const odds = `${formatPercent(chance)} of all steps lie so soon after one, and by chance one of ${plural(tests, 'layer')} would do as well in up to ${formatPercent(corrected)} of such runs`;
  return {
    kind: 'lead_lag',
    text: `${counted}; ${odds}${corrected > RARE ? ', so this says little' : ''}.`,
    evidence,
  };
}
