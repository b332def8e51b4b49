/** One fold for each kind of condition; a new kind does not compile until it has one. */
import { assertNever } from '../contract/app-error';
import type { AlertCondition } from '../contract/alert-rules';
import { foldFindings, SPIKE_NEEDS, WARNING_NEEDS } from './findings';
import { CLOCK_NEEDS, foldNoData, type SilenceFold } from './no-data';
import { foldNonFinite, NON_FINITE_NEEDS } from './non-finite';
import { foldRmsSpike, RMS_SPIKE_NEEDS } from './rms-spike';
import type { FoldContext, FoldNeeds, RuleFold } from './rule-fold';
import { foldStage, STAGE_NEEDS } from './stage';
import { foldThreshold, thresholdNeeds } from './threshold';
import { foldZScore, zScoreNeeds } from './z-score';

/**
 * The fold of a condition, from what an earlier one saved or, with null, from nothing. Throws
 * on a state that it did not save.
 */
export function foldRule(
  condition: AlertCondition,
  context: FoldContext,
  saved: unknown,
): RuleFold | SilenceFold {
  switch (condition.kind) {
    case 'loss_spike':
    case 'divergence':
    case 'curvature':
      return foldFindings(condition, context, saved);
    case 'non_finite':
      return foldNonFinite(condition, context, saved);
    case 'rms_spike':
      return foldRmsSpike(condition, context, saved);
    case 'stage':
      return foldStage(condition, context, saved);
    case 'threshold':
      return foldThreshold(condition, context, saved);
    case 'z_score':
      return foldZScore(condition, context, saved);
    case 'no_data':
      return foldNoData(condition, saved);
    default:
      return assertNever(condition);
  }
}

/** What has to be read for it. */
export function needsOf(condition: AlertCondition): FoldNeeds {
  switch (condition.kind) {
    case 'loss_spike':
    case 'divergence':
      return SPIKE_NEEDS;
    case 'curvature':
      return WARNING_NEEDS;
    case 'non_finite':
      return NON_FINITE_NEEDS;
    case 'rms_spike':
      return RMS_SPIKE_NEEDS;
    case 'stage':
      return STAGE_NEEDS;
    case 'threshold':
      return thresholdNeeds(condition);
    case 'z_score':
      return zScoreNeeds(condition);
    case 'no_data':
      return CLOCK_NEEDS;
    default:
      return assertNever(condition);
  }
}

/** What has to be read for all of them. */
export function mergeNeeds(all: readonly FoldNeeds[]): FoldNeeds {
  const some = (read: (needs: FoldNeeds) => boolean): boolean => all.some(read);
  return {
    scalars: [...new Set(all.flatMap(({ scalars }) => scalars))],
    layerMetrics: some(({ layerMetrics }) => layerMetrics === 'all')
      ? 'all'
      : [...new Set(all.flatMap(({ layerMetrics }) => layerMetrics))],
    stages: some(({ stages }) => stages),
    rmsSpikes: some(({ rmsSpikes }) => rmsSpikes),
    spikes: some(({ spikes }) => spikes),
    warnings: some(({ warnings }) => warnings),
    clock: some(({ clock }) => clock),
  };
}

/** Those that look at the clock. */
export function isSilenceFold(fold: RuleFold | SilenceFold): fold is SilenceFold {
  return 'look' in fold;
}
