'use client';

import { useMemo } from 'react';
import { STABILITY_LIMIT } from '@/lib/contract/warnings';
import { axisTicks } from '@/lib/view/axes/axis-ticks';
import { TickText } from '@/app/_components/tick-text';
import { useElementSize } from '@/app/_hooks/use-element-size';
import { AxisUnit } from './axis-unit';
import { GroupColumns } from './group-labels';
import { PlotFrame } from './plot-frame';
import type { PlotGeometry } from './plot-geometry';
import { MENU_SIZE_PX, type PlotMenu } from './run-chart-menu';
import type { RunPlotModel } from '../model/run-view-model';
import { STAGE_LANE_PX } from './stage-lane';
import { TimelineColumn } from '../timelines/timeline-column';
import { useLayerAxis } from './use-layer-axis';
import styles from './plot.module.css';

const HEADER_HEIGHT = 40;
const TRACE_LEFT = 80;
const TRACE_WIDTH = 84;
/** The column of the stability ratio, where the run has one. */
const RATIO_WIDTH = 56;
const COLUMN_GAP = 16;
const STRIP_WIDTH = 14;
const STRIP_GAP = 10;
const RIGHT_GAP = 24;
const FOOTER_HEIGHT = 34;
const STAGE_ROW_GAP = 4;
const LEAST_HEIGHT = 240;

const MENU_GAP_PX = 2;

/** Below what they are of; a picture of the heatmap holds the columns beside it, as the paper's does. */
function menusOf(
  model: RunPlotModel,
  columns: { readonly ratioLeft: number; readonly stripLeft: number; readonly heatmapLeft: number },
  heatmapWidth: number,
): Omit<PlotMenu, 'top'>[] {
  const { ratioLeft, stripLeft, heatmapLeft } = columns;
  const under = (left: number, columnWidth: number) => left + (columnWidth - MENU_SIZE_PX) / 2;
  return [
    {
      chart: 'loss',
      left: under(TRACE_LEFT, TRACE_WIDTH),
      parts: [{ width: TRACE_LEFT + TRACE_WIDTH + 8 }],
    },
    ...(model.stabilityRatio === null
      ? []
      : [
          {
            chart: 'ratio' as const,
            left: under(ratioLeft, RATIO_WIDTH),
            parts: [{ left: ratioLeft - 8, width: RATIO_WIDTH + 16 }],
          },
        ]),
    {
      chart: 'strip',
      left: under(stripLeft, STRIP_WIDTH),
      parts: [{ left: stripLeft - 10, width: STRIP_WIDTH + 20 }],
    },
    ...(model.option === null
      ? []
      : [
          {
            chart: 'heatmap' as const,
            left: heatmapLeft,
            parts: [{ width: heatmapLeft + heatmapWidth + RIGHT_GAP }],
          },
        ]),
  ];
}

/** Figure 4 as the paper lays it out: layers side by side, steps downwards. */
export function PaperPlot({
  model,
  stages,
}: {
  readonly model: RunPlotModel;
  /** [L] where each layer stands now; null where none could be placed. */
  readonly stages: readonly number[] | null;
}) {
  const [ref, size] = useElementSize();
  const { axis, layerOfRow } = model;
  const ratio = size?.devicePixelRatio ?? 1;
  const ratioLeft = TRACE_LEFT + TRACE_WIDTH + COLUMN_GAP;
  const stripLeft =
    model.stabilityRatio === null ? ratioLeft : ratioLeft + RATIO_WIDTH + COLUMN_GAP;
  const heatmapLeft = stripLeft + STRIP_WIDTH + STRIP_GAP;
  const available = Math.max(0, (size?.width ?? 0) - heatmapLeft - RIGHT_GAP);
  const stageHeight = stages === null ? 0 : STAGE_LANE_PX['steps-down'] + STAGE_ROW_GAP;
  const height = Math.max(
    LEAST_HEIGHT,
    (size?.height ?? 0) - HEADER_HEIGHT - FOOTER_HEIGHT - stageHeight,
  );

  const layerAxis = useLayerAxis(model, available, ratio);
  const width = layerAxis.length / ratio;
  const geometry = useMemo<PlotGeometry>(
    () => ({
      orientation: 'steps-down',
      axis,
      layerAxis,
      layerOfRow,
      devicePixelRatio: ratio,
      stepLane: { start: HEADER_HEIGHT, size: height },
      layerLane: { start: heatmapLeft, size: width },
      crossLane: { start: TRACE_LEFT - 8, size: heatmapLeft + width - TRACE_LEFT + 8 },
    }),
    [axis, layerAxis, layerOfRow, ratio, height, width, heatmapLeft],
  );
  const bottom = HEADER_HEIGHT + height + stageHeight;
  const column = { axis, drawnAxis: model.drawnAxis, top: HEADER_HEIGHT, height };

  return (
    <div ref={ref} className={styles['plot']}>
      {size === null || available < 40 ? null : (
        <PlotFrame
          model={model}
          geometry={geometry}
          width={size.width}
          height={bottom + FOOTER_HEIGHT}
          left={TRACE_LEFT - 8}
          strip={{ start: stripLeft, size: STRIP_WIDTH }}
          stages={stages}
          stageAt={HEADER_HEIGHT + height + STAGE_ROW_GAP}
          menus={menusOf(model, { ratioLeft, stripLeft, heatmapLeft }, width).map((menu) => ({
            ...menu,
            top: bottom + MENU_GAP_PX,
          }))}
          lossLane={{ start: TRACE_LEFT, size: TRACE_WIDTH }}
          stepChip={TRACE_LEFT - 12}
          layerChip={bottom + 13}
        >
          <TimelineColumn
            {...column}
            chart={model.loss}
            name={model.isPerplexity ? 'perplexity' : 'loss'}
            label="Loss, steps downwards"
            colour="var(--trace)"
            lines={model.lossLines}
            left={TRACE_LEFT}
            width={TRACE_WIDTH}
          />
          {model.stabilityRatio === null ? null : (
            <TimelineColumn
              {...column}
              chart={model.stabilityRatio}
              name="stability"
              label="Stability ratio, its limit at 1, steps downwards"
              colour="var(--trace2)"
              limit={STABILITY_LIMIT}
              left={ratioLeft}
              width={RATIO_WIDTH}
            />
          )}
          <AxisUnit model={model} width={TRACE_LEFT - 16} top={HEADER_HEIGHT - 16} />
          <span
            className={styles['column_label']}
            style={{ left: stripLeft - 10, width: STRIP_WIDTH + 20, top: 9, lineHeight: '13px' }}
            aria-hidden
          >
            log
            <br />
            ppl
          </span>
          <GroupColumns
            layerAxis={layerAxis}
            devicePixelRatio={ratio}
            left={heatmapLeft}
            bottom={HEADER_HEIGHT}
          />
          {axisTicks(axis, height, Math.max(2, Math.floor(height / 60))).map(({ pixel, tick }) => (
            <span
              key={tick.value}
              className={styles['row_label']}
              style={{
                width: TRACE_LEFT - 16,
                top: HEADER_HEIGHT + pixel,
              }}
              aria-hidden
            >
              <TickText tick={tick} /> –
            </span>
          ))}
          <span
            className={styles['column_label']}
            style={{ right: size.width - heatmapLeft - width, top: bottom + 5 }}
            aria-hidden
          >
            {model.groups.length > 0 ? 'layers in model order' : 'layers by name'}
          </span>
        </PlotFrame>
      )}
    </div>
  );
}
