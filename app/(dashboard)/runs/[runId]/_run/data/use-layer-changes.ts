'use client';

import { useEffect, useRef, useState } from 'react';
import type { HeatmapColumns } from '@/lib/contract/heatmap-columns';
import {
  computeLayerChanges,
  HISTORY_STEPS,
  type LayerChanges,
} from '@/lib/view/outlook/layer-changes';
import type { LayerFigures, LayerNow } from '@/lib/view/outlook/run-condition';
import type { RunColumns } from '@/lib/view/heatmap/run-columns';
import { readHeatmap, readStagesAt } from './run-reads';

/** Ranks move slowly enough to be read again this often, whatever the pace of the frames. */
const REFRESH_MS = 2000;

export interface RecentLayers {
  readonly changes: LayerChanges;
  readonly figures: LayerFigures;
  /** Where each layer stands; empty where the run has no stages. */
  readonly layers: readonly LayerNow[];
  readonly newestStep: number;
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

/** How layers stand against their own past and the paper, kept up with the run; null before the first reply. */
export function useLayerChanges(
  runId: string,
  columns: RunColumns,
  layerMetrics: readonly string[],
): RecentLayers | null {
  const [recent, setRecent] = useState<RecentLayers | null>(null);
  const lastReadMs = useRef(0);
  const newestStep = columns.newestStep;
  const { layerCount } = columns;
  const stored = layerMetrics.join(',');

  useEffect(() => {
    const fromStep = historyStart(columns);
    const metrics = stored.split(',');
    if (newestStep === null || fromStep === null || layerCount === 0) return;
    const read = async () => {
      lastReadMs.current = Date.now();
      const range = { fromStep, toStep: newestStep };
      const newest = { fromStep: newestStep, toStep: newestStep };
      const newestOf = async (metric: string) =>
        lastColumn(
          metrics.includes(metric) ? await readHeatmap(runId, metric, newest, 1) : null,
          layerCount,
        );
      const [norms, rms, belowEpsilon, ratioDip, layers] = await Promise.all([
        metrics.includes('gradient_norm')
          ? readHeatmap(runId, 'gradient_norm', range, HISTORY_STEPS + 1)
          : null,
        newestOf('rms'),
        newestOf('second_moment_below_epsilon_fraction'),
        newestOf('ratio_dip'),
        metrics.includes('stage') ? readStagesAt(runId, newestStep) : [],
      ]);
      setRecent({
        changes:
          norms === null
            ? {
                nonFinite: [],
                layerCount,
                items: [],
                tenfoldCount: 0,
                historySteps: 0,
                newestStep,
              }
            : computeLayerChanges(norms),
        figures: { rms, belowEpsilon, ratioDip },
        layers,
        newestStep,
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
  }, [runId, columns, newestStep, layerCount, stored]);
  return recent;
}
