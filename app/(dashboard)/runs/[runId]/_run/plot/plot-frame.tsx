import type { ReactNode } from 'react';
import type { RunPlotModel } from '../model/run-view-model';
import { CellMarksCanvas } from './cell-marks-canvas';
import { CrosshairOverlay } from './crosshair-overlay';
import { HeatmapCanvas } from './heatmap-canvas';
import { PauseBands } from './pause-bands';
import { boxOf, type Lane, type PlotGeometry } from './plot-geometry';
import { PlotSurface } from './plot-surface';
import { RunChartMenu, type PlotMenu } from './run-chart-menu';
import { StageLane } from './stage-lane';
import { StripCanvas } from './strip-canvas';
import styles from './plot.module.css';

/** Between the corner of the cells and the words in their place. */
const NOTICE_GAP_PX = 10;

/**
 * What both layouts draw over steps × layers, each where its layout says: the strip, the cells
 * or why there are none, their marks, pauses, where layers stand now, menus, and the crosshair
 * over all of it. Timelines and labels are the layout's own.
 */
export function PlotFrame({
  model,
  geometry,
  width,
  height,
  left,
  strip,
  stages,
  stageAt,
  menus,
  lossLane,
  stepChip,
  layerChip,
  children,
}: {
  readonly model: RunPlotModel;
  readonly geometry: PlotGeometry;
  readonly width: number;
  readonly height: number;
  /** The plot begins here; what lies left of it are labels. */
  readonly left: number;
  /** Where the strip of log perplexity lies across the steps. */
  readonly strip: Lane;
  /** [L] where each layer stands now; null where none could be placed. */
  readonly stages: readonly number[] | null;
  /** Where the lane of stages begins along the steps. */
  readonly stageAt: number;
  readonly menus: readonly PlotMenu[];
  /** Where the curve of the loss lies across the steps. */
  readonly lossLane: Lane;
  readonly stepChip: number;
  /** null where there is no room for it. */
  readonly layerChip: number | null;
  readonly children: ReactNode;
}) {
  const { version, theme } = model;
  const cells = boxOf(geometry, geometry.stepLane, geometry.layerLane);
  return (
    <PlotSurface model={model} geometry={geometry} width={width} height={height} left={left}>
      {children}
      <StripCanvas
        geometry={geometry}
        across={strip}
        columns={model.columns}
        version={version}
        theme={theme}
      />
      {model.emptyReason === null ? (
        <HeatmapCanvas
          geometry={geometry}
          columns={model.comparison?.cells ?? model.columns}
          version={version}
          colours={model.colours}
          theme={theme}
          label={model.plotLabel}
        />
      ) : (
        <p
          className={styles['notice']}
          style={{ left: cells.left, top: cells.top + NOTICE_GAP_PX }}
        >
          {model.emptyReason}
        </p>
      )}
      <CellMarksCanvas geometry={geometry} marks={model.marks} theme={theme} />
      <PauseBands geometry={geometry} />
      {stages === null ? null : (
        <StageLane
          geometry={geometry}
          stages={stages}
          layerNames={model.layerNames}
          theme={theme}
          at={stageAt}
        />
      )}
      {menus.map((menu) => (
        <RunChartMenu key={menu.chart} model={model} {...menu} />
      ))}
      <CrosshairOverlay
        model={model}
        geometry={geometry}
        lossLane={lossLane}
        width={width}
        height={height}
        stepChip={stepChip}
        layerChip={layerChip}
      />
    </PlotSurface>
  );
}
