'use client';

import { useState } from 'react';
import type { ReferenceCurves } from '@/lib/contract/reads';
import type { Run } from '@/lib/contract/runs';
import type { StepWindow } from '@/lib/view/chosen-steps';
import { formatStep } from '@/lib/view/format-number';
import type { LayerViewModel } from '@/lib/view/layer-view-model';
import { prepareNumberRows, prepareStepWords } from '@/lib/view/layer-words';
import type { LossStrip } from '@/lib/view/loss-strip';
import type { SmallMultiple } from '@/lib/view/small-multiple';
import { SegmentedControl } from '@/app/_components/segmented-control';
import type { LayerMoves } from './layer-moves';
import { LayerToolbar } from './layer-toolbar';
import { LossStripChart } from './loss-strip';
import { MarkerLegend } from './marker-legend';
import { NewerHint } from './newer-hint';
import { RidgelinePlot } from './ridgeline-plot';
import { SmallMultiples } from './small-multiples';
import { StepColumn } from './step-column';
import type { LayerUrl } from './use-layer-url';
import { WordsColumn } from './words-column';
import styles from './layer-view.module.css';

/** Strip, columns, small multiples, ridgelines and words. */
export function LayerBody({
  run,
  layerIndex,
  url,
  model,
  window,
  curves,
  strip,
  stripRef,
  multiples,
  multiplesNote,
  hasDip,
  lastStep,
  moves,
  onNewest,
}: {
  readonly run: Run;
  readonly layerIndex: number;
  readonly url: LayerUrl;
  readonly model: LayerViewModel;
  readonly window: StepWindow;
  readonly curves: ReferenceCurves;
  readonly strip: LossStrip | null;
  readonly stripRef: (element: HTMLElement | null) => (() => void) | undefined;
  readonly multiples: readonly SmallMultiple[];
  readonly multiplesNote: string;
  readonly hasDip: boolean;
  readonly lastStep: number;
  readonly moves: LayerMoves;
  readonly onNewest: (step: number) => void;
}) {
  const { chosen } = model;
  const selected = model.items[chosen.mainIndex];
  // A phone has room for one column: the selected step's until another is asked for.
  const [phoneStep, setPhoneStep] = useState<number | null>(null);
  const shownStep =
    phoneStep !== null && chosen.steps.includes(phoneStep)
      ? phoneStep
      : (chosen.steps[chosen.mainIndex] ?? 0);
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
            hint={
              <NewerHint
                runId={run.id}
                layerIndex={layerIndex}
                runLastStep={run.lastStep}
                shownUpTo={Math.max(lastStep, model.available.at(-1) ?? 0)}
                onShow={onNewest}
              />
            }
          />
          <div ref={stripRef} className={styles['strip']}>
            {strip === null ? null : (
              <LossStripChart
                view={strip}
                steps={chosen.steps}
                mainIndex={chosen.mainIndex}
                available={model.available}
                onMove={moves.one}
              />
            )}
          </div>
        </div>
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
              <StepColumn column={column} />
            </div>
          ))}
        </div>
        <MarkerLegend
          curves={curves}
          axisLimit={model.axisLimit}
          hasZeros={model.hasZeros}
          hasDip={hasDip}
        />
        <SmallMultiples views={multiples} note={multiplesNote} />
      </div>
      <div className={styles['ridgelines']}>
        {model.ridgelines.map(({ kind, symbol, ridgeline }) => (
          <RidgelinePlot
            key={kind}
            ridgeline={ridgeline}
            title={`${symbol} over steps`}
            onSelect={moves.main}
          />
        ))}
      </div>
      <WordsColumn
        step={chosen.steps[chosen.mainIndex] ?? 0}
        rows={
          selected === undefined
            ? []
            : prepareNumberRows(selected.item, selected.before, curves.healthyStd)
        }
        words={model.items.map(({ item, before }) => prepareStepWords(item, before, curves))}
      />
    </main>
  );
}
