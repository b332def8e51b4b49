'use client';

import { useMemo } from 'react';
import { timelineReplySchema, type Bucket } from '@/lib/contract/reads';
import type { Optimizer, Run, RunMetrics } from '@/lib/contract/runs';
import { prepareStepWindow } from '@/lib/view/layer/chosen-steps';
import { prepareCorrelatedReference, type Betas } from '@/lib/view/layer/correlated-reference';
import { prepareLayerView } from '@/lib/view/layer/layer-view-model';
import { prepareStepWords, type StepWords } from '@/lib/view/layer/layer-words';
import { prepareLossStrip } from '@/lib/view/layer/loss-strip';
import { cosinesOf, rememberCosine, toLayerOptimizer } from '@/lib/view/layer/peak-words';
import type { NormalPart } from '@/lib/view/layer/reference-curve';
import {
  describeMultiples,
  orderMetrics,
  prepareSmallMultiple,
} from '@/lib/view/layer/small-multiple';
import { prepareStageStrip } from '@/lib/view/layer/stage-strip';
import { apiPath } from '@/app/_hooks/api-client';
import { useApi } from '@/app/_hooks/use-api';
import { useLayerDistributions } from './use-layer-distributions';
import { useLayerFindings } from './use-layer-findings';
import { useLayerSeries } from './use-layer-series';
import type { LayerUrl } from './use-layer-url';
import { useOtherLayer } from './use-other-layer';

const LOSS_POINTS = 600;
const PIXELS_PER_STEP_TICK = 84;
/** More panels would be a page of their own; the count is said. */
const MOST_MULTIPLES = 24;
const NO_LOSSES: readonly Bucket[] = [];
const NO_PARTS: readonly NormalPart[] = [];

function optimizerOf(run: Run, attempt: number | undefined): Optimizer {
  const own = run.attempts.find((candidate) => candidate.attempt === attempt)?.optimizer;
  return own ?? run.optimizer;
}

/** β1 and β2 of an attempt; null where the run does not name both. */
function betasOf(run: Run, attempt: number | undefined): Betas | null {
  const { beta1, beta2 } = optimizerOf(run, attempt);
  return beta1 === undefined || beta2 === undefined ? null : { beta1, beta2 };
}

/** Reads what the page needs and prepares what it draws. */
export function useLayerView({
  run,
  metrics,
  layer,
  url,
  lastStep,
  stripWidth,
}: {
  readonly run: Run;
  readonly metrics: RunMetrics;
  readonly layer: Run['layers'][number];
  readonly url: LayerUrl;
  /** The last step that takes part; later ones move nothing. */
  readonly lastStep: number | null;
  readonly stripWidth: number;
}) {
  const data = useLayerDistributions({
    runId: run.id,
    layerIndex: layer.index,
    // A run without histograms is not asked for any.
    wantedStep: metrics.histograms.length === 0 ? null : (url.step ?? lastStep),
    wantedSteps: url.steps,
    firstStep: run.firstStep ?? 0,
    lastStep: lastStep ?? 0,
    window: metrics.histograms.length === 0 ? null : url.window,
  });
  const { reply } = data;
  const anchor = url.step ?? lastStep;
  // Without distributions there are metrics and stages still, around the wanted step.
  const window =
    data.window ??
    (data.status === 'none' && anchor !== null
      ? prepareStepWindow(anchor, 1, run.firstStep ?? 0, lastStep ?? anchor)
      : null);
  const fromStep = window?.fromStep ?? null;
  const toStep = window?.toStep ?? null;
  const timelinePath =
    fromStep === null
      ? null
      : apiPath(`/runs/${encodeURIComponent(run.id)}/timeline`, {
          series: 'loss',
          fromStep,
          toStep,
          points: LOSS_POINTS,
        });
  const timeline = useApi(timelinePath, timelineReplySchema, { keepPrevious: true });
  const names = orderMetrics(metrics.layerMetrics);
  const shown = names.slice(0, MOST_MULTIPLES);
  const { series, failedCount } = useLayerSeries(run.id, layer.index, shown, window);
  const findings = useLayerFindings(run.id, layer.index, window);
  const other = useOtherLayer(run, layer.name, url.other, window);

  const selectedStep = data.step ?? lastStep ?? 0;
  const chosenSteps = data.steps;
  const selected = reply?.items.filter(({ step }) => step <= selectedStep).at(-1);
  const cosine = selected?.statistics['gradient_cosine'] ?? null;
  const betas = betasOf(run, selected?.attempt);
  const beta1 = betas?.beta1 ?? null;
  const beta2 = betas?.beta2 ?? null;
  const correlated = useMemo(
    () =>
      prepareCorrelatedReference(
        url.drift,
        beta1 === null || beta2 === null ? null : { beta1, beta2 },
        cosine,
      ),
    [url.drift, beta1, beta2, cosine],
  );
  const parts = correlated !== null && 'parts' in correlated ? correlated.parts : NO_PARTS;
  const otherReply = other?.reply ?? null;
  const model = useMemo(
    () =>
      reply === null || reply.items.length === 0
        ? null
        : prepareLayerView({
            reply,
            selectedStep,
            requestedSteps: chosenSteps,
            axisKind: url.axisKind,
            mode: url.mode,
            correlated: parts,
            other: otherReply,
          }),
    [reply, selectedStep, chosenSteps, url.axisKind, url.mode, parts, otherReply],
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
  const stageStrip = useMemo(
    () =>
      fromStep === null || toStep === null
        ? []
        : prepareStageStrip(findings.stages, { fromStep, toStep }),
    [findings.stages, fromStep, toStep],
  );
  const isAbsent = data.status === 'none';
  const chosen = useMemo(
    () => model?.chosen ?? (isAbsent && anchor !== null ? { steps: [anchor], mainIndex: 0 } : null),
    [model, isAbsent, anchor],
  );
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
  const words = useMemo<readonly StepWords[]>(() => {
    if (model === null || reply === null) return [];
    const cosines = cosinesOf(series, reply.items);
    return model.items.map(({ item, before }) => {
      const optimizer = toLayerOptimizer(optimizerOf(run, item.attempt));
      const cosine = rememberCosine(cosines, item.step, optimizer.beta1);
      return prepareStepWords(item, before, reply.referenceCurves, { optimizer, cosine });
    });
  }, [model, reply, series, run]);
  return {
    data,
    window,
    model,
    words,
    beta2,
    strip,
    stageStrip,
    findings,
    other,
    correlated,
    hasBetas: betas !== null,
    losses: losses ?? NO_LOSSES,
    lossPath: timelinePath,
    series,
    multiples,
    multiplesNote:
      window === null ? '' : describeMultiples(window, multiples.length, names.length, failedCount),
  };
}
