'use client';

import { useMemo } from 'react';
import type { MetricOption } from '@/lib/view/heatmap/metric-options';
import type { StepWindow } from '@/lib/view/axes/step-axis';
import type { PageSearch } from '@/app/_hooks/page-actions';

/** What the search finds on a run's page: its layers and metrics by name, its steps by number. */
export function usePageSearch({
  runId,
  layerNames,
  options,
  window,
  onMetric,
  onWindow,
  onGo,
}: {
  readonly runId: string;
  readonly layerNames: readonly string[];
  readonly options: readonly MetricOption[];
  readonly window: StepWindow | null;
  readonly onMetric: (key: string) => void;
  readonly onWindow: (window: null) => void;
  readonly onGo: (step: number) => void;
}): PageSearch {
  return useMemo(
    () => ({
      groups: [
        {
          title: 'Layers of this run',
          items: layerNames.map((label, layer) => ({
            label,
            detail: `layer ${layer}`,
            go: `/runs/${encodeURIComponent(runId)}/layers/${layer}`,
          })),
        },
        {
          title: 'Metrics of this run',
          items: options.map(({ key, label }) => ({
            label,
            detail: 'on the heatmap',
            go: () => onMetric(key),
          })),
        },
      ],
      goToStep: (step) => {
        // A step that is asked for by its number is shown, wherever the view stood.
        if (window !== null && (step < window.fromStep || window.toStep < step)) onWindow(null);
        onGo(step);
      },
    }),
    [runId, layerNames, options, window, onMetric, onWindow, onGo],
  );
}
