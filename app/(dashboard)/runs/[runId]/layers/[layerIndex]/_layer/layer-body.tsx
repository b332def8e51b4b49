'use client';

import { useState } from 'react';
import type { DistributionsReply, ReferenceCurves, Spike } from '@/lib/contract/reads';
import type { GapsReply } from '@/lib/contract/retention';
import type { Run } from '@/lib/contract/runs';
import type { StepWindow } from '@/lib/view/layer/chosen-steps';
import { describeGoneValues, isGoneAt } from '@/lib/view/runs/gone-words';
import { formatStep } from '@/lib/view/text/format-number';
import type { LayerViewModel } from '@/lib/view/layer/layer-view-model';
import { prepareNumberRows } from '@/lib/view/layer/number-rows';
import { describePrecision } from '@/lib/view/text/precision-words';
import { valueTextAt } from '@/lib/view/layer/small-multiple';
import { stepsOfSpike } from '@/lib/view/layer/spike-steps';
import { describeLayerOutlook } from '@/lib/view/stages/stage-outlook';
import { explainStage, stageAt } from '@/lib/view/stages/stage-reason';
import { stepToX } from '@/lib/view/timelines/trace';
import { ChartMenu } from '@/app/_components/chart-menu/chart-menu';
import { SegmentedControl } from '@/app/_components/segmented-control';
import { useRunPrecision } from '@/app/_hooks/use-run-precision';
import { layerCharts } from './model/layer-charts';
import type { LayerMoves } from './model/layer-moves';
import { LayerNotes } from './words/layer-notes';
import { LayerToolbar } from './bars/layer-toolbar';
import { LossStripChart } from './series/loss-strip';
import { MarkerLegend } from './distributions/marker-legend';
import { nearestStep } from './model/nearest-step';
import { NewerHint } from './bars/newer-hint';
import { OtherBar } from './bars/other-bar';
import { OverStepsPanel } from './distributions/over-steps';
import { SmallMultiples } from './series/small-multiples';
import { SpikeLane, SpikeMenu } from './series/spike-lane';
import { StageSection } from './words/stage-section';
import { StepColumn } from './distributions/step-column';
import { chooseInUrl, type LayerUrl } from './model/use-layer-url';
import type { useLayerView } from './model/use-layer-view';
import { WordsColumn } from './words/words-column';
import styles from './layer-view.module.css';

/** Strip, columns, small multiples, distributions over steps and words. */
export function LayerBody({
  run,
  layerIndex,
  layerName,
  layerNames,
  items,
  url,
  view,
  model,
  window,
  curves,
  stripRef,
  stripWidth,
  hasDip,
  lastStep,
  gaps,
  goneDistributions,
  moves,
  onNewest,
}: {
  readonly run: Run;
  readonly layerIndex: number;
  readonly layerName: string;
  /** Short names of the run's layers, in model order. */
  readonly layerNames: readonly string[];
  /** Every report of the window. */
  readonly items: DistributionsReply['items'];
  readonly url: LayerUrl;
  readonly view: ReturnType<typeof useLayerView>;
  readonly model: LayerViewModel;
  readonly window: StepWindow;
  readonly curves: ReferenceCurves;
  readonly stripRef: (element: HTMLElement | null) => (() => void) | undefined;
  readonly stripWidth: number;
  readonly hasDip: boolean;
  readonly lastStep: number;
  readonly gaps: GapsReply | null;
  /** What went of the distributions in the window; null where nothing is to be said. */
  readonly goneDistributions: string | null;
  readonly moves: LayerMoves;
  readonly onNewest: (step: number) => void;
}) {
  const { chosen, available } = model;
  const { strip, findings, other } = view;
  const selected = model.items[chosen.mainIndex];
  // A phone has room for one column: the selected step's until another is asked for.
  const [phoneStep, setPhoneStep] = useState<number | null>(null);
  const shownStep =
    phoneStep !== null && chosen.steps.includes(phoneStep)
      ? phoneStep
      : (chosen.steps[chosen.mainIndex] ?? 0);
  const main = chosen.steps[chosen.mainIndex] ?? 0;
  const reason = explainStage(findings.stages, main);
  const label = stageAt(findings.stages, main)?.label ?? null;

  const goneValues = describeGoneValues(gaps, window);

  const precision = useRunPrecision(run, true);
  const rounding = precision === null ? null : describePrecision(precision, main);

  // One crosshair over the loss and every metric: it stands on steps that were reported.
  const [crosshairStep, setCrosshairStep] = useState<number | null>(null);
  const onCrosshair = (share: number | null) => {
    setCrosshairStep(share === null ? null : nearestStep(available, window, share));
  };
  const crosshair =
    crosshairStep === null
      ? null
      : {
          x: stepToX(window, crosshairStep),
          place: `at ${formatStep(crosshairStep)}`,
          textOf: (metric: string) => valueTextAt(view.series, metric, crosshairStep),
        };
  const charts = layerCharts({
    run,
    layerIndex,
    layerName,
    window,
    items,
    losses: view.losses,
    lossPath: view.lossPath,
    series: view.series,
    otherPath: other?.path ?? null,
  });
  const goToSpike = (spike: Spike) => {
    const { at, steps } = stepsOfSpike(spike, layerIndex);
    chooseInUrl({ step: at, steps, window: null });
  };
  return (
    <main className={styles['layout']}>
      <div className={styles['main']}>
        <div>
          <LayerToolbar
            window={window}
            scale={strip?.scale ?? 'log'}
            axisKind={url.axisKind}
            mode={url.mode}
            canGoEarlier={window.fromStep > (run.firstStep ?? 0)}
            canGoLater={window.toStep < lastStep}
            onPage={moves.page}
            menu={
              <ChartMenu
                name="Loss"
                subject={(button) =>
                  charts.loss(
                    button.closest('main')?.querySelector<HTMLElement>('[data-strip]') ?? null,
                  )
                }
              />
            }
            hint={
              <>
                <SpikeMenu spikes={findings.spikes} onChoose={goToSpike} />
                <NewerHint
                  runId={run.id}
                  layerIndex={layerIndex}
                  runLastStep={run.lastStep}
                  shownUpTo={Math.max(lastStep, model.available.at(-1) ?? 0)}
                  onShow={onNewest}
                />
              </>
            }
          />
          <div ref={stripRef} className={styles['strip']} data-strip>
            {strip === null ? null : (
              <LossStripChart
                view={strip}
                steps={chosen.steps}
                mainIndex={chosen.mainIndex}
                available={available}
                stages={view.stageStrip}
                lane={
                  <SpikeLane
                    spikes={findings.spikes}
                    window={window}
                    widthPx={stripWidth}
                    onChoose={goToSpike}
                  />
                }
                crosshairStep={crosshairStep}
                onMove={moves.one}
                onCrosshair={onCrosshair}
              />
            )}
          </div>
        </div>
        {url.other === null || other === null ? null : (
          <OtherBar choice={url.other} other={other} />
        )}
        <div className={styles['phone_steps']}>
          <SegmentedControl
            label="Step"
            options={model.columns.map(({ step, place }) => ({
              value: String(step),
              label: `${formatStep(step)} ${place}`,
            }))}
            value={String(shownStep)}
            onChange={(step) => setPhoneStep(Number(step))}
          />
        </div>
        <div className={styles['columns']}>
          {model.columns.map((column) => (
            <div
              key={column.step}
              className={styles['column']}
              data-shown={column.step === shownStep || undefined}
            >
              <StepColumn
                column={column}
                stage={stageAt(findings.stages, column.step)?.stage ?? null}
                isGone={isGoneAt(gaps, 'raw', column.step)}
                otherLabel={other?.label ?? null}
                take={charts.step(column.step)}
              />
            </div>
          ))}
        </div>
        <MarkerLegend
          curves={curves}
          drift={url.drift}
          correlated={view.correlated}
          axisLimit={model.axisLimit}
          hasZeros={model.hasZeros}
          hasDip={hasDip}
        />
        <SmallMultiples
          views={view.multiples}
          note={view.multiplesNote}
          gone={goneValues}
          take={charts.metrics}
          crosshair={crosshair}
          onCrosshair={onCrosshair}
        />
      </div>
      <div className={styles['ridgelines']}>
        {goneDistributions === null ? null : <p className={styles['gone']}>{goneDistributions}</p>}
        <OverStepsPanel
          model={model}
          form={url.overSteps}
          take={charts.overSteps}
          onSelect={moves.main}
        />
      </div>
      <WordsColumn
        stage={
          <StageSection
            reason={reason}
            outlook={reason === null ? null : describeLayerOutlook(reason.stage, label)}
            isReading={findings.isReadingStages}
            failure={findings.error?.message ?? null}
          />
        }
        step={main}
        precision={rounding?.explanation ?? null}
        gone={isGoneAt(gaps, 'raw', main) ? goneValues : null}
        rows={
          selected === undefined
            ? []
            : prepareNumberRows(selected.item, selected.before, curves.healthyStd, view.beta2)
        }
        words={view.words}
        notes={
          <LayerNotes runId={run.id} layerIndex={layerIndex} layerNames={layerNames} step={main} />
        }
      />
    </main>
  );
}
