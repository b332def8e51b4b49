'use client';

import { useMemo } from 'react';
import { STABILITY_LIMIT } from '@/lib/contract/warnings';
import { axisTicks } from '@/lib/view/axes/axis-ticks';
import { prepareLayerAxis } from '@/lib/view/axes/layer-axis';
import { pixelOfStep } from '@/lib/view/axes/step-axis';
import { shareOnAxis } from '@/lib/view/timelines/timeline-chart';
import { TickText } from '@/app/_components/tick-text';
import { useElementSize } from '@/app/_hooks/use-element-size';
import { AxisUnit } from './axis-unit';
import type { RunChart } from '../model/chart-subjects';
import { CellMarksCanvas } from './cell-marks-canvas';
import { CrosshairOverlay } from './crosshair-overlay';
import { GroupColumns } from './group-labels';
import { HeatmapCanvas } from './heatmap-canvas';
import { PauseBands } from './pause-bands';
import type { PlotGeometry } from './plot-geometry';
import { lossOf, nearestStepOf } from '../model/plot-readings';
import { PlotSurface } from './plot-surface';
import { RunChartMenu, type PlotPart } from './run-chart-menu';
import type { RunPlotModel } from '../model/run-view-model';
import { STAGE_ROW_HEIGHT, StageRow } from './stage-column';
import { StripCanvas } from './strip-canvas';
import { TimelineColumn } from '../timelines/timeline-column';
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
const MENU_SIZE_PX = 24;

/** Below what they are of; a picture of the heatmap holds the columns beside it, as the paper's does. */
function menusOf(
  model: RunPlotModel,
  columns: { readonly ratioLeft: number; readonly stripLeft: number; readonly heatmapLeft: number },
  heatmapWidth: number,
): { readonly chart: RunChart; readonly left: number; readonly parts: readonly PlotPart[] }[] {
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
  const { axis, layerOfRow, groups } = model;
  const ratio = size?.devicePixelRatio ?? 1;
  const ratioLeft = TRACE_LEFT + TRACE_WIDTH + COLUMN_GAP;
  const stripLeft =
    model.stabilityRatio === null ? ratioLeft : ratioLeft + RATIO_WIDTH + COLUMN_GAP;
  const heatmapLeft = stripLeft + STRIP_WIDTH + STRIP_GAP;
  const available = Math.max(0, (size?.width ?? 0) - heatmapLeft - RIGHT_GAP);
  const stageHeight = stages === null ? 0 : STAGE_ROW_HEIGHT + STAGE_ROW_GAP;
  const height = Math.max(
    LEAST_HEIGHT,
    (size?.height ?? 0) - HEADER_HEIGHT - FOOTER_HEIGHT - stageHeight,
  );

  const layerAxis = useMemo(
    () => prepareLayerAxis(layerOfRow.length, groups, Math.floor(available * ratio), ratio),
    [layerOfRow.length, groups, available, ratio],
  );
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
        <PlotSurface
          geometry={geometry}
          store={model.crosshair}
          nearestStep={nearestStepOf(model)}
          firstStep={model.firstStep}
          newestStep={model.newestStep}
          onWindow={model.onWindow}
          width={size.width}
          height={bottom + FOOTER_HEIGHT}
          left={TRACE_LEFT - 8}
          label={model.plotLabel}
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
          <StripCanvas
            columns={model.columns}
            version={model.version}
            axis={axis}
            along={geometry.stepLane}
            across={{ start: stripLeft, size: STRIP_WIDTH }}
            orientation="steps-down"
            devicePixelRatio={ratio}
            theme={model.theme}
          />
          {model.emptyReason === null ? (
            <HeatmapCanvas
              geometry={geometry}
              columns={model.comparison?.cells ?? model.columns}
              version={model.version}
              colours={model.colours}
              theme={model.theme}
              label={model.plotLabel}
            />
          ) : (
            <p className={styles['notice']} style={{ left: heatmapLeft, top: HEADER_HEIGHT + 10 }}>
              {model.emptyReason}
            </p>
          )}
          <CellMarksCanvas geometry={geometry} marks={model.marks} theme={model.theme} />
          <PauseBands geometry={geometry} />
          <GroupColumns
            layerAxis={layerAxis}
            devicePixelRatio={ratio}
            left={heatmapLeft}
            bottom={HEADER_HEIGHT}
          />
          {stages === null ? null : (
            <StageRow
              geometry={geometry}
              stages={stages}
              layerNames={model.layerNames}
              theme={model.theme}
              top={HEADER_HEIGHT + height + STAGE_ROW_GAP}
            />
          )}
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
          {menusOf(model, { ratioLeft, stripLeft, heatmapLeft }, width).map(
            ({ chart, left, parts }) => (
              <RunChartMenu
                key={chart}
                chart={chart}
                model={model}
                parts={parts}
                left={left}
                top={bottom + MENU_GAP_PX}
              />
            ),
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
                    x: TRACE_LEFT + TRACE_WIDTH * shareOnAxis(model.loss, value),
                    y: HEADER_HEIGHT + pixelOfStep(axis, height, step),
                  };
            }}
            width={size.width}
            height={bottom + FOOTER_HEIGHT}
            stepChip={TRACE_LEFT - 12}
            layerChip={bottom + 13}
          />
        </PlotSurface>
      )}
    </div>
  );
}
