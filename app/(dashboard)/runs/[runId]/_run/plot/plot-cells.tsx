import type { RunPlotModel } from '../model/run-view-model';
import { CellMarksCanvas } from './cell-marks-canvas';
import { HeatmapCanvas } from './heatmap-canvas';
import { PauseBands } from './pause-bands';
import { boxOf, type Lane, type PlotGeometry } from './plot-geometry';
import { StripCanvas } from './strip-canvas';
import styles from './plot.module.css';

/** Between the corner of the cells and the words in their place. */
const NOTICE_GAP_PX = 10;

/** What both layouts draw over steps × layers: the strip, the cells or why there are none, their marks, pauses. */
export function PlotCells({
  model,
  geometry,
  strip,
}: {
  readonly model: RunPlotModel;
  readonly geometry: PlotGeometry;
  /** Where the strip of log perplexity lies across the steps. */
  readonly strip: Lane;
}) {
  const { version, theme } = model;
  const { left, top } = boxOf(geometry, geometry.stepLane, geometry.layerLane);
  return (
    <>
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
        <p className={styles['notice']} style={{ left, top: top + NOTICE_GAP_PX }}>
          {model.emptyReason}
        </p>
      )}
      <CellMarksCanvas geometry={geometry} marks={model.marks} theme={theme} />
      <PauseBands geometry={geometry} />
    </>
  );
}
