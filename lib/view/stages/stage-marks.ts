import { STAGE_NAMES, STAGES_BY_SEVERITY } from '../../contract/stages';
import { packHex } from '../colours/colour-ramp';
import { columnExtent, usualInterval, type RasterPlot } from '../heatmap/raster-columns';
import { CODE_MISSING, CODE_NON_FINITE, decodeMagnitude } from '../colours/magnitude-code';
import { stageColour, type StageColours } from './stage-colours';
import { edgePixels } from '../axes/step-axis';

/** Stages of every layer and step, as the heatmap of the metric `stage` holds them. */
export interface StageColumns {
  readonly fromStep: Float64Array;
  readonly toStep: Float64Array;
  readonly layerCount: number;
  /** [columns × layers], column-major magnitude codes of the stage's index. */
  readonly codes: Uint16Array;
}

/** What is marked: the way into an instability and out of it, not the ordinary. */
const UNMARKED = 1 + STAGES_BY_SEVERITY.indexOf('healthy');
/** Lower rows have no room for a line along them: they are dotted instead. Device pixels. */
const LEAST_ROW_FOR_LINE = 6;
/** A line says which stage, however high its row is. */
const MOST_LINE = 6;
/** Every so many pixels a dot, along either direction. */
const DOT_PERIOD = 3;

/**
 * [pixels × bands] the severity of the worst stage on each pixel, 0 where nothing is
 * marked; pixel-major. A stage of one step on one of a thousand layers keeps its pixel.
 */
export function worstStages(columns: StageColumns, plot: RasterPlot): Uint8Array {
  const { axis, stepPixels, bands, layerOfRow } = plot;
  const field = new Uint8Array(stepPixels * bands.length);
  const severityOf = severityTable();
  const edge = edgePixels(axis, stepPixels);
  const interval = usualInterval(columns.fromStep);
  for (let column = 0; column < columns.fromStep.length; column++) {
    const [left, right] = columnExtent(columns, interval, column);
    if (right <= axis.low || left >= axis.high) continue;
    const first = Math.max(0, Math.floor(edge(left, 'begins') + 1e-6));
    const last = Math.floor(edge(right, 'ends') + 1e-6);
    const stop = Math.min(stepPixels, Math.max(first + 1, last));
    bands.forEach(({ firstRow, endRow }, band) => {
      let worst = 0;
      for (let row = firstRow; row < endRow; row++) {
        const code = columns.codes[column * columns.layerCount + (layerOfRow[row] ?? 0)] ?? 0;
        worst = Math.max(worst, severityOf.get(code) ?? 0);
      }
      if (worst === 0) return;
      for (let pixel = first; pixel < stop; pixel++) {
        const at = pixel * bands.length + band;
        if (worst > (field[at] ?? 0)) field[at] = worst;
      }
    });
  }
  return field;
}

/** Code of the metric `stage` → rank among the stages that are marked. */
function severityTable(): { get(code: number): number | undefined } {
  const known = new Map<number, number>();
  return {
    get(code) {
      if (code === CODE_MISSING || code === CODE_NON_FINITE) return 0;
      const found = known.get(code);
      if (found !== undefined) return found;
      const name = STAGE_NAMES[Math.round(decodeMagnitude(code))];
      const rank = name === undefined ? -1 : STAGES_BY_SEVERITY.indexOf(name);
      const severity = rank < UNMARKED ? 0 : rank;
      known.set(code, severity);
      return severity;
    },
  };
}

/**
 * Paints the stages over the cells into `target`, [height × width] packed pixels: a line
 * along the lower edge of each row and a tick where a stage begins; dots where rows are too
 * low for that. Other pixels stay transparent, so that the values are read beside.
 */
export function rasteriseStageMarks(
  columns: StageColumns,
  plot: RasterPlot,
  colours: StageColours,
  halo: number,
  target: Uint32Array,
): void {
  const { stepPixels, layerPixels, bands, orientation } = plot;
  const field = worstStages(columns, plot);
  const table = STAGES_BY_SEVERITY.map((name) =>
    packHex(stageColour(STAGE_NAMES.indexOf(name), colours)),
  );
  const isRight = orientation === 'steps-right';
  const put = (pixel: number, across: number, colour: number) => {
    target[isRight ? across * stepPixels + pixel : pixel * layerPixels + across] = colour;
  };
  target.fill(0);
  bands.forEach(({ start, end }, band) => {
    const size = end - start;
    const line = Math.min(MOST_LINE, Math.max(2, Math.round(size * 0.2)));
    let before = 0;
    for (let pixel = 0; pixel < stepPixels; pixel++) {
      const severity = field[pixel * bands.length + band] ?? 0;
      const colour = table[severity] ?? 0;
      if (severity !== 0 && size < LEAST_ROW_FOR_LINE) {
        for (let across = start; across < end; across++) {
          if ((pixel + across) % DOT_PERIOD === 0) put(pixel, across, colour);
        }
      } else if (severity !== 0) {
        const isBeginning = severity !== before;
        put(pixel, end - line - 1, halo);
        for (let across = isBeginning ? start : end - line; across < end; across++) {
          put(pixel, across, colour);
        }
      }
      before = severity;
    }
  });
}
