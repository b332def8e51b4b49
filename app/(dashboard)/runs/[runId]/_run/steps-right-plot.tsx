'use client';

import { useMemo } from 'react';
import { STABILITY_LIMIT } from '@/lib/contract/warnings';
import { prepareLayerAxis } from '@/lib/view/layer-axis';
import { chooseLabels } from '@/lib/view/place-labels';
import { pixelOfStep, type StepAxis } from '@/lib/view/step-axis';
import { stepTicks } from '@/lib/view/ticks';
import { shareOnAxis } from '@/lib/view/timeline-chart';
import { classNames } from '@/app/_design/class-names';
import { useElementSize } from '@/app/_hooks/use-element-size';
import { CrosshairOverlay } from './crosshair-overlay';
import { EventLane } from './event-lane';
import { GroupRows } from './group-labels';
import { HeatmapCanvas } from './heatmap-canvas';
import { IntervalTints } from './interval-tints';
import type { PlotGeometry } from './plot-geometry';
import { PlotSurface } from './plot-surface';
import type { RunPlotModel } from './run-view-model';
import { ScalarTimeline } from './scalar-timeline';
import { StageColumn } from './stage-column';
import { StripCanvas } from './strip-canvas';
import { TickText } from '@/app/_components/tick-text';
import styles from './plot.module.css';

/** Heights and gaps of VISUAL's run screen; the phone drops all but the loss. */
const WIDE = { gutter: 144, right: 30, loss: 132, norm: 64, ratio: 44, leastHeatmap: 160 };
const NARROW = { gutter: 46, right: 14, loss: 104, norm: 0, ratio: 0, leastHeatmap: 236 };
const EVENTS_HEIGHT = 22;
/** Between the plot and the column of stages. */
const STAGE_COLUMN_GAP = 8;
const STRIP_HEIGHT = 8;
const AXIS_HEIGHT = 20;
const BOTTOM_GAP = 10;
const PEAK_GAP_PX = 6;
/** Above the peak: beside it the falling trace would run through the words. */
const PEAK_RISE_PX = 15;
/** A character of the peak's name at its size, near enough to keep two apart. */
const PEAK_CHARACTER_PX = 6.4;

/** Timelines over the heatmap, steps to the right: a spike is one vertical edge. */
export function StepsRightPlot({
  model,
  stages,
  isNarrow,
}: {
  readonly model: RunPlotModel;
  /** [L] where each layer stands now; null where none could be placed. */
  readonly stages: readonly number[] | null;
  readonly isNarrow: boolean;
}) {
  const [ref, size] = useElementSize();
  const measures = isNarrow ? NARROW : WIDE;
  const left = measures.gutter;
  const width = Math.max(0, (size?.width ?? 0) - left - measures.right);
  const lossTop = EVENTS_HEIGHT;
  const normTop = lossTop + measures.loss + 8;
  const hasNorm = measures.norm > 0 && model.scalar !== null;
  const hasRatio = measures.ratio > 0 && model.stabilityRatio !== null;
  const lossEnd = lossTop + measures.loss;
  const normEnd = hasNorm ? normTop + measures.norm : lossEnd;
  const ratioTop = normEnd + 8;
  const timelinesEnd = hasRatio ? ratioTop + measures.ratio : normEnd;
  const stripTop = timelinesEnd + (timelinesEnd === lossEnd ? 10 : 16);
  const heatmapTop = stripTop + STRIP_HEIGHT + 6;
  // A phone's page scrolls: the heatmap has its own height there instead of the rest.
  const available = isNarrow
    ? measures.leastHeatmap
    : Math.max(measures.leastHeatmap, (size?.height ?? 0) - heatmapTop - AXIS_HEIGHT - BOTTOM_GAP);
  const ratio = size?.devicePixelRatio ?? 1;
  const { axis, layerOfRow, groups } = model;

  const layerAxis = useMemo(
    () => prepareLayerAxis(layerOfRow.length, groups, Math.floor(available * ratio), ratio),
    [layerOfRow.length, groups, available, ratio],
  );
  const heatmapHeight = layerAxis.length / ratio;
  const axisTop = heatmapTop + Math.max(heatmapHeight, layerOfRow.length === 0 ? 40 : 0);
  const geometry = useMemo<PlotGeometry>(
    () => ({
      orientation: 'steps-right',
      axis,
      layerAxis,
      layerOfRow,
      devicePixelRatio: ratio,
      stepLane: { start: left, size: width },
      layerLane: { start: heatmapTop, size: heatmapHeight },
      crossLane: { start: EVENTS_HEIGHT - 4, size: axisTop - EVENTS_HEIGHT + 4 },
    }),
    [axis, layerAxis, layerOfRow, ratio, left, width, heatmapTop, heatmapHeight, axisTop],
  );
  const height = axisTop + AXIS_HEIGHT + BOTTOM_GAP;
  const gridEnd = left + width + (isNarrow ? 0 : 26);
  const nowAt = model.isGrowing && model.window === null ? model.newestStep : null;

  return (
    <div ref={ref} className={styles['plot']}>
      {size === null || width < 40 ? null : (
        <PlotSurface
          geometry={geometry}
          store={model.crosshair}
          nearestStep={nearestStepOf(model)}
          firstStep={model.firstStep}
          newestStep={model.newestStep}
          onWindow={model.onWindow}
          width={size.width}
          height={height}
          left={left - 4}
          label={model.plotLabel}
        >
          <IntervalTints
            intervals={model.intervals}
            axis={axis}
            left={left}
            width={width}
            height={timelinesEnd}
          />
          <p className={styles['title']} style={{ top: isNarrow ? 3 : lossTop + 2 }}>
            Loss
            {isNarrow ? null : (
              <small>
                <button
                  type="button"
                  className={styles['scale_toggle']}
                  onClick={model.onLossScale}
                  title="Change between a logarithmic, a linear and a symlog axis"
                >
                  {model.loss.scale}
                </button>
                {' · '}
                <button
                  type="button"
                  className={styles['scale_toggle']}
                  onClick={model.onLossUnit}
                  title="Change between the loss in nats and the perplexity"
                >
                  {model.isPerplexity ? 'perplexity' : 'nats'}
                </button>
              </small>
            )}
          </p>
          <ScalarTimeline
            chart={model.loss}
            axis={axis}
            drawnAxis={model.drawnAxis}
            label="Loss over steps"
            colour="var(--trace)"
            newestStep={nowAt}
            lines={model.lossLines}
            left={left}
            top={lossTop}
            width={width}
            height={measures.loss}
            gridEnd={gridEnd}
          />
          {placePeaks(model.peaks, axis, width).map(({ peak, x, isLate }) => (
            <span
              key={peak.step}
              className={styles['peak']}
              style={{
                left: left + (isLate ? x - PEAK_GAP_PX : x + PEAK_GAP_PX),
                top:
                  lossTop +
                  measures.loss * (1 - shareOnAxis(model.loss, peak.value)) -
                  PEAK_RISE_PX,
                transform: isLate ? 'translateX(-100%)' : undefined,
              }}
            >
              {peak.text}
            </span>
          ))}
          {hasNorm ? (
            <>
              <p className={styles['title']} style={{ top: normTop }}>
                {model.scalar.label}{' '}
                <small>
                  {model.scalar.name === 'gradient_norm' ? 'global · ' : null}
                  <button
                    type="button"
                    className={styles['scale_toggle']}
                    onClick={model.onScalarScale}
                    title="Change between a logarithmic, a linear and a symlog axis"
                  >
                    {model.scalar.chart.scale}
                  </button>
                </small>
              </p>
              <ScalarTimeline
                chart={model.scalar.chart}
                axis={axis}
                drawnAxis={model.drawnAxis}
                label={`${model.scalar.label} over steps`}
                colour="var(--trace2)"
                newestStep={nowAt}
                lines={model.scalar.lines}
                left={left}
                top={normTop}
                width={width}
                height={measures.norm}
                gridEnd={gridEnd}
              />
            </>
          ) : null}
          {hasRatio ? (
            <>
              <p className={styles['title']} style={{ top: ratioTop }}>
                Stability <small>η·λ to its limit</small>
              </p>
              <ScalarTimeline
                chart={model.stabilityRatio}
                axis={axis}
                drawnAxis={model.drawnAxis}
                label="Stability ratio over steps, its limit at 1"
                colour="var(--trace2)"
                newestStep={nowAt}
                limit={STABILITY_LIMIT}
                left={left}
                top={ratioTop}
                width={width}
                height={measures.ratio}
                gridEnd={gridEnd}
              />
            </>
          ) : null}
          <EventLane
            items={model.lane}
            axis={axis}
            left={left}
            top={0}
            width={width}
            onGo={model.onGo}
          />
          {nowAt === null || isNarrow ? null : (
            <NowLabel x={left + pixelOfStep(axis, width, nowAt)} top={lossTop + measures.loss} />
          )}
          <span
            className={styles['row_label']}
            style={{ width: left - 8, top: stripTop + STRIP_HEIGHT / 2 }}
            aria-hidden
          >
            {isNarrow ? 'ppl' : 'log perplexity'}
          </span>
          <StripCanvas
            columns={model.columns}
            version={model.version}
            axis={axis}
            along={geometry.stepLane}
            across={{ start: stripTop, size: STRIP_HEIGHT }}
            orientation="steps-right"
            devicePixelRatio={ratio}
            theme={model.theme}
          />
          {model.emptyReason === null ? (
            <HeatmapCanvas
              geometry={geometry}
              columns={model.columns}
              version={model.version}
              colourTable={model.colourTable}
              theme={model.theme}
              label={model.plotLabel}
            />
          ) : (
            <p className={styles['notice']} style={{ left, top: heatmapTop + 10 }}>
              {model.emptyReason}
            </p>
          )}
          <GroupRows
            layerAxis={layerAxis}
            devicePixelRatio={ratio}
            left={left}
            top={heatmapTop}
            isNarrow={isNarrow}
            onToggle={model.onToggleGroup}
            covered={isNarrow ? null : { store: model.crosshair, geometry }}
          />
          {isNarrow ? null : (
            <span className={styles['row_label']} style={{ width: left - 8, top: axisTop + 11 }}>
              step
            </span>
          )}
          {stepTicks(axis.low, axis.high, Math.max(2, Math.floor(width / 80))).map((tick) => (
            <span
              key={tick.value}
              className={classNames(styles['x_tick'], styles['marked'])}
              style={{ left: left + pixelOfStep(axis, width, tick.value), top: axisTop + 3 }}
              aria-hidden
            >
              <TickText tick={tick} />
            </span>
          ))}
          {stages === null ? null : (
            <StageColumn
              geometry={geometry}
              stages={stages}
              layerNames={model.layerNames}
              theme={model.theme}
              left={left + width + (isNarrow ? 1 : STAGE_COLUMN_GAP)}
            />
          )}
          <CrosshairOverlay
            store={model.crosshair}
            geometry={geometry}
            layerNames={model.layerNames}
            lossAt={(step) => {
              const value = lossOf(model, step);
              return value === null
                ? null
                : {
                    x: left + pixelOfStep(axis, width, step),
                    y: lossTop + measures.loss * (1 - shareOnAxis(model.loss, value)),
                  };
            }}
            width={size.width}
            height={height}
            stepChip={axisTop + 11}
            layerChip={isNarrow ? null : left - 5}
          />
        </PlotSurface>
      )}
    </div>
  );
}

type Peak = RunPlotModel['peaks'][number];

/** The peaks that are named, the highest first where two would touch. */
function placePeaks(
  peaks: readonly Peak[],
  axis: StepAxis,
  width: number,
): readonly { readonly peak: Peak; readonly x: number; readonly isLate: boolean }[] {
  const placed = [...peaks]
    .sort((a, b) => b.value - a.value)
    .map((peak) => {
      const x = pixelOfStep(axis, width, peak.step);
      const textWidth = peak.text.length * PEAK_CHARACTER_PX;
      const isLate = x + PEAK_GAP_PX + textWidth > width;
      const left = isLate ? x - PEAK_GAP_PX - textWidth : x + PEAK_GAP_PX;
      return { peak, x, isLate, left, right: left + textWidth };
    })
    .filter(({ x }) => x >= 0 && x <= width);
  return chooseLabels(placed, PEAK_GAP_PX).flatMap((index) => placed[index] ?? []);
}

function NowLabel({ x, top }: { readonly x: number; readonly top: number }) {
  return (
    <span className={styles['now']} style={{ left: x + 5, top: top - 14 }} aria-hidden>
      now
    </span>
  );
}

/** The loss of the column that holds the step; null where none was reported. */
export function lossOf({ columns, isPerplexity }: RunPlotModel, step: number): number | null {
  const column = columns.columnAt(step);
  const nats = column === null ? NaN : (columns.loss[column] ?? NaN);
  const value = isPerplexity ? Math.exp(nats) : nats;
  return Number.isFinite(value) ? value : null;
}

export function nearestStepOf({ columns }: RunPlotModel): (step: number) => number {
  return (step) => {
    const column = columns.nearestColumn(step);
    if (column === null) return step;
    const from = columns.fromStep[column] ?? step;
    const to = columns.toStep[column] ?? step;
    return Math.min(to, Math.max(from, step));
  };
}
