import { STAGES_BY_SEVERITY, STAGE_NAMES } from '../../contract/stages';
import type { LayerChanges } from './layer-changes';
import type { LayerNow } from './run-condition';
import { stageLabel } from '../stages/stage-label';

/** One layer that is on the paper's way to a spike, in one, or on the way back. */
export interface AtRiskRow {
  readonly layer: number;
  readonly name: string;
  readonly stage: string;
  readonly letter: string | null;
  readonly word: string;
  /** What the stage machine adds, in words; null where nothing. */
  readonly note: string | null;
  /** Steps in this stage, the newest included. */
  readonly steps: number;
  /** Newest RMS_t; null where not known. */
  readonly rms: number | null;
  /** The last reported gradient norms, oldest first. */
  readonly recent: readonly (number | null)[];
}

export interface AtRiskView {
  /** The worst stage first; within one who is in it longest first. */
  readonly rows: readonly AtRiskRow[];
  readonly healthyCount: number;
  /** Layers that lack what a stage is read from. */
  readonly unknownCount: number;
  /** Layers with a side label, by its meaning: "v remembers…" of 29. */
  readonly notes: readonly { readonly meaning: string; readonly count: number }[];
}

const severityOf = (stage: string): number =>
  STAGES_BY_SEVERITY.findIndex((known) => known === stage);

/** Layers by stage and by time in it. */
export function prepareAtRisk(
  layers: readonly LayerNow[],
  newestStep: number,
  layerNames: readonly string[],
  rms: readonly number[],
  changes: LayerChanges | null,
): AtRiskView {
  const recentOf = new Map(changes?.items.map(({ layer, recent }) => [layer, recent]));
  const rows = layers
    .filter(({ stage }) => stage !== 'healthy' && stage !== 'insufficient_data')
    .map(({ layer, stage, meaning, fromStep }): AtRiskRow => {
      const value = rms[layer] ?? NaN;
      return {
        layer,
        name: layerNames[layer] ?? `layer ${layer}`,
        stage,
        ...stageLabel(stage),
        note: meaning,
        steps: Math.max(1, newestStep - fromStep + 1),
        rms: Number.isFinite(value) ? value : null,
        recent: recentOf.get(layer) ?? [],
      };
    })
    .sort(
      (a, b) => severityOf(b.stage) - severityOf(a.stage) || b.steps - a.steps || a.layer - b.layer,
    );
  const counts = new Map<string, number>();
  for (const { meaning } of layers) {
    if (meaning !== null) counts.set(meaning, (counts.get(meaning) ?? 0) + 1);
  }
  return {
    rows,
    healthyCount: layers.filter(({ stage }) => stage === 'healthy').length,
    unknownCount: layers.filter(({ stage }) => stage === 'insufficient_data').length,
    notes: [...counts]
      .map(([meaning, count]) => ({ meaning, count }))
      .sort((a, b) => b.count - a.count),
  };
}

/** [L] the stage of each layer as its index in the contract's list; NaN where not known. */
export function stageIndices(layers: readonly LayerNow[], layerCount: number): number[] {
  const indices = Array.from({ length: layerCount }, () => NaN);
  for (const { layer, stage } of layers) {
    const index = STAGE_NAMES.findIndex((known) => known === stage);
    if (index !== -1 && layer < layerCount) indices[layer] = index;
  }
  return indices;
}
