import type { HeatmapColumns } from '../../contract/heatmap-columns';

/** A layer's newest gradient norm against its own recent past. */
export interface LayerChange {
  readonly layer: number;
  /** Newest value over the median of up to 64 reported before it. */
  readonly factor: number;
  readonly value: number;
  /** The last reported values, oldest first; null where not finite or not reported. */
  readonly recent: readonly (number | null)[];
}

/** A layer whose newest value is NaN or infinite. */
export interface NonFiniteLayer {
  readonly layer: number;
  /** Where that began; null where it is so in all of the history that was read. */
  readonly sinceStep: number | null;
}

export interface LayerChanges {
  /** Those that no longer report a number, who was first at the front. */
  readonly nonFinite: readonly NonFiniteLayer[];
  readonly layerCount: number;
  /** By distance from 1 on a logarithmic scale, farthest first. */
  readonly items: readonly LayerChange[];
  /** Layers at ten times their median or more. */
  readonly tenfoldCount: number;
  /** Reported steps before the newest one, at most 64. */
  readonly historySteps: number;
  readonly newestStep: number | null;
}

export const HISTORY_STEPS = 64;
/** Fewer steps than this make no median worth ranking by. */
const LEAST_HISTORY_STEPS = 8;
const SPARKLINE_STEPS = 60;
const TENFOLD = 10;

function medianOf(values: number[]): number {
  values.sort((a, b) => a - b);
  const middle = values.length >> 1;
  const upper = values[middle] ?? NaN;
  return values.length % 2 === 1 ? upper : ((values[middle - 1] ?? NaN) + upper) / 2;
}

/**
 * The layers whose last reported value is not finite, and since when without a number in
 * between; who was first stands first, those of before this history before all others.
 */
function findNonFinite(columns: HeatmapColumns): NonFiniteLayer[] {
  const { columnCount, layerCount, values, nonFinite, fromStep } = columns;
  const found: NonFiniteLayer[] = [];
  for (let layer = 0; layer < layerCount; layer++) {
    const row = layer * columnCount;
    let since = -1;
    let column = columnCount - 1;
    for (; column >= 0; column--) {
      if ((nonFinite[row + column] ?? 0) > 0) since = column;
      // A step that did not report the layer says nothing of it.
      else if (!Number.isNaN(values[row + column] ?? NaN)) break;
    }
    if (since === -1) continue;
    found.push({ layer, sinceStep: column < 0 ? null : (fromStep[since] ?? null) });
  }
  return found.sort((a, b) => (a.sinceStep ?? -1) - (b.sinceStep ?? -1) || a.layer - b.layer);
}

/**
 * How much each layer's value moved against its own median.
 *
 * Empty    fewer than 8 earlier steps: no items, `historySteps` says how many there are
 * NaN/Inf  left out of the medians; a layer without a finite newest value is not ranked but
 *          told in `nonFinite`
 */
export function computeLayerChanges(columns: HeatmapColumns): LayerChanges {
  const { columnCount, layerCount, values, toStep } = columns;
  const last = columnCount - 1;
  const historySteps = Math.max(0, Math.min(HISTORY_STEPS, last));
  const newestStep = last < 0 ? null : (toStep[last] ?? null);
  const nonFinite = findNonFinite(columns);
  if (historySteps < LEAST_HISTORY_STEPS) {
    return { nonFinite, layerCount, items: [], tenfoldCount: 0, historySteps, newestStep };
  }
  const items: LayerChange[] = [];
  for (let layer = 0; layer < layerCount; layer++) {
    const row = values.subarray(layer * columnCount, (layer + 1) * columnCount);
    const value = row[last] ?? NaN;
    const history = Array.from(row.subarray(last - historySteps, last)).filter(Number.isFinite);
    const median = medianOf(history);
    const factor = value / median;
    if (!Number.isFinite(factor) || factor <= 0) continue;
    const recent = Array.from(row.subarray(Math.max(0, columnCount - SPARKLINE_STEPS)), (entry) =>
      Number.isFinite(entry) ? entry : null,
    );
    items.push({ layer, factor, value, recent });
  }
  items.sort(
    (a, b) => Math.abs(Math.log(b.factor)) - Math.abs(Math.log(a.factor)) || a.layer - b.layer,
  );
  return {
    nonFinite,
    layerCount,
    items,
    tenfoldCount: items.filter(({ factor }) => factor >= TENFOLD).length,
    historySteps,
    newestStep,
  };
}
