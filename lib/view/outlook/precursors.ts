/** In words: what is known to come before loss spikes, as far as it is there now. */
import { isRmsLevelOutOfReach, RMS_SPIKE_LEVEL, rmsCap } from '../../stats/rms-cap';
import { formatFixed, formatNumber, formatSetting, formatStep } from '../text/format-number';
import {
  countText,
  labelledLayers,
  largestOf,
  layersIn,
  openLossSpike,
  recentRmsSpikes,
  STALE_RMS,
  TWO_PEAKS_DIP,
  type RunCondition,
} from './run-condition';

/** An RMS spike this far back has led to what it could: leads are 1 to 8 steps. */
const LEAD_STEPS = 10;

/**
 * What no precursor can show in this run, since its β2 holds RMS below the level of a spike;
 * null where RMS can get there, is not reported or its β2 is not known.
 */
export function describeRmsReach({ figures, optimizer }: RunCondition): string | null {
  const { beta2 } = optimizer;
  const cap = rmsCap(beta2);
  if (cap === null || !isRmsLevelOutOfReach(beta2)) return null;
  if (!figures.rms.some(Number.isFinite)) return null;
  return `β2 ${formatSetting(beta2 ?? null)} caps RMS at ${formatFixed(cap, 2)}, below the ${RMS_SPIKE_LEVEL} of a spike: only an RMS far above a layer’s own past can tell of one.`;
}

/** One sentence each, the nearest to a spike first; empty when nothing known is there. */
export function describePrecursors(condition: RunCondition): string[] {
  const { figures, layerNames, newestStep, stability, tenfoldCount } = condition;
  const nameOf = (layer: number) => layerNames[layer] ?? `layer ${layer}`;
  const found: string[] = [];
  const isInSpike = openLossSpike(condition) !== null;

  const triggered = layersIn(condition, 'trigger');
  if (triggered.length > 0) {
    const first = Math.min(...triggered.map(({ fromStep }) => fromStep));
    found.push(
      `The gradient jumped by a decade at ${formatStep(first)} in ${countText(triggered.length, 'layer')} that had collapsed.`,
    );
  }
  const rms = largestOf(figures.rms);
  const recent = recentRmsSpikes(condition).filter(
    ({ onsetStep }) => newestStep - onsetStep <= LEAD_STEPS,
  );
  if (rms !== null && rms.value >= RMS_SPIKE_LEVEL) {
    found.push(
      `RMS is ${formatFixed(rms.value, 2)} in ${nameOf(rms.layer)}; a spike is ${RMS_SPIKE_LEVEL} or more.`,
    );
  } else if (recent.length > 0 && !isInSpike) {
    const last = recent.at(-1)?.onsetStep ?? newestStep;
    found.push(
      `RMS spiked at ${formatStep(last)}, ${countText(newestStep - last, 'step')} ago; losses follow within 8 where they do.`,
    );
  }
  const dip = largestOf(figures.ratioDip);
  if (!isInSpike && dip !== null && dip.value >= TWO_PEAKS_DIP) {
    const count = figures.ratioDip.filter((value) => value >= TWO_PEAKS_DIP).length;
    found.push(
      `r has two peaks in ${countText(count, 'layer')}, most in ${nameOf(dip.layer)} (dip ${formatFixed(dip.value, 3)}).`,
    );
  }
  if (!isInSpike && tenfoldCount !== null && tenfoldCount > 0) {
    found.push(`The gradient norm is ten times its median in ${countText(tenfoldCount, 'layer')}.`);
  }
  if (stability !== null && stability.value > 1) {
    found.push(
      `The stability ratio was ${formatNumber(stability.value)} at ${formatStep(stability.step)}, beyond its limit of 1.`,
    );
  }
  const correlating = layersIn(condition, 'correlating').length;
  if (correlating > 0) {
    found.push(`Gradients of ${countText(correlating, 'layer')} point the same way step by step.`);
  }
  const collapsed = layersIn(condition, 'update_collapsed').length;
  if (collapsed > 0) {
    found.push(`Updates of ${countText(collapsed, 'layer')} have collapsed below ε.`);
  }
  const low = figures.rms.filter((value) => value < STALE_RMS).length;
  const stale = labelledLayers(condition, 'stale_v').length;
  if (stale > 0 || low > 0) {
    found.push(
      `v remembers larger gradients: ${stale > 0 ? `in ${countText(stale, 'layer')} u and r are both near 0` : `RMS is below ${STALE_RMS} in ${low} of ${countText(figures.rms.filter(Number.isFinite).length, 'layer')}`}.`,
    );
  }
  return found;
}
