import type { RunSummary } from '../../contract/runs';
import { STANDARD_METRICS } from '../../contract/standard-metrics';
import { formatCount } from '../text/format-number';

/** What the column "worst stage" says of a run: a stage, or why there is none. */
export type WorstStageView =
  | {
      readonly kind: 'stage';
      readonly stage: string;
      /** "44 of 69": the layers in it, or those known at all; null where it is all of them. */
      readonly detail: string | null;
    }
  | { readonly kind: 'words'; readonly words: string; readonly title: string | null };

const UNKNOWN = 'insufficient_data';

/**
 * A run without layers has no stages. One whose layers cannot be placed says what it does
 * not report, because that is what somebody can change; spikes are found without it.
 */
export function prepareWorstStage(
  run: Pick<
    RunSummary,
    'layerCount' | 'lastStep' | 'worstStage' | 'layersByStage' | 'missingStageInputs'
  >,
): WorstStageView {
  const { layerCount, lastStep, worstStage, layersByStage, missingStageInputs } = run;
  if (layerCount === 0) return { kind: 'words', words: 'no layers', title: null };
  if (worstStage !== null && worstStage !== UNKNOWN) {
    return { kind: 'stage', stage: worstStage, detail: describeLayers(worstStage, run) };
  }
  const layers = `${formatCount(layerCount)} ${layerCount === 1 ? 'layer' : 'layers'}`;
  if (lastStep === null) return { kind: 'words', words: layers, title: null };
  if (missingStageInputs.length > 0) return describeMissing(missingStageInputs);
  if (layersByStage[UNKNOWN] === undefined) return { kind: 'words', words: layers, title: null };
  return {
    kind: 'words',
    words: 'not yet known',
    title: `None of ${layers} has reported enough to tell its stage.`,
  };
}

function describeLayers(
  worstStage: string,
  { layersByStage, layerCount }: Pick<RunSummary, 'layersByStage' | 'layerCount'>,
): string | null {
  const unknown = layersByStage[UNKNOWN] ?? 0;
  const known = Object.values(layersByStage).reduce((sum, count) => sum + count, 0) - unknown;
  if (worstStage === 'healthy') {
    return unknown === 0 ? null : `known of ${formatCount(known)} of ${formatCount(layerCount)}`;
  }
  return `${formatCount(layersByStage[worstStage] ?? 0)} of ${formatCount(layerCount)}`;
}

function describeMissing(inputs: readonly string[]): WorstStageView {
  const [first = ''] = inputs;
  return {
    kind: 'words',
    words: inputs.length === 1 ? `needs ${shortName(first)}` : `needs ${inputs.length} inputs`,
    title:
      `A stage is read from more than this run reports: it lacks ${inputs.join(', ')}. ` +
      'Spikes are found without.',
  };
}

const SETTINGS: Readonly<Record<string, string>> = { beta1: 'β₁', epsilon: 'ε' };

/** "share √v < ε", as the metric's label says it within a sentence. */
function shortName(input: string): string {
  const label = STANDARD_METRICS.find(({ name }) => name === input)?.label ?? input;
  return SETTINGS[input] ?? label.charAt(0).toLowerCase() + label.slice(1);
}
