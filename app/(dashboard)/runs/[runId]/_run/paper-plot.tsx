'use client';

import { useMemo } from 'react';
import { Line, LineChart, XAxis, YAxis } from 'recharts';
import { prepareLayerAxis } from '@/lib/view/layer-axis';
import { pixelOfStep } from '@/lib/view/step-axis';
import { stepTicks, type Tick } from '@/lib/view/ticks';
import { drawnScale, shareOnAxis, type TimelineChart } from '@/lib/view/timeline-chart';
import { TickText } from '@/app/_components/tick-text';
import { useElementSize } from '@/app/_hooks/use-element-size';
import { CrosshairOverlay } from './crosshair-overlay';
import { GroupColumns } from './group-labels';
import { HeatmapCanvas } from './heatmap-canvas';
import type { PlotGeometry } from './plot-geometry';
import { lossOf, nearestStepOf } from './plot-readings';
import { PlotSurface } from './plot-surface';
import type { RunPlotModel } from './run-view-model';
import { stretch } from './scalar-timeline';
import { STAGE_ROW_HEIGHT, StageRow } from './stage-column';
import { StripCanvas } from './strip-canvas';
import styles from './plot.module.css';

const HEADER_HEIGHT = 40;
const TRACE_LEFT = 80;
const TRACE_WIDTH = 84;
const STRIP_LEFT = 180;
const STRIP_WIDTH = 14;
const HEATMAP_LEFT = 204;
const RIGHT_GAP = 24;
const FOOTER_HEIGHT = 34;
const STAGE_ROW_GAP = 4;
const LEAST_HEIGHT = 240;

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
  const available = Math.max(0, (size?.width ?? 0) - HEATMAP_LEFT - RIGHT_GAP);
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
      layerLane: { start: HEATMAP_LEFT, size: width },
      crossLane: { start: TRACE_LEFT - 8, size: HEATMAP_LEFT + width - TRACE_LEFT + 8 },
    }),
    [axis, layerAxis, layerOfRow, ratio, height, width],
  );
  const bottom = HEADER_HEIGHT + height + stageHeight;

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
          <LossColumn chart={model.loss} axis={axis} drawnAxis={model.drawnAxis} height={height} />
          <span
            className={styles['column_label']}
            style={{ left: STRIP_LEFT - 10, width: STRIP_WIDTH + 20, top: 9, lineHeight: '13px' }}
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
            across={{ start: STRIP_LEFT, size: STRIP_WIDTH }}
            orientation="steps-down"
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
            <p className={styles['notice']} style={{ left: HEATMAP_LEFT, top: HEADER_HEIGHT + 10 }}>
              {model.emptyReason}
            </p>
          )}
          <GroupColumns
            layerAxis={layerAxis}
            devicePixelRatio={ratio}
            left={HEATMAP_LEFT}
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
          {stepTicks(axis.low, axis.high, Math.max(2, Math.floor(height / 60))).map((tick) => (
            <span
              key={tick.value}
              className={styles['row_label']}
              style={{
                width: TRACE_LEFT - 16,
                top: HEADER_HEIGHT + pixelOfStep(axis, height, tick.value),
              }}
              aria-hidden
            >
              <TickText tick={tick} /> –
            </span>
          ))}
          <span
            className={styles['column_label']}
            style={{ right: size.width - HEATMAP_LEFT - width, top: bottom + 5 }}
            aria-hidden
          >
            {model.groups.length > 0 ? 'layers in model order' : 'layers by name'}
          </span>
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

/** The column is narrow: a number that would touch the one before it is left out. */
const LEAST_TICK_DISTANCE_PX = 30;

function spacedTicks(chart: TimelineChart): Tick[] {
  let last = Infinity;
  const kept: Tick[] = [];
  for (const tick of [...chart.ticks].reverse()) {
    const x = TRACE_WIDTH * shareOnAxis(chart, tick.value);
    if (last - x < LEAST_TICK_DISTANCE_PX) continue;
    kept.push(tick);
    last = x;
  }
  return kept;
}

/** The loss beside the heatmap, steps downwards as there. */
function LossColumn({
  chart,
  axis,
  drawnAxis,
  height,
}: {
  readonly chart: TimelineChart;
  readonly axis: RunPlotModel['axis'];
  readonly drawnAxis: RunPlotModel['axis'];
  readonly height: number;
}) {
  return (
    <div role="img" aria-label="Loss, steps downwards">
      <span
        className={styles['column_label']}
        style={{ left: TRACE_LEFT, width: TRACE_WIDTH, top: 3 }}
        aria-hidden
      >
        loss
      </span>
      {spacedTicks(chart).map((tick) => {
        const x = TRACE_LEFT + TRACE_WIDTH * shareOnAxis(chart, tick.value);
        return (
          <div key={tick.value} aria-hidden>
            <span className={styles['x_tick']} style={{ left: x, top: 18 }}>
              <TickText tick={tick} />
            </span>
            <span
              className={styles['group_rule']}
              style={{ left: x, top: HEADER_HEIGHT, width: 1, height, background: 'var(--line)' }}
            />
          </div>
        );
      })}
      <div
        className={styles['chart']}
        style={{ left: TRACE_LEFT, top: HEADER_HEIGHT, width: TRACE_WIDTH, height }}
        aria-hidden
      >
        <div style={{ transform: stretch(drawnAxis, axis, height, 'Y'), transformOrigin: '0 0' }}>
          <LineChart
            layout="vertical"
            width={TRACE_WIDTH}
            height={height}
            data={[...chart.points]}
            margin={{ top: 0, right: 0, bottom: 0, left: 0 }}
            accessibilityLayer={false}
          >
            <XAxis
              type="number"
              scale={drawnScale(chart)}
              domain={[chart.domain[0], chart.domain[1]]}
              allowDataOverflow
              hide
              height={0}
            />
            <YAxis
              dataKey="step"
              type="number"
              domain={[drawnAxis.low, drawnAxis.high]}
              allowDataOverflow
              hide
              width={0}
            />
            <Line
              dataKey="value"
              type="linear"
              stroke="var(--trace)"
              className={styles['trace'] ?? ''}
              dot={false}
              activeDot={false}
              connectNulls={false}
              isAnimationActive={false}
            />
          </LineChart>
        </div>
      </div>
    </div>
  );
}
