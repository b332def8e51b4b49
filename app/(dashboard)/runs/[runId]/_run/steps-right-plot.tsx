'use client';

import { useMemo } from 'react';
import { prepareLayerAxis } from '@/lib/view/layer-axis';
import { pixelOfStep } from '@/lib/view/step-axis';
import { stepTicks } from '@/lib/view/ticks';
import { shareOnAxis } from '@/lib/view/timeline-chart';
import { TickText } from '@/app/_components/tick-text';
import { classNames } from '@/app/_design/class-names';
import { useElementSize } from '@/app/_hooks/use-element-size';
import { CrosshairOverlay } from './crosshair-overlay';
import { EventLane } from './event-lane';
import { GroupRows } from './group-labels';
import { HeatmapCanvas } from './heatmap-canvas';
import { AXIS_HEIGHT, BOTTOM_GAP, EVENTS_HEIGHT, layOutLanes, STRIP_HEIGHT } from './lane-layout';
import type { PlotGeometry } from './plot-geometry';
import { lossOf, nearestStepOf } from './plot-readings';
import { PlotSurface } from './plot-surface';
import type { RunPlotModel } from './run-view-model';
import { StageColumn } from './stage-column';
import { StripCanvas } from './strip-canvas';
import { TimelineLanes } from './timeline-lanes';
import styles from './plot.module.css';

/** Between the plot and the column of stages. */
const STAGE_COLUMN_GAP = 8;

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
  const lanes = layOutLanes({
    width: size?.width ?? 0,
    height: size?.height ?? 0,
    isNarrow,
    hasScalar: model.scalar !== null,
    hasRatio: model.stabilityRatio !== null,
  });
  const { left, width, stripTop, heatmapTop, heatmapHeight: available } = lanes;
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
          <TimelineLanes model={model} lanes={lanes} isNarrow={isNarrow} />
          <EventLane
            items={model.lane}
            axis={axis}
            left={left}
            top={0}
            width={width}
            onGo={model.onGo}
          />
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
                    y: lanes.loss.top + lanes.loss.height * (1 - shareOnAxis(model.loss, value)),
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
