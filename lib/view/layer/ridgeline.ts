import type { DistributionsReply } from '../../contract/reads';
import { prepareAxisTicks, type AxisTick, type DistributionAxis } from './distribution-axis';
import { drawBins } from './distribution-bins';
import { formatTick } from './distribution-panel';

export interface RidgePoint {
  readonly at: number;
  /** Share of a row's pitch: 1 reaches the baseline of the row above. */
  readonly height: number;
}

export interface RidgeRow {
  readonly step: number;
  readonly points: readonly RidgePoint[];
  /** 1 the step in the middle of attention, 2 another chosen one, 0 the others. */
  readonly emphasis: 0 | 1 | 2;
  readonly hasLabel: boolean;
}

export interface Ridgeline {
  readonly rows: readonly RidgeRow[];
  readonly ticks: readonly (AxisTick & { readonly label: string })[];
  readonly domain: readonly [number, number];
}

/** Peaks reach over at most this many rows: beyond it they would hide what was before. */
const TALLEST_ROWS = 2.2;
/** The share of rows that are drawn whole; the sharpest few are cut, or one atom flattens all. */
const WHOLE_SHARE = 0.75;
/** Every how many rows a step is written beside it. */
const LABEL_EVERY = 5;

/**
 * One distribution over steps, oldest row first, all on one height scale.
 *
 * Empty  no rows where the kind was never reported
 */
export function prepareRidgeline(
  items: DistributionsReply['items'],
  kind: string,
  axis: DistributionAxis,
  chosen: { readonly main: number; readonly others: readonly number[] },
  burst: number | null,
): Ridgeline {
  const rows = items.flatMap(({ step, distributions }) => {
    const distribution = distributions.find((entry) => entry.kind === kind);
    return distribution === undefined ? [] : [{ step, bins: drawBins(distribution, axis).bins }];
  });
  const peaks = rows
    .map(({ bins }) => Math.max(0, ...bins.map(({ density }) => density)))
    .sort((a, b) => a - b);
  const scale = peaks[Math.min(peaks.length - 1, Math.floor(WHOLE_SHARE * peaks.length))] ?? 0;
  return {
    domain: axis.domain,
    ticks: prepareAxisTicks(axis, burst).map((tick) => ({
      ...tick,
      label: formatTick(tick.value, axis.kind),
    })),
    rows: rows.map(({ step, bins }) => {
      const emphasis = step === chosen.main ? 1 : chosen.others.includes(step) ? 2 : 0;
      return {
        step,
        points: toRidge(bins, axis.domain, scale),
        emphasis,
        hasLabel:
          emphasis !== 0 ||
          isLabelled(
            step,
            rows.map((row) => row.step),
          ),
      };
    }),
  };
}

/** Round steps are labelled where steps come singly, else every fifth row. */
function isLabelled(step: number, steps: readonly number[]): boolean {
  const gap = (steps.at(-1) ?? 0) - (steps[0] ?? 0);
  const isEveryStep = gap === steps.length - 1;
  return isEveryStep ? step % LABEL_EVERY === 0 : steps.indexOf(step) % LABEL_EVERY === 0;
}

function toRidge(
  bins: ReturnType<typeof drawBins>['bins'],
  [first, last]: readonly [number, number],
  scale: number,
): readonly RidgePoint[] {
  const height = (density: number): number =>
    scale === 0 ? 0 : Math.min(TALLEST_ROWS, (density / scale) * TALLEST_ROWS);
  return [
    { at: first, height: 0 },
    ...bins.map(({ leftEdge, rightEdge, density }) => ({
      at: (leftEdge + rightEdge) / 2,
      height: height(density),
    })),
    { at: last, height: 0 },
  ];
}
