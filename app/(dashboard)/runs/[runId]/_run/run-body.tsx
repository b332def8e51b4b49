'use client';

import type { ReactNode } from 'react';
import type { Run } from '@/lib/contract/runs';
import { Button } from '@/app/_components/button';
import { SelectMenu } from '@/app/_components/select-menu';
import type { MetricOption } from '@/lib/view/heatmap/metric-options';
import { CompareMenu } from './bars/compare-menu';
import { Overview } from './timelines/overview';
import { PaperPlot } from './plot/paper-plot';
import type { Layout } from './bars/run-toolbar';
import { RunChartMenu } from './plot/run-chart-menu';
import { StepsRightPlot } from './plot/steps-right-plot';
import type { PlotModels } from './model/use-plot-model';
import { MarksMenu } from './bars/marks-menu';
import { FITTED_COLOURS, type RunViewState, type SetRunView } from './model/use-run-view-state';
import styles from './run-screen.module.css';

/** The plots with what stands beside them; on a phone what is chosen and read stands below them. */
export function RunBody({
  plots: { model, overview },
  layout,
  stages,
  isNarrow,
  panel,
  phone,
}: {
  readonly plots: PlotModels;
  readonly layout: Layout;
  /** [L] where each layer stands now; null where none could be placed. */
  readonly stages: readonly number[] | null;
  readonly isNarrow: boolean;
  readonly panel: ReactNode;
  /** Between plot and panel, on a phone. */
  readonly phone: ReactNode;
}) {
  return (
    <main className={styles['body']}>
      {layout === 'paper' ? (
        <>
          <div className={styles['overview']}>
            <Overview
              {...overview}
              onGo={model.onGo}
              menuAt={(left, top) => (
                <RunChartMenu chart="overview" model={model} parts={[{}]} left={left} top={top} />
              )}
            />
          </div>
          <PaperPlot model={model} stages={stages} />
        </>
      ) : (
        <StepsRightPlot model={model} stages={stages} isNarrow={isNarrow} />
      )}
      {phone}
      <aside className={styles['panel']} data-chrome aria-label="Beside the heatmap">
        {panel}
      </aside>
    </main>
  );
}

/** What the toolbar is for elsewhere: on a phone the scale and the choices under the heatmap. */
export function PhoneTools({
  run,
  view,
  onAxisUnit,
  scale,
  options,
  option,
  set,
  isZoomed,
  isRunning,
  onWhole,
}: {
  readonly run: Run;
  readonly view: RunViewState;
  /** null where the job reports no times. */
  readonly onAxisUnit: (() => void) | null;
  readonly scale: ReactNode;
  readonly options: readonly MetricOption[];
  readonly option: MetricOption;
  readonly set: SetRunView;
  readonly isZoomed: boolean;
  readonly isRunning: boolean;
  readonly onWhole: () => void;
}) {
  return (
    <div className={styles['phone_scale']}>
      {scale}
      <div className={styles['phone_tools']}>
        <SelectMenu
          label="Metric"
          value={option.key}
          onChange={(key) => set({ metric: key, ...FITTED_COLOURS })}
          options={options.map(({ key, label }) => ({ value: key, label }))}
        />
        <CompareMenu
          run={run}
          against={view.against}
          onAgainst={(text) => set({ against: text, reach: null })}
        />
        <MarksMenu marks={view.marks} set={set} />
        {onAxisUnit === null ? null : (
          <Button onClick={onAxisUnit}>{view.isWallTime ? 'By step' : 'By time'}</Button>
        )}
        {isZoomed ? (
          <Button onClick={onWhole}>{isRunning ? 'Back to live' : 'Whole run'}</Button>
        ) : null}
      </div>
    </div>
  );
}
