'use client';

import { useEffect, useState } from 'react';
import { seriesReplySchema, type Bucket } from '@/lib/contract/reads';
import type { StepWindow } from '@/lib/view/layer/chosen-steps';
import { apiPath, readJson } from '@/app/_hooks/api-client';

/** A panel of 262 px shows no more. */
const POINTS = 240;

export interface LayerSeries {
  readonly metric: string;
  readonly points: readonly Bucket[];
}

/**
 * Every wanted metric of one layer over the window; what was there stays until the new
 * window has come. A metric that cannot be read is left out and counted.
 */
export function useLayerSeries(
  runId: string,
  layerIndex: number,
  metrics: readonly string[],
  window: StepWindow | null,
): { readonly series: readonly LayerSeries[]; readonly failedCount: number } {
  const [result, setResult] = useState<{ series: readonly LayerSeries[]; failedCount: number }>({
    series: [],
    failedCount: 0,
  });
  const names = metrics.join(',');
  const fromStep = window?.fromStep ?? null;
  const toStep = window?.toStep ?? null;
  useEffect(() => {
    if (fromStep === null || toStep === null || names.length === 0) return;
    const controller = new AbortController();
    const reads = names.split(',').map(async (metric): Promise<LayerSeries> => {
      const path = apiPath(`/runs/${encodeURIComponent(runId)}/layers/${layerIndex}/series`, {
        metric,
        fromStep,
        toStep,
        points: POINTS,
      });
      const { points } = await readJson(path, seriesReplySchema, controller.signal);
      return { metric, points };
    });
    void Promise.allSettled(reads).then((outcomes) => {
      if (controller.signal.aborted) return;
      setResult({
        series: outcomes.flatMap((outcome) =>
          outcome.status === 'fulfilled' ? [outcome.value] : [],
        ),
        failedCount: outcomes.filter(({ status }) => status === 'rejected').length,
      });
    });
    return () => controller.abort();
  }, [runId, layerIndex, names, fromStep, toStep]);
  return result;
}
