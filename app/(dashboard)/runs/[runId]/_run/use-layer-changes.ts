'use client';

import { useEffect, useRef, useState } from 'react';
import type { HeatmapColumns } from '@/lib/contract/heatmap-columns';
import { computeLayerChanges, HISTORY_STEPS, type LayerChanges } from '@/lib/view/layer-changes';
import type { RunColumns } from '@/lib/view/run-columns';
import { readHeatmap } from './run-reads';

/** Ranks move slowly enough to be read again this often, whatever the pace of the frames. */
const REFRESH_MS = 2000;

export interface RecentLayers {
  readonly changes: LayerChanges;
  /** [L] newest RMS_t; NaN where not stored. */
  readonly rms: readonly number[];
  /** [L] newest stage as its index in the contract's list; NaN where not stored. */
  readonly stages: readonly number[];
}

/** The first of the last 65 reported steps, as far as columns of one step reach back. */
function historyStart(columns: RunColumns): number | null {
  const { columnCount, newestStep } = columns;
  if (newestStep === null) return null;
  const first = Math.max(0, columnCount - 1 - HISTORY_STEPS);
  const isSingle = columns.fromStep[first] === columns.toStep[first];
  return isSingle ? (columns.fromStep[first] ?? null) : Math.max(0, newestStep - HISTORY_STEPS);
}

/** [L] the newest value of each layer; NaN where there is none. */
function lastColumn(columns: HeatmapColumns | null, layerCount: number): number[] {
  const count = columns?.columnCount ?? 0;
  return Array.from({ length: layerCount }, (_, layer) =>
    columns === null || count === 0 ? NaN : (columns.values[(layer + 1) * count - 1] ?? NaN),
  );
}

/** How layers moved against their own past, kept up with the run; null before the first reply. */
export function useLayerChanges(
  runId: string,
  columns: RunColumns,
  hasGradientNorm: boolean,
  hasRms: boolean,
  hasStages: boolean,
): RecentLayers | null {
  const [recent, setRecent] = useState<RecentLayers | null>(null);
  const lastReadMs = useRef(0);
  const newestStep = columns.newestStep;

  useEffect(() => {
    const fromStep = historyStart(columns);
    if (newestStep === null || fromStep === null || !hasGradientNorm) return;
    const read = async () => {
      lastReadMs.current = Date.now();
      const range = { fromStep, toStep: newestStep };
      const newest = { fromStep: newestStep, toStep: newestStep };
      const [norms, rms, stages] = await Promise.all([
        readHeatmap(runId, 'gradient_norm', range, HISTORY_STEPS + 1),
        hasRms ? readHeatmap(runId, 'rms', newest, 1) : null,
        hasStages ? readHeatmap(runId, 'stage', newest, 1) : null,
      ]);
      setRecent({
        changes: computeLayerChanges(norms),
        rms: lastColumn(rms, norms.layerCount),
        stages: lastColumn(stages, norms.layerCount),
      });
    };
    const timer = setTimeout(
      () => {
        // The panel keeps its last ranks when a read fails; the next frame tries again.
        read().catch((cause: unknown) => console.warn('layer changes', cause));
      },
      Math.max(0, REFRESH_MS - (Date.now() - lastReadMs.current)),
    );
    return () => {
      clearTimeout(timer);
    };
  }, [runId, columns, newestStep, hasGradientNorm, hasRms, hasStages]);
  return recent;
}
