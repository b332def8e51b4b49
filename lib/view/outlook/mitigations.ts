/**
 * What can be done about a run now: every known remedy with its precondition checked
 * against what the run reported, the numbers that decided, and what speaks against it.
 */
import { orderByStanding, type Mitigation } from './mitigation';
import { checkpointRewind, waitItOut } from './mitigations-after-spike';
import {
  clipUpdates,
  lengthenWarmUp,
  lowerBeta1,
  lowerBeta2,
  lowerEpsilon,
  lowerLearningRate,
  resetState,
  shrinkBatch,
} from './mitigations-of-optimizer';
import type { RunCondition } from './run-condition';

/** Those that change the optimizer or the batch, in the order in which they are told. */
const OF_OPTIMIZER: readonly ((condition: RunCondition) => Mitigation)[] = [
  clipUpdates,
  lowerBeta2,
  lowerLearningRate,
  lengthenWarmUp,
  lowerEpsilon,
  resetState,
  shrinkBatch,
  lowerBeta1,
];

export function judgeOptimizerRemedies(condition: RunCondition): Mitigation[] {
  return OF_OPTIMIZER.map((remedy) => remedy(condition));
}

/** All of them as they stand now, what is offered first. */
export function prepareMitigations(condition: RunCondition): Mitigation[] {
  return orderByStanding([
    waitItOut(condition),
    checkpointRewind(condition),
    ...judgeOptimizerRemedies(condition),
  ]);
}

/**
 * Whether a restart really changed the optimizer: some trainers load the old betas back
 * from the checkpoint. null for a run with one attempt.
 */
export function describeRestart({ attempts }: RunCondition): string | null {
  const [before, newest] = attempts.slice(-2);
  if (before === undefined || newest === undefined) return null;
  const changed = (['beta1', 'beta2', 'epsilon', 'weightDecay'] as const).filter(
    (name) => before.optimizer[name] !== newest.optimizer[name],
  );
  if (changed.length > 0) return null;
  return `Attempt ${newest.attempt} reports the same betas and ε as attempt ${before.attempt}: where a restart was meant to change them, see that the checkpoint did not bring the old ones back.`;
}
