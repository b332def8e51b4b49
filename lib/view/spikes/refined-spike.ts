import type { Spike } from '../../contract/reads';

/**
 * The spike by its best dates: those of the second look where there is one and the loss
 * stands out in it, with leads counted from the rise it found. Else as it was told.
 */
export function refineSpike(spike: Spike): Spike {
  const seen = spike.reevaluation;
  if (seen === null || !seen.standsOut) return spike;
  const fromRise = <Mover extends { readonly step: number }>(movers: readonly Mover[]) =>
    movers
      .filter(({ step }) => step <= seen.riseStep)
      .map((mover) => ({ ...mover, leadSteps: seen.riseStep - mover.step }));
  return {
    ...spike,
    onsetStep: seen.onsetStep,
    riseStep: seen.riseStep,
    peakStep: seen.peakStep,
    peakValue: seen.peakValue,
    baseline: seen.baseline,
    recovery: seen.recovery,
    excessArea: seen.excessArea,
    levelShift: seen.levelShift,
    firstMovers: fromRise(spike.firstMovers),
    globalMovers: fromRise(spike.globalMovers),
  };
}
