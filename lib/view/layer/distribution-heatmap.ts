import type { DistributionsReply } from '../../contract/reads';
import { prepareAxisTicks, type AxisTick, type DistributionAxis } from './distribution-axis';
import { drawBins } from './distribution-bins';
import { formatTick } from './distribution-panel';

/** One distribution over steps as colours: a row a reported step, a column a slice of the axis. */
export interface DistributionHeatmap {
  /** [R] the reported steps, oldest first. */
  readonly steps: readonly number[];
  readonly columnCount: number;
  /** [R, columnCount] 0 nothing … 1 as dense as the scale reaches. */
  readonly shades: Float32Array;
  /** Density per unit of the axis at shade 1; what is denser is drawn as 1. */
  readonly scale: number;
  readonly ticks: readonly (AxisTick & { readonly label: string })[];
  readonly domain: readonly [number, number];
}

/** Finer than the drawn bins, so that their borders lie where they are. */
const COLUMNS = 120;
/** As the ridgeline's: the sharpest quarter of the rows may be cut, or one atom darkens all. */
const WHOLE_SHARE = 0.75;

/**
 * Density over steps. The shade is the root of the density, so that tails are seen beside
 * peaks; all rows are on one scale.
 *
 * Empty  no rows where the kind was never reported
 */
export function prepareDistributionHeatmap(
  items: DistributionsReply['items'],
  kind: string,
  axis: DistributionAxis,
  burst: number | null,
): DistributionHeatmap {
  const rows = items.flatMap(({ step, distributions }) => {
    const distribution = distributions.find((entry) => entry.kind === kind);
    return distribution === undefined ? [] : [{ step, bins: drawBins(distribution, axis).bins }];
  });
  const peaks = rows
    .map(({ bins }) => bins.reduce((most, { density }) => Math.max(most, density), 0))
    .sort((a, b) => a - b);
  const scale = peaks[Math.min(peaks.length - 1, Math.floor(WHOLE_SHARE * peaks.length))] ?? 0;
  const [first, last] = axis.domain;
  const shades = new Float32Array(rows.length * COLUMNS);
  rows.forEach(({ bins }, row) => {
    let bin = 0;
    for (let column = 0; column < COLUMNS; column++) {
      const at = first + ((last - first) * (column + 0.5)) / COLUMNS;
      while (bin < bins.length && (bins[bin]?.rightEdge ?? Infinity) <= at) bin++;
      const here = bins[bin];
      if (here === undefined || at < here.leftEdge || scale === 0) continue;
      shades[row * COLUMNS + column] = Math.min(1, Math.sqrt(here.density / scale));
    }
  });
  return {
    steps: rows.map(({ step }) => step),
    columnCount: COLUMNS,
    shades,
    scale,
    domain: axis.domain,
    ticks: prepareAxisTicks(axis, burst).map((tick) => ({
      ...tick,
      label: formatTick(tick.value, axis.kind),
    })),
  };
}
