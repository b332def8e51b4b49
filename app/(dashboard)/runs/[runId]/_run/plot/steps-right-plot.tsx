'use client';

import { useMemo } from 'react';
import { axisTicks, clearOfEnds } from '@/lib/view/axes/axis-ticks';
import { TickText } from '@/app/_components/tick-text';
import { useElementSize } from '@/app/_hooks/use-element-size';
import { AxisUnit } from './axis-unit';
import { EventLane } from '../timelines/event-lane';
import { GroupRows } from './group-labels';
import {
  AXIS_HEIGHT,
  BOTTOM_GAP,
  EVENTS_HEIGHT,
  layOutLanes,
  STRIP_HEIGHT,
  type LanePlace,
} from '../timelines/lane-layout';
import { PlotFrame } from './plot-frame';
import type { PlotGeometry } from './plot-geometry';
import type { RunPlotModel } from '../model/run-view-model';
import { MENU_SIZE_PX, type PlotMenu } from './run-chart-menu';
import { TimelineLanes } from '../timelines/timeline-lanes';
import { useLayerAxis } from './use-layer-axis';
import styles from './plot.module.css';

/** Between the plot and the column of stages. */
const STAGE_COLUMN_GAP = 8;

/** Menus stand right of what they are of, clear of the data. */
const MENU_GAP_PX = 3;

type MenuPlace = Omit<PlotMenu, 'left'>;

function laneMenu({ top, height }: LanePlace): Omit<MenuPlace, 'chart'> {
  return { top, parts: [{ top: top - 4, height: height + 8 }] };
}

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
  const { axis, layerOfRow } = model;

  const layerAxis = useLayerAxis(model, available, ratio);
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
  const heatmapEnd = axisTop - stripTop;
  const stageLeft = left + width + (isNarrow ? 1 : STAGE_COLUMN_GAP);
  // On a phone there is no room right of the plot: they stand over its end.
  const menuLeft = Math.min(left + width + MENU_GAP_PX, (size?.width ?? 0) - MENU_SIZE_PX);
  const clearWidth = Math.min(width, menuLeft - left - MENU_GAP_PX);
  const menus: readonly MenuPlace[] = [
    {
      chart: 'loss',
      top: lanes.loss.top,
      parts: [{ height: lanes.loss.top + lanes.loss.height }],
    },
    ...(lanes.scalar === null ? [] : [{ chart: 'scalar' as const, ...laneMenu(lanes.scalar) }]),
    ...(lanes.ratio === null ? [] : [{ chart: 'ratio' as const, ...laneMenu(lanes.ratio) }]),
    // A phone has no room for its own: the loss has the same numbers.
    ...(isNarrow
      ? []
      : [
          {
            chart: 'strip' as const,
            // Above the strip: beside it stands what names the column of stages.
            top: stripTop - MENU_SIZE_PX - 2,
            parts: [{ top: stripTop - 4, height: STRIP_HEIGHT + 8 }],
          },
        ]),
    ...(model.option === null
      ? []
      : [
          {
            chart: 'heatmap' as const,
            top: axisTop,
            parts: [{ top: stripTop, height: heatmapEnd }],
          },
        ]),
  ];

  return (
    <div ref={ref} className={styles['plot']}>
      {size === null || width < 40 ? null : (
        <PlotFrame
          model={model}
          geometry={geometry}
          width={size.width}
          height={height}
          left={left - 4}
          strip={{ start: stripTop, size: STRIP_HEIGHT }}
          stages={stages}
          stageAt={stageLeft}
          menus={menus.map(({ parts, ...place }) => ({
            ...place,
            parts: [...parts, { top: axisTop, height: AXIS_HEIGHT }],
            left: menuLeft,
          }))}
          lossLane={{ start: lanes.loss.top, size: lanes.loss.height }}
          stepChip={axisTop + 11}
          layerChip={isNarrow ? null : left - 5}
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
          <GroupRows
            layerAxis={layerAxis}
            devicePixelRatio={ratio}
            left={left}
            top={heatmapTop}
            isNarrow={isNarrow}
            shows={model.columns.shows}
            onToggle={model.onToggleGroup}
            covered={isNarrow ? null : { store: model.crosshair, geometry }}
          />
          {isNarrow ? null : <AxisUnit model={model} width={left - 8} top={axisTop + 11} />}
          {clearOfEnds(axisTicks(axis, width, Math.max(2, Math.floor(width / 80))), clearWidth).map(
            ({ pixel, tick, textPixel }) => (
              <div key={tick.value} aria-hidden>
                <span className={styles['x_mark']} style={{ left: left + pixel, top: axisTop }} />
                <span
                  className={styles['x_tick']}
                  style={{ left: left + textPixel, top: axisTop + 3 }}
                >
                  <TickText tick={tick} />
                </span>
              </div>
            ),
          )}
          {stages === null || isNarrow ? null : (
            <span
              className={styles['now']}
              style={{ left: stageLeft - 4, top: heatmapTop - 20 }}
              aria-hidden
            >
              now
            </span>
          )}
        </PlotFrame>
      )}
    </div>
  );
}
