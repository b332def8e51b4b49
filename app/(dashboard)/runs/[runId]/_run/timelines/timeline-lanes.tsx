'use client';

import type { ReactNode } from 'react';
import { STABILITY_LIMIT } from '@/lib/contract/warnings';
import { scalarLabel } from '@/lib/view/text/scalar-label';
import { formatSmoothing } from '@/lib/view/timelines/smooth-series';
import { smoothingOptions } from '@/lib/view/timelines/smoothing-options';
import { pixelOfStep } from '@/lib/view/axes/step-axis';
import { IntervalTints } from './interval-tints';
import type { LaneLayout } from './lane-layout';
import { PeakLabels } from './peak-labels';
import type { RunPlotModel } from '../model/run-view-model';
import { ScalarTimeline } from './scalar-timeline';
import { WordMenu } from '../plot/word-menu';
import styles from '../plot/plot.module.css';

/** From the line of "now" to its word. */
const NOW_GAP_PX = 5;

/** The timelines over the heatmap, one below the other: the loss, a chosen scalar, the stability. */
export function TimelineLanes({
  model,
  lanes,
  isNarrow,
}: {
  readonly model: RunPlotModel;
  readonly lanes: LaneLayout;
  readonly isNarrow: boolean;
}) {
  const { axis } = model;
  const { left, width, gridEnd } = lanes;
  const nowAt = model.isGrowing && model.window === null ? model.newestStep : null;
  const shared = { axis, drawnAxis: model.drawnAxis, newestStep: nowAt, left, width, gridEnd };
  return (
    <>
      <IntervalTints
        intervals={model.intervals}
        axis={axis}
        left={left}
        width={width}
        height={lanes.timelinesEnd}
      />
      <p className={styles['title']} style={{ top: isNarrow ? 3 : lanes.loss.top + 2 }}>
        Loss
        {isNarrow ? null : (
          <small>
            <ScaleWord onClick={model.onLossScale}>{model.loss.scale}</ScaleWord>
            {' · '}
            <button
              type="button"
              className={styles['scale_toggle']}
              onClick={model.onLossUnit}
              title="Change between the loss in nats and the perplexity"
            >
              {model.isPerplexity ? 'perplexity' : 'nats'}
            </button>
            <br />
            <WordMenu
              label="Smoothing of the timelines"
              value={formatSmoothing(model.smoothing) ?? 'none'}
              options={smoothingOptions(model.smoothing)}
              onChange={model.onSmoothing}
            />
          </small>
        )}
      </p>
      <ScalarTimeline
        {...shared}
        {...lanes.loss}
        chart={model.loss}
        label="Loss over steps"
        colour="var(--trace)"
        lines={model.lossLines}
      />
      <PeakLabels
        peaks={model.peaks}
        chart={model.loss}
        axis={axis}
        left={left}
        width={width}
        lane={lanes.loss}
      />
      {lanes.scalar === null || model.scalar === null ? null : (
        <>
          <p className={styles['title']} style={{ top: lanes.scalar.top }}>
            {model.scalarNames.length < 2 ? (
              model.scalar.label
            ) : (
              <WordMenu
                label="Scalar under the loss"
                value={model.scalar.name}
                options={scalarOptions(model.scalarNames, model.scalar.name)}
                onChange={model.onScalar}
              />
            )}{' '}
            <small>
              {model.scalar.name === 'gradient_norm' ? 'global · ' : null}
              <ScaleWord onClick={model.onScalarScale}>{model.scalar.chart.scale}</ScaleWord>
            </small>
          </p>
          <ScalarTimeline
            {...shared}
            {...lanes.scalar}
            chart={model.scalar.chart}
            label={`${model.scalar.label} over steps`}
            colour="var(--trace2)"
            lines={model.scalar.lines}
          />
        </>
      )}
      {lanes.ratio === null || model.stabilityRatio === null ? null : (
        <>
          <p className={styles['title']} style={{ top: lanes.ratio.top }}>
            Stability <small>η·λ to its limit</small>
          </p>
          <ScalarTimeline
            {...shared}
            {...lanes.ratio}
            chart={model.stabilityRatio}
            label="Stability ratio over steps, its limit at 1"
            colour="var(--trace2)"
            limit={STABILITY_LIMIT}
          />
        </>
      )}
      {nowAt === null || isNarrow ? null : (
        <span
          className={styles['now']}
          style={{
            left: left + pixelOfStep(axis, width, nowAt) + NOW_GAP_PX,
            top: lanes.loss.top + lanes.loss.height - 14,
          }}
          aria-hidden
        >
          now
        </span>
      )}
    </>
  );
}

/** What is stored, and what a link names beside it. */
function scalarOptions(names: readonly string[], chosen: string) {
  return (names.includes(chosen) ? names : [...names, chosen]).map((name) => ({
    value: name,
    label: scalarLabel(name),
  }));
}

function ScaleWord({
  onClick,
  children,
}: {
  readonly onClick: () => void;
  readonly children: ReactNode;
}) {
  return (
    <button
      type="button"
      className={styles['scale_toggle']}
      onClick={onClick}
      title="Change between a logarithmic, a linear and a symlog axis"
    >
      {children}
    </button>
  );
}
