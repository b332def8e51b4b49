/** In words: what the theory expects after what is there now. */
import { formatStep } from '../text/format-number';
import {
  countText,
  FAST_STEPS,
  labelledLayers,
  layersIn,
  lossSpikes,
  openLossSpike,
  STALE_RMS,
  type RunCondition,
} from './run-condition';

/** Two or three sentences, always; what cannot be told is said. */
export function describeExpectation(condition: RunCondition): string {
  if (condition.isLossNonFinite) {
    return 'The loss is not finite: training does not come back from this by itself.';
  }
  const open = openLossSpike(condition);
  if (open !== null) return describeOpenSpike(condition, open.onsetStep);
  if (condition.layers.length === 0) {
    const low = condition.figures.rms.filter((value) => value < STALE_RMS).length;
    if (low > 0) {
      return `Without stages only this can be told: v of ${countText(low, 'layer')} decays toward smaller gradients, so steps grow; a spike is expected where they outgrow what the curvature stands.`;
    }
    return 'What comes next is read from stages, and no layer could be placed in one.';
  }
  const inStage = (stage: string) => layersIn(condition, stage).length;
  const triggered = inStage('trigger') + inStage('explosion');
  if (triggered > 0) {
    return `The theory expects the loss to rise on the next step: ${countText(triggered, 'layer')} took full steps in one direction.`;
  }
  const armed = inStage('armed');
  if (armed > 0) {
    return `Armed: in ${countText(armed, 'layer')} r has two peaks that ε still holds down. The theory expects full-sized correlated updates once the gradient jumps, and the loss one step after. A layer may also disarm without a spike.`;
  }
  const correlating = inStage('correlating');
  if (correlating > 0) {
    return `The theory expects r of ${countText(correlating, 'layer')} to split into two peaks (armed) while their gradients stay aligned; they may also part again.`;
  }
  const collapsed = inStage('update_collapsed');
  if (collapsed > 0) {
    return `The theory expects gradients of ${countText(collapsed, 'layer')} to align next, as nothing moves these weights. The sign to watch is a lag-1 cosine of 0.05.`;
  }
  const vanishing = inStage('gradients_vanish');
  if (vanishing > 0) {
    return `The theory expects √v of ${countText(vanishing, 'layer')} to sink below ε and the update to collapse, unless gradients come back above ε.`;
  }
  const returning = inStage('recovering') + inStage('decorrelating');
  if (returning > 0) return describeReturn(condition, returning);
  const diverged = inStage('diverged');
  if (diverged > 0) {
    return `${countText(diverged, 'layer')} never came back from the last spike: the loss settled above where it was.`;
  }
  const stale = labelledLayers(condition, 'stale_v').length;
  if (stale > 0) {
    return `ε has no part in the small updates of ${countText(stale, 'layer')}. While v decays toward the gradients, the step size grows; a spike is expected where it outgrows what the curvature stands.`;
  }
  return 'Nothing is under way. The theory’s way to a spike begins with gradients below ε.';
}

function describeOpenSpike(condition: RunCondition, onsetStep: number): string {
  const still = layersIn(condition, 'trigger', 'explosion').length;
  const peaks =
    condition.layers.length === 0
      ? ''
      : still === 0
        ? 'r is one-peaked again in every layer. '
        : `r still has two peaks in ${countText(still, 'layer')}: the loss goes on rising until they part. `;
  const last = lossSpikes(condition).findLast(({ recoveredStep }) => recoveredStep !== null);
  const before =
    last?.recoveredStep == null
      ? ''
      : `; the last spike needed ${countText(last.recoveredStep - last.onsetStep, 'step')}`;
  const until = onsetStep + FAST_STEPS;
  const look =
    condition.newestStep <= until
      ? `Look again if it is open at step ${formatStep(until)}.`
      : `It is open for ${countText(condition.newestStep - onsetStep, 'step')}, longer than a fast one.`;
  return `${peaks}The theory expects the loss to fall back${before}. ${look}`;
}

function describeReturn(condition: RunCondition, count: number): string {
  const last = lossSpikes(condition).at(-1);
  const since =
    last?.recoveredStep == null
      ? ''
      : ` since the loss recovered at ${formatStep(last.recoveredStep)}`;
  return `${countText(count, 'layer')} on the way back${since}. The theory expects them healthy 30 to 50 steps after the loss; spikes often come again while what led to the last one stays.`;
}
