import { STAGE_THRESHOLDS } from '../../contract/stages';

const T = STAGE_THRESHOLDS;

const AFTER_STAGE: Readonly<Record<string, string>> = {
  healthy: 'Nothing is announced. A healthy layer moves on only if its gradients sink below ε.',
  gradients_vanish:
    'v follows the gradients below ε and the update collapses, unless gradients come back above 2 ε.',
  update_collapsed: `Gradients align, as nothing moves these weights any more. The sign to watch is a lag-1 cosine of ${T.correlatedCosine}.`,
  correlating:
    'r splits into two peaks (armed) while gradients stay aligned; they may also part again.',
  armed:
    'A jump of the gradient by a decade makes whole correlated steps of it, and the loss rises one step after. A layer may also disarm without a spike.',
  trigger: 'Explosion: u takes the two peaks of r while gradients grow, then D and R.',
  explosion: 'The loss rises, gradients lose their correlation (D), then the layer recovers.',
  decorrelating: 'Recovering, once the loss event closes.',
  recovering: `Healthy again after ${T.recoverySteps} steps.`,
  diverged: 'The loss settled above where it was; nothing brings it back by itself.',
  insufficient_data: 'What comes next is read from stages, and this layer has none.',
};

const WHILE_LABEL: Readonly<Record<string, string>> = {
  stale_v:
    'While v decays toward the gradients, steps grow; a spike is expected where they outgrow what the curvature stands.',
  oscillating_gradient:
    'The gradient turns round every step: steps are as long as the curvature stands. A longer one makes the loss grow.',
};

/** In words: what the theory expects of this layer after what is there now. */
export function describeLayerOutlook(stage: string, label: string | null): string {
  const ofLabel = label === null ? undefined : WHILE_LABEL[label];
  return ofLabel ?? AFTER_STAGE[stage] ?? 'The theory says nothing of this stage.';
}
