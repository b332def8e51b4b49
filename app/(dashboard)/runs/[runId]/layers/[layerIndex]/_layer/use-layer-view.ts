'use client';

import { useMemo } from 'react';
import { timelineReplySchema } from '@/lib/contract/reads';
import type { Run, RunMetrics } from '@/lib/contract/runs';
import { prepareLayerView } from '@/lib/view/layer-view-model';
import { prepareLossStrip } from '@/lib/view/loss-strip';
import { describeMultiples, orderMetrics, prepareSmallMultiple } from '@/lib/view/small-multiple';
import { apiPath } from '@/app/_hooks/api-client';
import { useApi } from '@/app/_hooks/use-api';
import { useLayerDistributions } from './use-layer-distributions';
import { useLayerSeries } from './use-layer-series';
import type { LayerUrl } from './use-layer-url';

const LOSS_POINTS = 600;
const PIXELS_PER_STEP_TICK = 84;
/** More panels would be a page of their own; the count is said. */
const MOST_MULTIPLES = 24;

/** Reads what the page needs and prepares what it draws. */
export function useLayerView({
  run,
  metrics,
  layerIndex,
  url,
  lastStep,
  stripWidth,
}: {
  readonly run: Run;
  readonly metrics: RunMetrics;
  readonly layerIndex: number;
  readonly url: LayerUrl;
  /** The last step that takes part; later ones move nothing. */
  readonly lastStep: number | null;
  readonly stripWidth: number;
}) {
  const data = useLayerDistributions({
    runId: run.id,
    layerIndex,
    wantedStep: url.step ?? lastStep,
    firstStep: run.firstStep ?? 0,
    lastStep: lastStep ?? 0,
    window: url.window,
  });
  const { window, reply } = data;
  const fromStep = window?.fromStep ?? null;
  const toStep = window?.toStep ?? null;
  const timeline = useApi(
    fromStep === null
      ? null
      : apiPath(`/runs/${encodeURIComponent(run.id)}/timeline`, {
          series: 'loss',
          fromStep,
          toStep,
          points: LOSS_POINTS,
        }),
    timelineReplySchema,
    { keepPrevious: true },
  );
  const names = orderMetrics(metrics.layerMetrics);
  const shown = names.slice(0, MOST_MULTIPLES);
  const { series, failedCount } = useLayerSeries(run.id, layerIndex, shown, window);

  const selectedStep = url.step ?? lastStep ?? 0;
  const model = useMemo(
    () =>
      reply === null || reply.items.length === 0
        ? null
        : prepareLayerView({
            reply,
            selectedStep,
            requestedSteps: url.steps,
            axisKind: url.axisKind,
            mode: url.mode,
          }),
    [reply, selectedStep, url.steps, url.axisKind, url.mode],
  );
  const losses = timeline.data?.series.find(({ name }) => name === 'loss')?.points ?? null;
  const strip = useMemo(
    () =>
      fromStep === null || toStep === null
        ? null
        : prepareLossStrip(
            losses ?? [],
            { fromStep, toStep },
            Math.max(2, Math.floor(stripWidth / PIXELS_PER_STEP_TICK)),
          ),
    [losses, fromStep, toStep, stripWidth],
  );
  const chosen = model?.chosen ?? null;
  const multiples = useMemo(
    () =>
      fromStep === null || toStep === null || chosen === null
        ? []
        : series.map(({ metric, points }) =>
            prepareSmallMultiple(
              metric,
              points,
              { fromStep, toStep },
              chosen.steps,
              chosen.mainIndex,
            ),
          ),
    [series, fromStep, toStep, chosen],
  );
  return {
    data,
    model,
    strip,
    multiples,
    multiplesNote:
      window === null ? '' : describeMultiples(window, multiples.length, names.length, failedCount),
  };
}
