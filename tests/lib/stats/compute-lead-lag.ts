import {
  LEAD_LAG_WINDOW,
  LeadLagCounter,
  type LeadLag,
  type LeadLagWindow,
  type WatchedSteps,
} from '@/lib/stats/lead-lag';

interface LeadLagInput {
  readonly rmsSpikeSteps: readonly number[];
  readonly lossSpikeSteps: readonly number[];
  readonly watched: readonly WatchedSteps[];
  readonly window?: LeadLagWindow;
}

/** The table of a layer whose RMS spikes are there all at once, in any order. */
export function computeLeadLag({
  rmsSpikeSteps,
  lossSpikeSteps,
  watched,
  window = LEAD_LAG_WINDOW,
}: LeadLagInput): LeadLag {
  const counter = new LeadLagCounter(lossSpikeSteps, watched, window);
  for (const step of [...rmsSpikeSteps].sort((a, b) => a - b)) counter.add(step);
  return counter.finish();
}
