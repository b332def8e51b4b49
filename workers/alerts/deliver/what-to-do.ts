import type { AlertConditionKind } from '../../../lib/contract/alert-rules';

const SAVE = 'Save a checkpoint now, while the weights are whole.';

/** What a person woken by this does first; the run page and the postmortem say more. */
const WHAT_TO_DO: Readonly<Record<AlertConditionKind, readonly string[]>> = {
  loss_spike: [
    'See whether the loss comes back: many spikes recover within some steps.',
    'If it does not, go back to the last checkpoint before the first sign and leave out the batches around it; the postmortem names both.',
  ],
  divergence: [
    'Stop the job before it writes over a good checkpoint.',
    'Go back to the last checkpoint before the first sign, with other batches or a lower learning rate; the postmortem says what moved first.',
  ],
  non_finite: [
    'Stop the job: what is not finite does not come back by itself.',
    'Keep the last good checkpoint from being written over.',
    'See on the run page which layer was the first.',
  ],
  rms_spike: [
    SAVE,
    'See on the run page which layers moved: updates larger than Adam allows may come before a loss spike.',
  ],
  stage: [
    SAVE,
    'See on the run page what these layers show, and which remedies apply to this run.',
  ],
  threshold: ['See on the run page where it left its usual course, and what else moved there.'],
  z_score: ['See on the run page where it left its usual course, and what else moved there.'],
  no_data: [
    'See whether the job still runs: ask the scheduler, and read its log.',
    'If it runs, see whether it still reaches this server: the log of its client says so.',
  ],
  curvature: [
    SAVE,
    'Consider a lower learning rate: the step is large for the curvature that the run page shows.',
  ],
};

export function whatToDoFirst(kind: AlertConditionKind): readonly string[] {
  return WHAT_TO_DO[kind];
}
