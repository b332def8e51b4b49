import { memo } from 'react';
import { STAGE_NAMES } from '@/lib/contract/stages';
import { stageColour } from '@/lib/view/stages/stage-colours';
import { stageLabel } from '@/lib/view/stages/stage-label';
import { STAGE_COLOURS } from '@/app/_design/canvas-colours';
import type { Theme } from '@/app/_hooks/use-theme';
import { boxOf, type PlotGeometry } from './plot-geometry';
import styles from './plot.module.css';

/** How broad the lane is, in CSS pixels: a column beside the rows, a row under the columns. */
export const STAGE_LANE_PX = { 'steps-right': 12, 'steps-down': 8 } as const;

/** Where each layer stands now, at the end of its row or column. */
export function StageLane({
  geometry,
  stages,
  layerNames,
  theme,
  at,
}: {
  readonly geometry: PlotGeometry;
  readonly stages: readonly number[];
  readonly layerNames: readonly string[];
  readonly theme: Theme;
  /** Where it begins along the steps. */
  readonly at: number;
}) {
  const { orientation, layerAxis, layerLane, layerOfRow, devicePixelRatio } = geometry;
  const breadth = STAGE_LANE_PX[orientation];
  const { left, top, width, height } = boxOf(geometry, { start: at, size: breadth }, layerLane);
  return (
    <svg
      className={styles['stages']}
      style={{ left, top }}
      width={width}
      height={height}
      role="img"
      aria-label="Stage of each layer now"
    >
      <StageRects
        orientation={orientation}
        layerAxis={layerAxis}
        layerOfRow={layerOfRow}
        devicePixelRatio={devicePixelRatio}
        stages={stages}
        layerNames={layerNames}
        theme={theme}
      />
    </svg>
  );
}

/** Kept while steps are zoomed and frames come: thousands of layers change with none of these. */
const StageRects = memo(function StageRects({
  orientation,
  layerAxis,
  layerOfRow,
  devicePixelRatio,
  stages,
  layerNames,
  theme,
}: Pick<PlotGeometry, 'orientation' | 'layerAxis' | 'layerOfRow' | 'devicePixelRatio'> & {
  readonly stages: readonly number[];
  readonly layerNames: readonly string[];
  readonly theme: Theme;
}) {
  const breadth = STAGE_LANE_PX[orientation];
  return layerAxis.bands.flatMap(({ start, end, firstRow, endRow }) =>
    layerOfRow.slice(firstRow, endRow).map((layer) => {
      const stage = stages[layer] ?? NaN;
      if (!Number.isFinite(stage)) return null;
      const length = (end - start) / devicePixelRatio;
      const size = length >= 4 ? length - 1 : length;
      const at = start / devicePixelRatio;
      return (
        <rect
          key={layer}
          {...(orientation === 'steps-right'
            ? { y: at, width: breadth, height: size }
            : { x: at, width: size, height: breadth })}
          fill={stageColour(stage, STAGE_COLOURS[theme])}
        >
          <title>
            {`${layerNames[layer] ?? ''}: ${stageLabel(STAGE_NAMES[stage] ?? '').word}`}
          </title>
        </rect>
      );
    }),
  );
});
