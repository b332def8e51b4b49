'use client';

import { useState } from 'react';
import type { GapsReply } from '@/lib/contract/retention';
import type { Run } from '@/lib/contract/runs';
import { describeGoneValues } from '@/lib/view/runs/gone-words';
import { formatStep } from '@/lib/view/text/format-number';
import { describePrecision } from '@/lib/view/text/precision-words';
import { valueTextAt } from '@/lib/view/layer/small-multiple';
import { describeLayerOutlook } from '@/lib/view/stages/stage-outlook';
import { explainStage, stageAt } from '@/lib/view/stages/stage-reason';
import { stepToX } from '@/lib/view/timelines/trace';
import { useRunPrecision } from '@/app/_hooks/use-run-precision';
import { layerCharts } from '../model/layer-charts';
import { nearestStep } from '../model/nearest-step';
import { SmallMultiples } from './small-multiples';
import { StageSection } from '../words/stage-section';
import type { useLayerView } from '../model/use-layer-view';
import layout from './layer-metrics.module.css';
import words from '../words/words-column.module.css';

/** What is known of a layer that has no distribution: its stage and its metrics. */
export function LayerMetrics({
  run,
  layerIndex,
  layerName,
  step,
  view,
  gaps,
}: {
  readonly run: Run;
  readonly layerIndex: number;
  readonly layerName: string;
  readonly step: number | null;
  readonly view: ReturnType<typeof useLayerView>;
  readonly gaps: GapsReply | null;
}) {
  const { window, series, findings } = view;
  const precision = useRunPrecision(run, true);
  const [crosshairStep, setCrosshairStep] = useState<number | null>(null);
  if (window === null || step === null || view.multiples.length === 0) return null;
  const reported = series[0]?.points.map(({ fromStep }) => fromStep) ?? [];
  const reason = explainStage(findings.stages, step);
  const label = stageAt(findings.stages, step)?.label ?? null;
  const rounding = precision === null ? null : describePrecision(precision, step);
  const charts = layerCharts({
    run,
    layerIndex,
    layerName,
    window,
    items: [],
    losses: view.losses,
    lossPath: view.lossPath,
    series,
    otherPath: null,
  });
  return (
    <div className={layout['layout']}>
      <SmallMultiples
        views={view.multiples}
        note={`Steps ${formatStep(window.fromStep)}–${formatStep(window.toStep)} in every panel, each on its own scale.`}
        gone={describeGoneValues(gaps, window)}
        take={charts.metrics}
        crosshair={
          crosshairStep === null
            ? null
            : {
                x: stepToX(window, crosshairStep),
                place: `at ${formatStep(crosshairStep)}`,
                textOf: (metric) => valueTextAt(series, metric, crosshairStep),
              }
        }
        onCrosshair={(share) =>
          setCrosshairStep(share === null ? null : nearestStep(reported, window, share))
        }
      />
      <aside className={words['words']} aria-label="In numbers and words">
        <StageSection
          reason={reason}
          outlook={reason === null ? null : describeLayerOutlook(reason.stage, label)}
          isReading={findings.isReadingStages}
          failure={findings.error?.message ?? null}
        />
        {rounding === null ? null : <p className={words['quiet']}>{rounding.explanation}</p>}
      </aside>
    </div>
  );
}
