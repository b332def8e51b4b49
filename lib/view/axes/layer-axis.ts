import type { LayerGroup } from './layer-groups';

/** Device pixels [start, end) along the layer axis that show the rows [firstRow, endRow). */
export interface LayerBand {
  readonly start: number;
  readonly end: number;
  readonly firstRow: number;
  readonly endRow: number;
}

export interface LayerGroupExtent {
  readonly label: string;
  readonly start: number;
  readonly end: number;
  readonly isLabelled: boolean;
  readonly isCollapsed: boolean;
  readonly rowCount: number;
}

/** Where each row of the heatmap lies, in device pixels. */
export interface LayerAxis {
  readonly rowCount: number;
  readonly length: number;
  readonly bands: readonly LayerBand[];
  readonly groups: readonly LayerGroupExtent[];
}

/** Below this a gap between groups would eat what it separates. CSS pixels. */
const LEAST_ROW_FOR_GAPS = 3;
/** A closed group is as high as so many rows, so that its label has room. */
const COLLAPSED_ROWS = 2;
/** Below this a group's label does not fit beside it. CSS pixels. */
const LEAST_GROUP_FOR_LABEL = 10;

/**
 * Lays rows along `available` device pixels. Rows are whole device pixels wide where
 * there is room; with more rows than pixels several share a band, whose cell is their
 * maximum. Groups are one CSS pixel apart where rows are 3 or more.
 */
export function prepareLayerAxis(
  rowCount: number,
  groups: readonly LayerGroup[],
  available: number,
  devicePixelRatio: number,
): LayerAxis {
  if (rowCount === 0 || available <= 0) return { rowCount, length: 0, bands: [], groups: [] };
  const gapCount = Math.max(0, groups.length - 1);
  const gap = Math.max(1, Math.round(devicePixelRatio));
  const { slotOfRow, heightOfRow, slotCount } = placeRows(rowCount, groups);
  const withGaps = (available - gapCount * gap) / slotCount;
  const hasGaps = withGaps / devicePixelRatio >= LEAST_ROW_FOR_GAPS;
  const exact = hasGaps ? withGaps : available / slotCount;
  const size = exact >= 3 ? Math.floor(exact) : exact;

  const edges: number[] = [];
  let gapsBefore = 0;
  for (let row = 0; row < rowCount; row++) {
    if (hasGaps && row > 0 && groups.some(({ start }) => start === row)) gapsBefore++;
    edges.push((slotOfRow[row] ?? 0) * size + gapsBefore * gap);
  }
  const startOf = (row: number) => Math.floor((edges[row] ?? 0) + 1e-6);
  const endOf = (row: number) =>
    Math.max(
      startOf(row) + 1,
      Math.floor((edges[row] ?? 0) + size * (heightOfRow[row] ?? 1) + 1e-6),
    );

  const bands: LayerBand[] = [];
  for (let row = 0; row < rowCount; row++) {
    const last = bands.at(-1);
    if (last !== undefined && startOf(row) < last.end) {
      bands[bands.length - 1] = { ...last, endRow: row + 1, end: Math.max(last.end, endOf(row)) };
    } else bands.push({ start: startOf(row), end: endOf(row), firstRow: row, endRow: row + 1 });
  }
  return {
    rowCount,
    length: endOf(rowCount - 1),
    bands,
    groups: groups.map(({ label, start, end, isCollapsed = false }) => {
      const extent = {
        label,
        start: startOf(start),
        end: endOf(end - 1),
        isCollapsed,
        rowCount: end - start,
      };
      const sizeCss = (extent.end - extent.start) / devicePixelRatio;
      return { ...extent, isLabelled: sizeCss >= LEAST_GROUP_FOR_LABEL };
    }),
  };
}

/** Where rows begin and how high they are, in rows: those of a closed group lie on each other. */
function placeRows(
  rowCount: number,
  groups: readonly LayerGroup[],
): { slotOfRow: number[]; heightOfRow: number[]; slotCount: number } {
  const slotOfRow: number[] = [];
  const heightOfRow: number[] = [];
  let slotCount = 0;
  for (let row = 0; row < rowCount; row++) {
    const closed = groups.find(
      ({ start, end, isCollapsed }) => isCollapsed === true && start <= row && row < end,
    );
    const isFirst = closed === undefined || closed.start === row;
    const height = closed === undefined ? 1 : COLLAPSED_ROWS;
    slotOfRow.push(isFirst ? slotCount : (slotOfRow[row - 1] ?? 0));
    heightOfRow.push(height);
    if (isFirst) slotCount += height;
  }
  return { slotOfRow, heightOfRow, slotCount };
}

/** The row nearest to a device pixel; null without rows. */
export function rowAtPixel(axis: LayerAxis, pixel: number): number | null {
  let best: LayerBand | null = null;
  for (const band of axis.bands) {
    best = band;
    if (pixel < band.end) break;
  }
  if (best === null) return null;
  const share = (pixel - best.start) / (best.end - best.start);
  const rows = best.endRow - best.firstRow;
  return best.firstRow + Math.min(rows - 1, Math.max(0, Math.floor(share * rows)));
}

/** The band that shows a row. */
export function bandOfRow(axis: LayerAxis, row: number): LayerBand | null {
  return axis.bands.find((band) => band.firstRow <= row && row < band.endRow) ?? null;
}
