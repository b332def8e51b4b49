'use client';

import { useEffect, useRef, useState } from 'react';
import { computeLayerChanges, HISTORY_STEPS, type LayerChanges } from '@/lib/view/layer-changes';
import type { RunColumns } from '@/lib/view/run-columns';
import { readHeatmap } from './run-reads';

/** Ranks move slowly enough to be read again this often, whatever the pace of the frames. */
const REFRESH_MS = 2000;

export interface RecentLayers {
  readonly changes: LayerChanges;
  /** [L] newest RMS_t; NaN where not stored. */
  readonly rms: readonly number[];
}

/** The first of the last 65 reported steps, as far as columns of one step reach back. */
function historyStart(columns: RunColumns): number | null {
  const { columnCount, newestStep } = columns;
  if (newestStep === null) return null;
  const first = Math.max(0, columnCount - 1 - HISTORY_STEPS);
  const isSingle = columns.fromStep[first] === columns.toStep[first];
  return isSingle ? (columns.fromStep[first] ?? null) : Math.max(0, newestStep - HISTORY_STEPS);
}

/** How layers moved against their own past, kept up with the run; null before the first reply. */
export function useLayerChanges(
  runId: string,
  columns: RunColumns,
  hasGradientNorm: boolean,
  hasRms: boolean,
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
      const [norms, rms] = await Promise.all([
        readHeatmap(runId, 'gradient_norm', range, HISTORY_STEPS + 1),
        hasRms
          ? readHeatmap(runId, 'rms', { fromStep: newestStep, toStep: newestStep }, 1)
          : Promise.resolve(null),
      ]);
      const last = (rms?.columnCount ?? 0) - 1;
      setRecent({
        changes: computeLayerChanges(norms),
        rms: Array.from({ length: norms.layerCount }, (_, layer) =>
          rms === null || last < 0 ? NaN : (rms.values[layer * rms.columnCount + last] ?? NaN),
        ),
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
  }, [runId, columns, newestStep, hasGradientNorm, hasRms]);
  return recent;
}
