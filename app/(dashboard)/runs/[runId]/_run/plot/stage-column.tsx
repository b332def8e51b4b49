import { memo } from 'react';
import { STAGE_NAMES } from '@/lib/contract/stages';
import type { LayerAxis } from '@/lib/view/axes/layer-axis';
import { stageColour } from '@/lib/view/stages/stage-colours';
import { stageLabel } from '@/lib/view/stages/stage-label';
import { STAGE_COLOURS } from '@/app/_design/canvas-colours';
import type { Theme } from '@/app/_hooks/use-theme';
import type { PlotGeometry } from './plot-geometry';
import styles from './plot.module.css';

const STAGE_COLUMN_WIDTH = 12;
export const STAGE_ROW_HEIGHT = 8;

/** Where each layer stands now, at the right of its row. */
export function StageColumn({
  geometry,
  stages,
  layerNames,
  theme,
  left,
  isNarrow,
}: {
  readonly geometry: PlotGeometry;
  readonly stages: readonly number[];
  readonly layerNames: readonly string[];
  readonly theme: Theme;
  readonly left: number;
  /** There is no room for its name. */
  readonly isNarrow: boolean;
}) {
  const { layerAxis, layerLane, layerOfRow, devicePixelRatio: ratio } = geometry;
  return (
    <>
      {isNarrow ? null : (
        <span
          className={styles['now']}
          style={{ left: left - 4, top: layerLane.start - 20 }}
          aria-hidden
        >
          now
        </span>
      )}
      <svg
        className={styles['stages']}
        style={{ left, top: layerLane.start }}
        width={STAGE_COLUMN_WIDTH}
        height={layerLane.size}
        role="img"
        aria-label="Stage of each layer now"
      >
        <StageRects
          layerAxis={layerAxis}
          layerOfRow={layerOfRow}
          devicePixelRatio={ratio}
          stages={stages}
          layerNames={layerNames}
          theme={theme}
          isAcross={false}
        />
      </svg>
    </>
  );
}

/** The same under the columns of the paper's layout. */
export function StageRow({
  geometry,
  stages,
  layerNames,
  theme,
  top,
}: {
  readonly geometry: PlotGeometry;
  readonly stages: readonly number[];
  readonly layerNames: readonly string[];
  readonly theme: Theme;
  readonly top: number;
}) {
  const { layerAxis, layerLane, layerOfRow, devicePixelRatio: ratio } = geometry;
  return (
    <svg
      className={styles['stages']}
      style={{ left: layerLane.start, top }}
      width={layerLane.size}
      height={STAGE_ROW_HEIGHT}
      role="img"
      aria-label="Stage of each layer now"
    >
      <StageRects
        layerAxis={layerAxis}
        layerOfRow={layerOfRow}
        devicePixelRatio={ratio}
        stages={stages}
        layerNames={layerNames}
        theme={theme}
        isAcross
      />
    </svg>
  );
}

/** Kept while steps are zoomed and frames come: thousands of layers change with none of these. */
const StageRects = memo(function StageRects({
  layerAxis,
  layerOfRow,
  devicePixelRatio,
  stages,
  layerNames,
  theme,
  isAcross,
}: {
  readonly layerAxis: LayerAxis;
  readonly layerOfRow: readonly number[];
  readonly devicePixelRatio: number;
  readonly stages: readonly number[];
  readonly layerNames: readonly string[];
  readonly theme: Theme;
  /** Side by side, as the layers of the paper's layout. */
  readonly isAcross: boolean;
}) {
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
          {...(isAcross
            ? { x: at, width: size, height: STAGE_ROW_HEIGHT }
            : { y: at, width: STAGE_COLUMN_WIDTH, height: size })}
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
