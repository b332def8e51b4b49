/** Heights and gaps of VISUAL's run screen; the phone drops all but the loss. */
const WIDE = { gutter: 144, right: 30, loss: 132, scalar: 64, ratio: 44, leastHeatmap: 160 };
/** The gutter holds "Loss" beside the lane of events, whose first mark reaches into it. */
const NARROW = { gutter: 52, right: 14, loss: 104, scalar: 0, ratio: 0, leastHeatmap: 236 };
export const EVENTS_HEIGHT = 22;
export const STRIP_HEIGHT = 8;
export const AXIS_HEIGHT = 20;
export const BOTTOM_GAP = 10;
const LANE_GAP = 8;
/** Grid lines run on past the plot, to the column of stages. */
const GRID_REACH = 26;

/** A lane of the plot: from its top, so high. CSS pixels. */
export interface LanePlace {
  readonly top: number;
  readonly height: number;
}

export interface LaneLayout {
  readonly left: number;
  readonly width: number;
  readonly gridEnd: number;
  readonly loss: LanePlace;
  /** null where it is not drawn. */
  readonly scalar: LanePlace | null;
  readonly ratio: LanePlace | null;
  /** The lower end of the last timeline. */
  readonly timelinesEnd: number;
  readonly stripTop: number;
  readonly heatmapTop: number;
  /** What is left for the rows of the heatmap. */
  readonly heatmapHeight: number;
}

/** Where the lanes of the layout with steps to the right lie in a plot of this size. */
export function layOutLanes({
  width,
  height,
  isNarrow,
  hasScalar,
  hasRatio,
}: {
  readonly width: number;
  readonly height: number;
  readonly isNarrow: boolean;
  readonly hasScalar: boolean;
  readonly hasRatio: boolean;
}): LaneLayout {
  const measures = isNarrow ? NARROW : WIDE;
  const plotWidth = Math.max(0, width - measures.gutter - measures.right);
  let end = EVENTS_HEIGHT + measures.loss;
  const next = (laneHeight: number, isShown: boolean): LanePlace | null => {
    if (!isShown || laneHeight === 0) return null;
    const place = { top: end + LANE_GAP, height: laneHeight };
    end = place.top + laneHeight;
    return place;
  };
  const scalar = next(measures.scalar, hasScalar);
  const ratio = next(measures.ratio, hasRatio);
  // The label of a lone loss ends where its axis does; the strip may stand nearer to it.
  const stripTop = end + (scalar === null && ratio === null ? 10 : 16);
  const heatmapTop = stripTop + STRIP_HEIGHT + 6;
  return {
    left: measures.gutter,
    width: plotWidth,
    gridEnd: measures.gutter + plotWidth + (isNarrow ? 0 : GRID_REACH),
    loss: { top: EVENTS_HEIGHT, height: measures.loss },
    scalar,
    ratio,
    timelinesEnd: end,
    stripTop,
    heatmapTop,
    // A phone's page scrolls: the heatmap has its own height there instead of the rest.
    heatmapHeight: isNarrow
      ? measures.leastHeatmap
      : Math.max(measures.leastHeatmap, height - heatmapTop - AXIS_HEIGHT - BOTTOM_GAP),
  };
}
