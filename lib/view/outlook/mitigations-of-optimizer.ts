/** Remedies that change the optimizer or the batch. */
import { isRmsLevelOutOfReach, RMS_SPIKE_LEVEL, rmsCap } from '../../stats/rms-cap';
import {
  formatFixed,
  formatNumber,
  formatPercent,
  formatSetting,
  formatStep,
} from '../text/format-number';
import type { Mitigation } from './mitigation';
import {
  countText,
  labelledLayers,
  largestOf,
  layersIn,
  lossSpikes,
  openLossSpike,
  RECENT_STEPS,
  recentRmsSpikes,
  TWO_PEAKS_DIP,
  type LayerFigures,
  type RunCondition,
} from './run-condition';

type Judgement = Pick<Mitigation, 'standing' | 'reason'>;
const offered = (reason: string): Judgement => ({ standing: 'offered', reason });
const notNow = (reason: string): Judgement => ({ standing: 'not_now', reason });
const unknown = (reason: string): Judgement => ({ standing: 'unknown', reason });

/** Share of coordinates below ε from which ε holds a layer's update down. */
const LARGE_SHARE = 0.5;
/** From this β2 on RMS and bursts are capped low enough. */
const LOW_BETA2 = 0.95;
/** A spike this share of the warm-up after its end still belongs to it. */
const WARM_UP_REACH = 0.5;

const isKnown = (values: readonly number[]): boolean => values.some(Number.isFinite);
const capOf = (beta2: number): string => formatNumber(rmsCap(beta2));

export function clipUpdates(condition: RunCondition): Mitigation {
  const judge = (): Judgement => {
    const { beta2 } = condition.optimizer;
    if (beta2 !== undefined && isRmsLevelOutOfReach(beta2)) {
      return notNow(`β2 ${formatSetting(beta2)} caps RMS at ${capOf(beta2)} by itself`);
    }
    const evidence = rmsEvidence(condition);
    if (evidence !== null) return offered(evidence);
    return isKnown(condition.figures.rms)
      ? notNow(`no RMS spike in the last ${RECENT_STEPS} steps`)
      : unknown('needs RMS_t per layer, which is not reported');
  };
  return {
    key: 'clip',
    title: 'Clip updates by RMS',
    ...judge(),
    caveat: 'Divides the learning rate of a tensor by max(1, RMS); slows the layers it holds.',
  };
}

export function lowerBeta2(condition: RunCondition): Mitigation {
  const judge = (): Judgement => {
    const { beta2 } = condition.optimizer;
    if (beta2 === undefined) return unknown('needs β2, which the run does not name');
    if (beta2 <= LOW_BETA2) return notNow(`β2 is ${formatSetting(beta2)} already`);
    const stale = labelledLayers(condition, 'stale_v').length;
    const evidence = [
      rmsEvidence(condition),
      stale === 0 ? null : `v of ${countText(stale, 'layer')} is stale`,
    ].filter((part) => part !== null);
    if (evidence.length > 0) {
      return offered(
        `${evidence.join('; ')}. From ${formatSetting(beta2)} to 0.95 caps RMS at ${capOf(LOW_BETA2)} instead of ${capOf(beta2)}`,
      );
    }
    return notNow('neither RMS spikes nor a stale v');
  };
  return {
    key: 'beta2',
    title: 'Lower β2',
    ...judge(),
    caveat: 'v then averages fewer steps and follows gradients faster; updates are noisier.',
  };
}

export function lowerLearningRate(condition: RunCondition): Mitigation {
  const { stability, schedule } = condition;
  const judge = (): Judgement => {
    const count = lossSpikes(condition).length;
    const late =
      schedule !== null && schedule.newest < schedule.peak / 2
        ? `; the rate is ${formatPercent(schedule.newest / schedule.peak)} of its peak, late in training`
        : '';
    if (stability !== null && stability.value > 1) {
      return offered(
        `the stability ratio was ${formatNumber(stability.value)} at ${formatStep(stability.step)}, its limit is 1`,
      );
    }
    if (count >= 2) return offered(`${countText(count, 'loss spike')} so far${late}`);
    if (stability === null) return unknown('needs the curvature, which is not reported');
    return notNow(
      `the stability ratio was ${formatNumber(stability.value)}, below 1, and spikes do not repeat`,
    );
  };
  return {
    key: 'learning_rate',
    title: 'Lower the learning rate',
    ...judge(),
    caveat: 'Slower training. OPT went down by 10 % and later more; IDEFICS by 25 %.',
  };
}

export function lengthenWarmUp(condition: RunCondition): Mitigation {
  const { schedule, stability, warnings } = condition;
  const judge = (): Judgement => {
    const end = schedule?.warmUpEndStep ?? null;
    const warned = warnings.findLast(({ kind }) => kind === 'warm_up_too_short');
    if (warned !== undefined) {
      return offered(
        `the stability ratio was ${formatNumber(warned.peakValue)} at ${formatStep(warned.peakStep)}, at the peak rate`,
      );
    }
    if (schedule === null) return unknown('needs the learning rate, which is not reported');
    if (end === null) return notNow('this run has no warm-up in what it reported');
    const spike = lossSpikes(condition).find(
      ({ onsetStep }) => Math.abs(onsetStep - end) <= Math.max(10, WARM_UP_REACH * end),
    );
    if (spike !== undefined) {
      return offered(
        `the spike at ${formatStep(spike.onsetStep)} came at the end of the warm-up (${formatStep(end)})`,
      );
    }
    const curvature =
      stability === null ? '' : `, and the stability ratio is ${formatNumber(stability.value)}`;
    return notNow(`no spike at the end of the warm-up (${formatStep(end)})${curvature}`);
  };
  return {
    key: 'warm_up',
    title: 'Longer warm-up or lower peak',
    ...judge(),
    caveat: 'For the next start: it cannot be changed for steps that are trained.',
  };
}

export function lowerEpsilon(condition: RunCondition): Mitigation {
  const { epsilon } = condition.optimizer;
  const judge = (): Judgement => {
    if (epsilon === 0) return notNow('ε is 0 already');
    const { belowEpsilon } = condition.figures;
    if (!isKnown(belowEpsilon)) return unknown('needs share √v < ε, which is not reported');
    const held = layersIn(condition, 'update_collapsed', 'correlating', 'armed').filter(
      ({ layer }) => (belowEpsilon[layer] ?? 0) >= LARGE_SHARE,
    );
    const largest = largestOf(belowEpsilon);
    if (held.length > 0) {
      const isArmed = held.some(({ stage }) => stage === 'armed');
      return offered(
        `ε ${formatSetting(epsilon ?? null)} holds ${countText(held.length, 'layer')} down${isArmed ? '; layers are armed, so reset the optimizer’s state with it' : ''}`,
      );
    }
    if (largest === null || largest.value < LARGE_SHARE) {
      return notNow('in no layer is half of √v below ε');
    }
    return notNow('no layer with √v below ε has collapsed');
  };
  return {
    key: 'epsilon',
    title: 'Lower ε',
    ...judge(),
    caveat:
      'Only prevents arming: in an armed layer it releases both peaks of r at once. 1e−8 is 0 in 16 bits. Raising ε is the opposite remedy, against curvature.',
  };
}

export function resetState(condition: RunCondition): Mitigation {
  const judge = (): Judgement => {
    const { ratioDip } = condition.figures;
    if (!isKnown(ratioDip)) return unknown('needs distributions of r, which are not reported');
    if (openLossSpike(condition) !== null) {
      return notNow('a spike is open; two peaks of r during a burst prove nothing');
    }
    const armed = layersIn(condition, 'armed').length;
    if (armed > 0)
      return offered(`${countText(armed, 'layer')} armed${mostPeaked(condition.figures)}`);
    const largest = largestOf(ratioDip);
    return notNow(
      largest !== null && largest.value >= TWO_PEAKS_DIP
        ? 'r has two peaks, but no layer is armed'
        : 'r has one peak in every layer',
    );
  };
  return {
    key: 'reset',
    title: 'Reset the optimizer’s state',
    ...judge(),
    caveat:
      'Needs a new warm-up of about 150 steps. A 104B run resumed with reset state still jumped from 2.67 to 4.37.',
  };
}

export function shrinkBatch(condition: RunCondition): Mitigation {
  const count = layersIn(condition, 'correlating', 'armed').length;
  const judge = (): Judgement => {
    if (condition.layers.length === 0) return unknown('needs stages, and no layer has one');
    return count > 0
      ? offered(`gradients are aligned in ${countText(count, 'layer')}`)
      : notNow('no layer is correlating or armed');
  };
  return {
    key: 'batch',
    title: 'Smaller batch',
    ...judge(),
    caveat: 'More variance parts aligned gradients; training is slower for it.',
  };
}

/** Hardly ever of use; named, so that nobody finds out by trying. */
export function lowerBeta1(condition: RunCondition): Mitigation {
  const { beta1 } = condition.optimizer;
  const limit = (beta: number) => formatNumber((2 + 2 * beta) / (1 - beta));
  return {
    key: 'beta1',
    title: 'Lower β1',
    standing: 'not_now',
    reason:
      beta1 === undefined || beta1 >= 1 || beta1 <= 0.8
        ? 'makes updates larger and the stability limit lower'
        : `from ${formatSetting(beta1)} to 0.8 the stability limit of η·λ falls from ${limit(beta1)} to ${limit(0.8)}`,
    caveat: 'The width of healthy updates rises with it.',
  };
}

function rmsEvidence(condition: RunCondition): string | null {
  const { figures, layerNames } = condition;
  const now = largestOf(figures.rms);
  if (now !== null && now.value >= RMS_SPIKE_LEVEL) {
    return `RMS ${formatFixed(now.value, 2)} in ${layerNames[now.layer] ?? `layer ${now.layer}`}`;
  }
  const recent = recentRmsSpikes(condition);
  const last = recent.at(-1);
  return last === undefined
    ? null
    : `${countText(recent.length, 'RMS spike')} in the last ${RECENT_STEPS} steps, the last at ${formatStep(last.onsetStep)}`;
}

function mostPeaked({ ratioDip }: LayerFigures): string {
  const largest = largestOf(ratioDip);
  return largest === null ? '' : `, dip of r up to ${formatFixed(largest.value, 3)}`;
}
